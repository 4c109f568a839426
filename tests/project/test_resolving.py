"""What a chain means once all modules are linked, and which files it leads to on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.model.reading.reader import read_module
from celery_lint.options import Configuration
from celery_lint.project.asking import Asking, asking
from celery_lint.project.entity import Entity
from celery_lint.project.imports import Imports
from celery_lint.project.known import Known
from celery_lint.project.memory import PerMode
from celery_lint.project.project import Project
from celery_lint.project.reading import Mode
from celery_lint.source import Source

FILES = {
    "shop/__init__.py": "from shop.loops import run\nfrom .celery import celery\nfrom .stock import *\n",
    "shop/celery.py": "from celery import Celery\ncelery = Celery('shop')\nanother = celery\n",
    "shop/loops.py": """
import asyncio as aio
from functools import cache, partial
from . import celery

def run(coroutine):
    return aio.run(coroutine)

def get_app():
    if celery is None:
        return None
    return celery

@cache
def kept():
    return third.Client()

def made():
    return third.Client()

def endless():
    return endless()

bound = partial(run, 1)
""",
    "shop/stock/__init__.py": "from .shelves import Shelf, build as builder\nfrom .shelves import LIMIT\n",
    "shop/stock/shelves.py": """
from third import Base

MINUTE = 60
LIMIT = MINUTE * 2
NAME = 'a' + 'b'

class Shelf(Base):
    client = None
    size = LIMIT

    class Meta:
        pass

    def fill(self):
        return self

    @property
    def engine(self):
        return third.Engine()

def build():
    return Shelf()
""",
    "shop/one.py": "from shop.other import name\n",
    "shop/other.py": "from shop.one import name\n",
    "shop/tasks.py": """
import shop.loops
import third.party
from shop import LIMIT, Shelf, celery, run
from shop.one import name
from shop.stock import builder
from third import thing as renamed

shelf = Shelf()
built = builder()
nothing = None
late = None
late = Shelf()
table = {'a': 1}
""",
}


def linked(files: Mapping[str, str], *read: str) -> Project:
    """A project of these files; only some of them have been read yet if so said."""
    modules = {path: read_module(path, Source(path, text)) for path, text in files.items()}

    def load(path: str, name: str) -> Module | Unparsed | None:
        return modules[path]

    first = [modules[path] for path in read or files]
    return Project(first, Imports(files), Configuration(), load=load)


def told(entity: Entity) -> str:
    """An entity in a few words: its kind, its name, the file that it is in and the name that keeps it."""
    value = [repr(entity.value.data)] if entity.kind == "value" and entity.value else []
    place = [f"in {entity.module.path}"] if entity.module and entity.kind != "module" else []
    kept = ["as " + " ".join(entity.origin)] if entity.origin else []
    return " ".join(filter(None, [entity.kind, entity.name, *value, *place, *kept]))


APP = "external celery.Celery() in shop/celery.py as shop/celery.py celery"
LIMIT = "value 'Mult' in shop/stock/shelves.py as shop/stock/shelves.py LIMIT"

CHAINS = {
    # what a name of the module is
    ":run": "function run in shop/loops.py",
    ":Shelf": "class Shelf in shop/stock/shelves.py",
    ":LIMIT": LIMIT,
    ":shelf": "instance Shelf in shop/stock/shelves.py as shop/tasks.py shelf",
    ":built": "instance Shelf in shop/stock/shelves.py as shop/tasks.py built",
    ":late": "instance Shelf in shop/stock/shelves.py as shop/tasks.py late",
    ":nothing": "unknown nothing as shop/tasks.py nothing",
    ":table": "value None in shop/tasks.py as shop/tasks.py table",
    ":renamed": "external third.thing",
    ":celery": APP,
    ":name": "unknown",  # two modules that import it from each other
    ":missing": "unknown",
    # paths of modules
    "shop.celery": APP,  # the object that the package binds, not its submodule
    "shop.celery.another": APP,  # the submodule, because it has a member of that name
    "shop.loops": "module shop/loops.py",
    "shop.loops.run": "function run in shop/loops.py",
    "shop.stock.builder": "function build in shop/stock/shelves.py",
    "shop.stock.shelves.NAME": "value 'ab' in shop/stock/shelves.py as shop/stock/shelves.py NAME",
    "shop.missing": "unknown",
    ".loops.run": "function run in shop/loops.py",
    "..outside": "external shop.tasks:..outside",
    "third.party.thing": "external third.party.thing",
    "asyncio.run": "external asyncio.run",
    "shop.loops.aio.run": "external asyncio.run",
    "~print": "external builtins.print",
    # attributes
    ":shelf.fill": "function Shelf.fill in shop/stock/shelves.py",
    ":Shelf.Meta": "class Shelf.Meta in shop/stock/shelves.py",
    ":shelf.size": LIMIT,
    ":shelf.engine": "external builtins.third.Engine() in shop/stock/shelves.py as shop/tasks.py shelf",
    ":Shelf.inherited": "external third.Base.inherited as shop/stock/shelves.py Shelf.inherited",
    ":shelf.inherited": "external third.Base().inherited as shop/tasks.py shelf",
    ":shelf.client": "external third.Base().client as shop/tasks.py shelf",  # `None` says nothing
    ":run.delay": "member delay in shop/loops.py",
    # calls
    ":Shelf()": "instance Shelf in shop/stock/shelves.py",
    ":celery.task()": "external celery.Celery().task()",
    ":renamed.open()[]": "external third.thing.open()[]",
    "shop.loops.get_app()": APP,
    "shop.loops.made()": "external builtins.third.Client() in shop/loops.py",
    "shop.loops.kept()": "external builtins.third.Client() in shop/loops.py as shop/loops.py kept",
    "shop.loops.endless()": "unknown",
    "shop.loops.bound": "partial in shop/loops.py as shop/loops.py bound",
    # what is no chain
    "": "unknown",
    "%local": "unknown",
}


@pytest.mark.parametrize("chain", CHAINS)
def test_chains(chain: str) -> None:
    project = linked(FILES)
    assert told(project.resolve(project.modules["shop/tasks.py"], chain)) == CHAINS[chain]


EXPRESSIONS = {
    "60": 60,
    "-1": -1,
    "60 * 60": 3600,
    "LIMIT + 1": 121,
    "LIMIT - 20.5": 99.5,
    "timedelta(minutes=2, seconds=1)": 121,
    "timedelta(days=LIMIT)": 120 * 86400,
    "'a' + 'b'": "ab",
    "True": True,
    "getattr(shelf, 'size', 5)": 120,
    "getattr(shelves, 'LIMIT')": 120,
    # nobody knows
    "getattr(shelf, 'weight', 5)": None,  # its class has bases elsewhere
    "getattr(shelf, LIMIT, 5)": None,
    "getattr(shelf)": None,
    "LIMIT / 2": None,
    "'a' + 1": None,
    "timedelta(90)": None,
    "timedelta(years=1)": None,
    "unknown()": None,
    "missing": None,
    "x": None,  # bound to itself
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_constants(expression: str) -> None:
    names = "from shop import LIMIT\nfrom shop.stock import shelves\nfrom shop.tasks import shelf\n"
    text = f"from datetime import timedelta\n{names}x = {expression}\n"
    project = linked({**FILES, "shop/own.py": text})
    module = project.modules["shop/own.py"]
    (value,) = module.bindings["x"]
    known = project.constant(module, value)
    expected = EXPRESSIONS[expression]
    assert (known.data if known else None) == expected
    is_number = isinstance(expected, (int, float)) and not isinstance(expected, bool)
    assert project.number(module, value) == (expected if is_number else None)
    assert project.text(module, value) == (expected if isinstance(expected, str) else None)


def test_bases_come_nearest_first() -> None:
    text = (
        "from celery import Task\nclass A(Task): ...\nclass B(A): ...\nclass C(A): ...\nclass D(B, C): ...\n"
    )
    project = linked({"shop/bases.py": text})
    lowest = project.resolve(project.modules["shop/bases.py"], ":D")
    assert [base.name for base in project.bases(lowest)] == ["D", "B", "C", "A", "celery.Task"]


# -------------------------------------------------------------------------- files that nobody has read yet

UNREAD = ("shop/tasks.py", "shop/__init__.py", "shop/stock/__init__.py")

MODES: dict[Mode, object] = {
    # mode: what `shop.loops.run` is, what was read for it, what was hinted at
    "demand": ("function run in shop/loops.py", {"shop/loops.py"}, set()),
    "hint": ("unknown", set(), {"shop/loops.py"}),
    "quiet": ("unknown", set(), set()),
}


#: None of them reads anything: neither what they find nor what is remembered of it is an answer in earnest.
MODES_WITHOUT_READING: tuple[Mode, ...] = ("quiet", "hint", "quiet")


def told_in(mode: Mode, project: Project, module: Module | None, chain: str) -> str:
    """What a chain is to a part that asks in this mode."""

    def ask(part: Asking) -> str:
        return told(part.project.resolve(cast("Module", module), chain))

    return asking(mode)(ask)(Known(project))


def mode_of(part: Asking) -> Mode:
    """The mode in which a part asks right now."""
    return part.project.reading.mode


@pytest.mark.parametrize("mode", MODES)
def test_modes(mode: Mode) -> None:
    project = linked(FILES, *UNREAD)
    module = project.modules["shop/tasks.py"]
    found = told_in(mode, project, module, "shop.loops.run")
    assert (found, project.reading.wanted, {*project.reading.hinted}) == MODES[mode]
    assert project.reading.mode == "demand"


def test_what_a_quiet_question_found_is_no_answer_to_an_earnest_one() -> None:
    project = linked(FILES, *UNREAD)
    module = project.modules["shop/tasks.py"]
    for mode in MODES_WITHOUT_READING:
        assert told_in(mode, project, module, "shop.loops.run") == "unknown"
    assert told(project.resolve(module, "shop.loops.run")) == "function run in shop/loops.py"
    assert told_in("quiet", project, module, "shop.loops.run") == "function run in shop/loops.py"


def test_a_file_that_was_refused_to_one_is_hinted_at_by_another() -> None:
    """Who looks for applications gets no file without a word of Celery; a task that calls into it may."""
    project = linked(FILES, *UNREAD)
    module = project.modules["shop/tasks.py"]
    project.reading.load = lambda path, name: None
    assert told(project.resolve(module, "shop.loops.run")) == "unknown"
    assert told_in("hint", project, module, "shop.loops.run") == "unknown"
    assert {*project.reading.hinted} == {"shop/loops.py"}
    before = project.reading.misses
    project.resolve(module, "shop.loops.run")
    assert project.reading.misses > before


def test_a_quiet_question_knows_what_was_read_meanwhile() -> None:
    project = linked(FILES, *UNREAD)
    module = project.modules["shop/tasks.py"]
    assert told_in("quiet", project, module, "shop.loops.aio.run") == "unknown"
    project.resolve(module, "shop.loops.run")
    assert told_in("quiet", project, module, "shop.loops.aio.run") == "external asyncio.run"


def test_a_settled_project_reads_nothing_more() -> None:
    project = linked(FILES, *UNREAD)
    project.settle()
    assert told(project.resolve(project.modules["shop/tasks.py"], "shop.loops.run")) == "unknown"
    assert project.reading.wanted == set()


def test_a_mode_ends_with_its_method_also_by_an_error() -> None:
    project = linked(FILES, *UNREAD)
    with pytest.raises(AttributeError):
        told_in("quiet", project, None, "shop.loops.run")
    assert project.reading.mode == "demand"


def test_once_everything_is_read_no_mode_is_told_apart() -> None:
    project = linked(FILES)
    assert asking("quiet")(mode_of)(Known(project)) == "quiet"
    project.settle()
    assert asking("quiet")(mode_of)(Known(project)) == "demand"


class Counted:
    """An answer that tells how often it was found, and may meet a file that has not been read."""

    def __init__(self, project: Project, meets: str = "") -> None:
        self.project = project
        self.meets = meets
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        if self.meets:
            self.project.reading.module(self.meets, "name")
        return self.times


def asked_in(mode: Mode, project: Project, kept: PerMode[int], find: Counted) -> int:
    def ask(part: Asking) -> int:
        return kept.of("key", find)

    return asking(mode)(ask)(Known(project))


def test_what_any_mode_has_found_serves_all_once_everything_is_read() -> None:
    project = linked(FILES, *UNREAD)
    kept, find = PerMode[int](project.reading), Counted(project)
    assert asked_in("hint", project, kept, find) == asked_in("hint", project, kept, find) == 1
    assert asked_in("demand", project, kept, find) == 2
    other = PerMode[int](project.reading)
    assert asked_in("hint", project, other, find) == 3
    project.settle()
    assert asked_in("demand", project, other, find) == 3


def test_who_asks_quietly_takes_what_others_have_found() -> None:
    project = linked(FILES, *UNREAD)
    kept, find = PerMode[int](project.reading), Counted(project)
    assert asked_in("hint", project, kept, find) == asked_in("quiet", project, kept, find) == 1
    assert find.times == 1


def test_what_has_met_an_unread_file_serves_until_another_is_read() -> None:
    project = linked(FILES, *UNREAD)
    kept, find = PerMode[int](project.reading), Counted(project, "shop/elsewhere.py")
    assert asked_in("hint", project, kept, find) == 1
    before = project.reading.misses
    assert asked_in("quiet", project, kept, find) == 1
    assert project.reading.misses > before
    project.modules.add(project.modules[next(iter(project.modules))]._replace(path="shop/another.py"))
    assert asked_in("quiet", project, kept, find) == 2

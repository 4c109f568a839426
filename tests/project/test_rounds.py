"""What outlives a round of reading is what the next round would find itself, and leads where that leads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from celery_lint.diagnostics import Unparsed
from celery_lint.inventory.code.ends.unreached import Unreached
from celery_lint.model.facts import Function, Module
from celery_lint.model.reading.reader import read_module
from celery_lint.options import Configuration
from celery_lint.project.entity import Entity
from celery_lint.project.imports import Imports
from celery_lint.project.known import Known
from celery_lint.project.project import Project
from celery_lint.project.reading import Lasting, Mode
from celery_lint.source import Source
from tests.project.test_resolving import CHAINS, FILES, UNREAD, told

MODES: tuple[Mode, ...] = ("demand", "hint", "quiet")
MODULES = {path: read_module(path, Source(path, text)) for path, text in FILES.items()}
# What is read from round to round, beside what chains lead to: the last one reads nothing more.
ROUNDS = (UNREAD, ("shop/loops.py",), ("shop/celery.py",), tuple(FILES), ())


def linked(read: list[str], lasting: Lasting | None, refused: bool = False) -> Project:
    def load(path: str, name: str) -> Module | Unparsed | None:
        return None if refused else MODULES[path]

    modules = [MODULES[path] for path in read]
    return Project(modules, Imports(FILES), Configuration(), load=load, lasting=lasting)


def said(project: Project, modes: tuple[Mode, ...]) -> Iterator[object]:
    """What all chains are in each of these modes, and what that leads to."""
    for mode in modes:
        project.reading.mode = mode
        yield [told(project.resolve(project.modules["shop/tasks.py"], chain)) for chain in CHAINS]
        reading = project.reading
        yield (
            {*reading.wanted},
            {*reading.demanded},
            {path: {*names} for path, names in reading.hinted.items()},
        )


@pytest.mark.parametrize("refused", [False, True], ids=["read", "refused"])
@pytest.mark.parametrize("modes", list(product(MODES, MODES)), ids="-".join)
def test_a_round_that_knows_the_last_one_says_what_a_new_one_says(
    modes: tuple[Mode, ...], refused: bool
) -> None:
    lasting, read = Lasting(), set[str]()
    for more in ROUNDS:
        read.update(more)
        project = linked(sorted(read), lasting, refused)
        again = list(said(project, modes))
        assert again == list(said(linked(sorted(read), None, refused), modes))
        read |= project.reading.wanted


class Counted(Project):
    """A project that tells which chains it has followed."""

    def __init__(self, read: list[str], lasting: Lasting) -> None:
        modules = [MODULES[path] for path in read]
        super().__init__(modules, Imports(FILES), Configuration(), load=lambda *_: None, lasting=lasting)
        self.followed: list[str] = []

    def _resolve(self, module: Module, chain: str) -> Entity:
        self.followed.append(chain)
        return super()._resolve(module, chain)


def followed(read: list[str], lasting: Lasting, *chains: str) -> list[str]:
    project = Counted(read, lasting)
    for chain in chains:
        project.resolve(project.modules["shop/tasks.py"], chain)
    return project.followed


def test_only_what_has_met_a_file_that_is_read_now_is_asked_anew() -> None:
    lasting = Lasting()
    chains = ("shop.loops.run", "shop.stock.shelves.NAME", "shop.stock.nothing", "third.party")
    assert set(followed([*UNREAD], lasting, *chains)) >= set(chains)
    assert followed([*UNREAD], lasting, *chains) == []
    assert followed([*UNREAD, "shop/loops.py"], lasting, *chains) == ["shop.loops.run"]


def test_what_a_circle_comes_back_to_lasts_and_what_it_has_cut_short_does_not() -> None:
    lasting = Lasting()
    assert followed([*FILES], lasting, ":name")
    assert followed([*FILES], lasting, ":name") == []
    members = lasting.of("members")
    assert ("shop/one.py", "name") in members
    assert ("shop/other.py", "name") not in members


def test_a_circle_cuts_short_nothing_that_is_found_elsewhere() -> None:
    texts = {
        "models/__init__.py": "from models.bills import *\nfrom models.items import *\n",
        "models/bills.py": "from models import Item\n",
        "models/items.py": "class Item: ...\n",
    }
    modules = [read_module(path, Source(path, text)) for path, text in texts.items()]
    lasting = Lasting()
    for number in range(2):
        project = Project(modules, Imports(texts), Configuration(), load=lambda *_: None, lasting=lasting)
        if number == 0:
            assert project.member(project.modules["models/__init__.py"], "Item").kind == "class"
            assert ("models/bills.py", "Item") not in lasting.of("members")
        else:
            assert ("models/__init__.py", "Item") in lasting.of("members")
            assert project.member(project.modules["models/bills.py"], "Item").kind == "class"


# What is read from round to round: what each module says makes an answer of the round before another one.
RAISING = {
    "shop/__init__.py": "",
    "shop/tasks.py": (
        "from shop import kinds, mails, stock\n\n\n"
        "def by_value(kind):\n    kinds.Kind('other')\n    print(kind)\n\n\n"
        "def by_name(kind):\n    found = kinds.Kind.OTHER\n    print(found)\n\n\n"
        "def by_count():\n    mails.send(1, 2)\n    print()\n\n\n"
        "def by_call():\n    stock.refuse()\n    print()\n\n\n"
        "def by_import():\n    from shop.stock import nothing\n\n    nothing()\n\n\n"
        "def unbound():\n    print(missing)\n    print()\n"
    ),
    "shop/kinds.py": "import enum\n\n\nclass Kind(enum.Enum):\n    ONE = 'one'\n",
    "shop/mails.py": "def send(to):\n    return to\n",
    "shop/stock.py": "def refuse():\n    raise ValueError\n",
    "shop/patches.py": "from shop import mails, stock, tasks\n\nmails.send = print\ntasks.missing = 1\n",
    "shop/more.py": "from shop import kinds, stock\n\nkinds.Kind.OTHER = 2\nstock.refuse = print\n",
    "shop/place.py": "import sys\n\nsys.modules['shop.stock'] = None\n",
    "shop/done.py": "",
}


def unreached(read: list[str], lasting: Lasting | None) -> dict[str, tuple[frozenset[int], frozenset[int]]]:
    modules = [read_module(path, Source(path, RAISING[path])) for path in read]
    known = Known(Project(modules, Imports(RAISING), Configuration(), load=lambda *_: None, lasting=lasting))
    part, module = known.of(Unreached), known.project.modules["shop/tasks.py"]
    return {
        name: (part.calls(module, function), part.of(module, function))
        for name, function in module.functions.every()
    }


def test_what_raises_is_known_from_round_to_round_while_all_modules_say_so() -> None:
    lasting, read = Lasting(), [*RAISING][:2]
    said: dict[str, list[object]] = {}
    for more in [*RAISING][2:]:
        found = unreached(read, lasting)
        assert found == unreached(read, None), read
        assert unreached(read, lasting) == found
        for name, answer in found.items():
            if not said.get(name) or said[name][-1] != answer:
                said.setdefault(name, []).append(answer)
        read.append(more)
    changes = {name: len(answers) - 1 for name, answers in said.items()}
    assert changes == {
        "": 0, "by_value": 1, "by_name": 2, "by_count": 2, "by_call": 2, "by_import": 2, "unbound": 1,
    }  # fmt: skip


def test_what_raises_is_not_worked_out_anew_while_all_modules_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lasting, read, asked = Lasting(), [*RAISING][:5], []
    find = Unreached._find_raised

    def counted(self: Unreached, module: Module, function: Function, count: int) -> frozenset[int]:
        asked.append(function.qualname)
        return find(self, module, function, count)

    monkeypatch.setattr(Unreached, "_find_raised", counted)
    unreached(read, lasting)
    assert "by_count" in asked
    asked.clear()
    unreached(read, lasting)
    assert asked == []
    unreached([*read, "shop/patches.py"], lasting)
    assert asked == ["by_count", "unbound"]

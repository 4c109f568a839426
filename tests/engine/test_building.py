"""What is read of a workspace, and when what has changed says nothing new."""

from __future__ import annotations

import ast
import gc
import json
import weakref
from pathlib import Path

import pytest

from celery_lint.diagnostics import Unparsed
from celery_lint.engine import building
from celery_lint.engine.building import Built, build
from celery_lint.engine.edited.unnoticed import says_the_same
from celery_lint.files.filter import FirstPass, Pair
from celery_lint.files.library import NOTHING_KEPT, Kept, Library
from celery_lint.inventory.code.graph import LAYERS
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.commands import Deployment
from celery_lint.model.facts import Module
from celery_lint.model.reading.reader import read_module
from celery_lint.options import Configuration
from celery_lint.project.known import Known
from celery_lint.project.project import Project
from celery_lint.source import Source, digest_of
from tests import samples

FILES = {
    "broken.py": "def (\n",
    "named.py": "def durable(function):\n    return function\n",
    "quiet.py": "x = 1\n",
    "tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef task():\n    ...\n",
}
NAMES: list[Pair] = [("durable", "named")]
TASKS, NAMED = FILES["tasks.py"], FILES["named.py"]
SAME = [
    # what is rewritten, and the files with facts that still say the same; None if something new is said
    ({}, set()),
    ({"quiet.py": "x = 2\n"}, set()),
    ({"tasks.py": f"{TASKS}# celery\n"}, {"tasks.py"}),
    ({"named.py": f"{NAMED}# comment\n", "tasks.py": f"{TASKS}# comment\n"}, {"named.py", "tasks.py"}),
    ({"quiet.py": "x = 2\n", "tasks.py": f"{TASKS}# comment\n"}, {"tasks.py"}),
    ({"named.py": f"{NAMED}# comment\n", "quiet.py": "x = 2\n"}, {"named.py"}),
    ({"quiet.py": "import celery\n"}, None),
    ({"quiet.py": "from named import durable\n"}, None),
    ({"quiet.py": "durable = 1\n"}, set()),  # a name of its own: its module is not spoken of
    ({"tasks.py": "x = 1\n"}, None),
    ({"tasks.py": TASKS.replace("task()", "task(x)")}, None),
    ({"tasks.py": f"\n{TASKS}"}, None),  # everything stands elsewhere
    ({"tasks.py": f"{TASKS}def (\n"}, None),
    ({"named.py": NAMED.replace("function", "f")}, None),
    ({"named.py": "import celery\n"}, None),
    ({"broken.py": "x = 1\n"}, None),  # it was read in vain; what it says now nobody knows
    ({"tasks.py": f"{TASKS}# comment\n", "quiet.py": "import celery\n"}, None),
]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """What a run over the files has left: all have changed since."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    readings = Library(str(tmp_path), {}, NOTHING_KEPT, None).readings(["broken.py", "named.py", "tasks.py"])
    modules = {name: module for name, module in readings.items() if not isinstance(module, Unparsed)}
    return Kept(
        {name: json.dumps(module) for name, module in modules.items()},
        {name: module.digest for name, module in modules.items()},
        {name: module for name, module in readings.items() if isinstance(module, Unparsed)},
        frozenset(),
        frozenset({"tasks.py"}),
        frozenset(NAMES),
    )


def never(before: Module, after: Module) -> None:
    """Whatever changes in facts concerns somebody."""


@pytest.mark.parametrize("rewritten, expected", SAME)
def test_what_says_the_same(
    tmp_path: Path, kept: Kept, rewritten: dict[str, str], expected: set[str] | None
) -> None:
    for name, text in rewritten.items():
        (tmp_path / name).write_text(text)
    library = Library(str(tmp_path), {}, kept, None)
    same = says_the_same(list(rewritten), library, FirstPass().passes, ["tasks.py"], NAMES, never)
    if expected is None:
        assert same is None
    else:
        assert same is not None
        assert same.digests == {name: digest_of(rewritten[name]) for name in expected}


def test_facts_that_are_lost_say_nothing(tmp_path: Path, kept: Kept) -> None:
    for name in ("named.py", "tasks.py"):
        lines = {other: line for other, line in kept.lines.items() if other != name}
        library = Library(str(tmp_path), {}, kept._replace(lines=lines), None)
        assert says_the_same([name], library, FirstPass().passes, ["tasks.py"], NAMES, never) is None


def test_without_names_nobody_looks_for_any(tmp_path: Path, kept: Kept) -> None:
    (tmp_path / "quiet.py").write_text("from named import durable\n")
    library = Library(str(tmp_path), {}, kept, None)
    same = says_the_same(["quiet.py"], library, FirstPass().passes, ["tasks.py"], [], never)
    assert same is not None
    assert same.digests == {}


# ------------------------------------------------------------------------------------ what is read

RELAYED = {
    **samples.FILES,
    "app/further.py": "from app.relay import forward\n\n\ndef further(x):\n    return forward(x)\n",
    "app/jobs.py": (
        "from app.further import further\nfrom app.store import load\nfrom app.wrapping import durable\n"
        "from app.constants import PATIENCE\n\n\n"
        "async def work():\n    ...\n\n\n"
        "@durable(retry_backoff=PATIENCE)\ndef job():\n    load()\n    further(work())\n"
    ),
    "app/constants.py": "PATIENCE = 30\n",
    "app/lost.py": "from app.relay import forward\nfrom app.wrapping import durable\ndef (\n",
    "app/relay.py": "from app.loops import run\n\n\ndef forward(x):\n    return run(x)\n",
    "app/store.py": (
        "from sqlalchemy import create_engine\n\n\ndef load():\n    return create_engine('sqlite://')\n"
    ),
    "app/unwanted.py": "def (\n",
    "app/wrapping.py": (
        "from app.celery import app\n\n\n"
        "def durable(**options):\n    return app.task(acks_late=True, **options)\n"
    ),
}
PYTHON = sorted(name for name in RELAYED if name.endswith(".py"))
FIRST = ["app/celery.py", "app/loops.py", "app/mail.py", "app/text.py", "app/wrapping.py"]
LED_TO = ["app/constants.py", "app/further.py", "app/jobs.py", "app/relay.py", "app/store.py"]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of modules that were linked, round by round."""
    seen: list[int] = []
    original = building.linked

    def linked(modules: object, *others: object) -> object:
        modules = list(modules)  # type: ignore[call-overload]
        seen.append(len(modules))
        return original(modules, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "linked", linked)
    return seen


def built(folder: Path, **options: object) -> Built:
    library = Library(str(folder), {}, NOTHING_KEPT, None)
    return build(PYTHON, library, Configuration(), Deployment(), **options)  # type: ignore[arg-type]


def said(outcome: Built) -> tuple[object, ...]:
    """What a build has found, without how it came to be."""
    return outcome.modules, outcome.unparsed, outcome.passed, outcome.names, outcome.asked


def test_relays_lead_on_round_by_round(tmp_path: Path, rounds: list[int]) -> None:
    outcome = built(samples.write(tmp_path, RELAYED))
    assert outcome.passed == FIRST
    assert sorted(outcome.modules) == sorted(FIRST + LED_TO)
    assert list(outcome.unparsed) == ["app/lost.py"]
    assert outcome.named == ["app/further.py", "app/jobs.py", "app/lost.py", "app/relay.py"]
    assert {("run", "loops"), ("forward", "relay"), ("further", "further")} <= set(outcome.names)
    assert outcome.names == sorted(outcome.names)
    assert outcome.stray == []
    assert outcome.asked == []
    assert {task.label for task in outcome.known.of(Tasks).all} == {"deliver", "never", "job"}
    assert rounds[0] == len(FIRST)
    assert len(rounds) <= 4, "it has settled before"


def test_a_chain_of_relays_takes_a_round_for_each(tmp_path: Path, rounds: list[int]) -> None:
    """Each file knows only the one before it, and the last round links all that was read."""
    chain = {
        f"app/relay{n}.py": (
            f"from app.relay{n - 1} import hand{n - 1}\n\n\ndef hand{n}(x):\n    hand{n - 1}(x)\n"
        )
        for n in range(1, 12)
    }
    chain["app/relay0.py"] = "from app.loops import run\n\n\ndef hand0(x):\n    run(x)\n"
    files = {**samples.FILES, **chain}
    library = Library(str(samples.write(tmp_path, files)), {}, NOTHING_KEPT, None)
    outcome = build(
        sorted(name for name in files if name.endswith(".py")), library, Configuration(), Deployment()
    )
    assert rounds == list(range(4, 5 + LAYERS))
    assert sorted(chain.keys() & outcome.modules) == [f"app/relay{n}.py" for n in range(LAYERS)]
    assert len(outcome.known.project.modules) == 4 + LAYERS


@pytest.mark.parametrize("guessed", [[], LED_TO, ["app/further.py"], ["app/gone.py"], LED_TO + FIRST])
def test_what_an_earlier_run_has_read_changes_nothing(
    tmp_path: Path, rounds: list[int], guessed: list[str]
) -> None:
    outcome = built(samples.write(tmp_path, RELAYED))
    others = built(tmp_path, earlier=guessed)
    assert said(others) == said(outcome)
    assert len(rounds) <= 8


@pytest.mark.parametrize("broken, most", [(False, 1), (True, 2)])
def test_an_edit_costs_one_round(tmp_path: Path, rounds: list[int], broken: bool, most: int) -> None:
    """Beside a file that cannot be parsed two: what is missing may be in it, and the last round knows."""
    outcome = built(samples.write(tmp_path, RELAYED))
    if not broken:
        (tmp_path / "app/lost.py").write_text("")
        outcome = built(tmp_path)
    assert list(outcome.unparsed) == (["app/lost.py"] if broken else [])
    rounds.clear()
    (tmp_path / "app/jobs.py").write_text(RELAYED["app/jobs.py"] + "\n\ndef another():\n    ...\n")
    edited = built(tmp_path, earlier=outcome.modules, stray=outcome.stray)
    assert len(rounds) == most
    assert edited.known.project.unparsed.keys() == edited.unparsed.keys()
    assert said(edited) == said(built(tmp_path))


def test_what_only_the_first_round_has_looked_for_is_asked_for_by_nobody(
    tmp_path: Path, rounds: list[int]
) -> None:
    """A task that nothing seems to send is looked for by its name, until a file is found that sends it."""
    schedule = "app.conf.beat_schedule = {'mail': {'task': 'app.mail.deliver', 'schedule': 60.0}}\n"
    files = {
        **samples.FILES,
        "app/celery.py": samples.FILES["app/celery.py"] + schedule,
        "app/table.py": "from app import mail\n\nTABLE = {'mail': mail.never}\n",
    }
    library = Library(str(samples.write(tmp_path, files)), {}, NOTHING_KEPT, None)
    names = sorted(name for name in files if name.endswith(".py"))
    outcome = build(names, library, Configuration(), Deployment())
    assert ("never", "") in outcome.names
    assert outcome.stray == ["app/table.py"]
    rounds.clear()
    library = Library(str(tmp_path), {}, NOTHING_KEPT, None)
    again = build(names, library, Configuration(), Deployment(), outcome.modules, outcome.stray)
    assert len(rounds) == 1
    assert again.modules == outcome.modules
    assert again.stray == outcome.stray


def test_a_file_that_can_no_longer_be_parsed_is_known_to_the_last_round(
    tmp_path: Path, rounds: list[int]
) -> None:
    outcome = built(samples.write(tmp_path, RELAYED))
    rounds.clear()
    (tmp_path / "app/further.py").write_text(RELAYED["app/further.py"] + "def (\n")
    edited = built(tmp_path, earlier=outcome.modules, stray=outcome.stray)
    assert rounds == [len(outcome.modules) - 1] * 2
    assert edited.known.project.unparsed.keys() == edited.unparsed.keys()
    assert said(edited) == said(built(tmp_path))


def test_what_a_round_has_linked_is_freed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The garbage collector rests meanwhile, and each round's project is as large as the last."""
    seen: list[weakref.ref[Project]] = []
    original = building.linked

    def linked(*given: object) -> Known:
        known = original(*given)  # type: ignore[arg-type]
        seen.append(weakref.ref(known.project))
        return known

    monkeypatch.setattr(building, "linked", linked)
    samples.write(tmp_path, RELAYED)
    gc.disable()
    try:
        outcome = built(tmp_path)
        assert len(seen) > 1
        assert [project() for project in seen] == [None] * (len(seen) - 1) + [outcome.known.project]
    finally:
        gc.enable()


def count_trees() -> int:
    """How many nodes of syntax trees live now, but for those that are frozen.

    ``isinstance`` would ask each object for its ``__class__``, and a lazy task of Celery that another test
    left makes its task to answer that.
    """
    return sum(issubclass(type(each), ast.AST) for each in gc.get_objects())


def test_a_tree_that_has_been_read_is_freed_at_once() -> None:
    text = (
        "import celery\n\n\nclass Mail(celery.Task):\n    limit = 1\n\n"
        "    def run(self):\n        self.to = 1\n\n        def inner():\n            return self.retry()\n"
    )
    read_module("mail.py", Source("mail.py", text))  # what the first time imports may leave something
    gc.collect()
    gc.freeze()  # what others have left is neither counted nor searched
    gc.disable()
    try:
        read_module("mail.py", Source("mail.py", text))
        trees = count_trees()
        gc.collect()
        assert trees == count_trees()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("useless", ["app/quiet.py", "app/unwanted.py"])
def test_what_nobody_asks_for_any_more_is_left_out(tmp_path: Path, rounds: list[int], useless: str) -> None:
    outcome = built(samples.write(tmp_path, RELAYED))
    assert useless not in outcome.modules
    others = built(tmp_path, earlier=[*LED_TO, useless])
    assert said(others) == said(outcome)


def test_a_file_that_a_chain_leads_to_in_vain_is_remembered(tmp_path: Path) -> None:
    files = {**RELAYED, "app/store.py": "def load():\n    return 1\n"}
    assert built(samples.write(tmp_path, files)).asked == ["app/store.py"]
    files = {**RELAYED, "app/store.py": "import sqlalchemy\ndef load(:\n    return create_engine\n"}
    outcome = built(samples.write(tmp_path, files))
    assert outcome.asked == []
    assert sorted(outcome.unparsed) == ["app/lost.py", "app/store.py"]


def test_what_is_asked_last_in_a_round_leads_to_files_too(tmp_path: Path) -> None:
    """The next round knows the answer, and so must have what it was read from."""
    request = "    requests.get('https://shop', timeout=5)\n"
    files = {
        "first.py": (
            "import requests\nfrom policy import DAYS\nfrom second import go\n\nHOLD = DAYS\n\n\n"
            f"def begin():\n{request}    go()\n"
        ),
        "policy.py": "import os\n\nDAYS = int(os.environ.get('DAYS', 10))\n",
        "second.py": f"import requests\n\n\ndef go():\n{request}",
        "tasks.py": (
            "from celery import shared_task\nfrom first import begin\n\n\n"
            "@shared_task\ndef task():\n    begin()\n"
        ),
    }
    library = Library(str(samples.write(tmp_path, files)), {}, NOTHING_KEPT, None)
    outcome = build([*files], library, Configuration(), Deployment())
    assert outcome.known.isolation.failures == []
    assert sorted(outcome.modules) == [*files]

"""What is read of a workspace, and when what has changed says nothing new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from celery_lint.diagnostics import Unparsed
from celery_lint.engine.building import says_the_same
from celery_lint.files.filter import FirstPass, Pair
from celery_lint.files.library import NOTHING_KEPT, Kept, Library
from celery_lint.source import digest_of

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


@pytest.mark.parametrize("rewritten, expected", SAME)
def test_what_says_the_same(
    tmp_path: Path, kept: Kept, rewritten: dict[str, str], expected: set[str] | None
) -> None:
    for name, text in rewritten.items():
        (tmp_path / name).write_text(text)
    library = Library(str(tmp_path), {}, kept, None)
    digests = says_the_same(list(rewritten), library, FirstPass().passes, ["tasks.py"], NAMES)
    if expected is None:
        assert digests is None
    else:
        assert digests == {name: digest_of(rewritten[name]) for name in expected}


def test_facts_that_are_lost_say_nothing(tmp_path: Path, kept: Kept) -> None:
    for name in ("named.py", "tasks.py"):
        lines = {other: line for other, line in kept.lines.items() if other != name}
        library = Library(str(tmp_path), {}, kept._replace(lines=lines), None)
        assert says_the_same([name], library, FirstPass().passes, ["tasks.py"], NAMES) is None


def test_without_names_nobody_looks_for_any(tmp_path: Path, kept: Kept) -> None:
    (tmp_path / "quiet.py").write_text("from named import durable\n")
    library = Library(str(tmp_path), {}, kept, None)
    assert says_the_same(["quiet.py"], library, FirstPass().passes, ["tasks.py"], []) == {}

"""``celery-lint rule``, ``project`` and ``clean``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from celery_lint.options import Configuration
from tests.frontends.conftest import Engine

pytestmark = pytest.mark.usefixtures("example_rules")
Command = Callable[..., Any]

PAGE = """\
CEL110 asyncio-run-in-task
warning, preset recommended, family event loop, pylint W9110

A task runs a coroutine on a loop of its own.

## Why it matters

It breaks under gevent.

says: `CALL` in task `TASK` breaks under gevent
help: keep one loop per process
"""

TABLE = """\
CEL110  warning  recommended  asyncio-run-in-task        A task runs a coroutine on a loop of its own.
CEL111  error    recommended  async-def-task             A task is a coroutine function, and its body never runs.
CEL210  warning  house        async-engine-not-disposed  An engine outlives its loop.
CEL510  advice   all          missing-time-limit         A task may run for ever.
"""  # noqa: E501

DOCUMENT = {
    "code": "CEL111",
    "name": "async-def-task",
    "family": "event_loop",
    "severity": "error",
    "preset": "recommended",
    "pylint": "E9111",
    "fixable": None,
    "message": "async task `{task}` never runs its body",
    "variants": {},
    "help": "make the task a plain function",
    "summary": "A task is a coroutine function, and its body never runs.",
    "documentation": "A task is a coroutine function, and its body never runs.",
}


@pytest.mark.parametrize("word", ["CEL110", "cel110", "W9110", "asyncio-run-in-task", "Asyncio-Run-In-Task"])
def test_rule(command: Command, word: str) -> None:
    assert command("rule", word) == (0, PAGE, "")


def test_all_rules(command: Command) -> None:
    assert command("rule", "--all") == (0, TABLE, "")


def test_several_rules(command: Command) -> None:
    both = command("rule", "CEL110", "async-def-task").out
    assert both.startswith(f"{PAGE}\nCEL111 async-def-task\n")
    assert both.count("says: ") == 2
    family = command("rule", "cel1").out
    assert [line.split()[:4] for line in family.splitlines()] == [
        row.split()[:4] for row in TABLE.splitlines()[:2]
    ]
    documents = json.loads(command("rule", "CEL1", "CEL110", "--output-format=json").out)
    assert [document["code"] for document in documents] == ["CEL110", "CEL111"]


def test_rule_as_json(command: Command) -> None:
    assert json.loads(command("rule", "CEL111", "--output-format=json").out) == DOCUMENT
    documents = json.loads(command("rule", "--all", "--output-format=json").out)
    assert documents[1] == DOCUMENT
    assert [document["code"] for document in documents] == ["CEL110", "CEL111", "CEL210", "CEL510"]


@pytest.mark.parametrize(
    "words, expected",
    [
        (["CEL999"], "no rule 'CEL999' (celery-lint rule --all lists them)"),
        (["missing-time-limits"], "no rule 'missing-time-limits', did you mean 'missing-time-limit'?"),
        ([], "which rule? celery-lint rule CODE|NAME, or celery-lint rule --all"),
        (["--all", "CEL110"], "--all and 'CEL110' exclude each other"),
    ],
)
def test_rule_mistakes(command: Command, words: list[str], expected: str) -> None:
    outcome = command("rule", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"celery-lint: error: {expected}")


class Description(NamedTuple):
    import_roots: list[tuple[str, str, int, str]]
    tasks: list[tuple[str, str, int, str]]
    pools: list[tuple[str, str, int, str]]


@pytest.fixture
def described(engine: Engine, tmp_path: Path) -> Engine:
    engine.description = Description(
        [(".", str(tmp_path), 0, "")],
        [
            ("tasks.sync", str(tmp_path / "tasks.py"), 4, "shared_task"),
            ("tasks.mail", str(tmp_path / "tasks.py"), 10, "shared_task, async"),
        ],
        [],
    )
    return engine


PROJECT = """\
import roots (1)
  .  .

tasks (2)
  tasks.sync  tasks.py:4   shared_task
  tasks.mail  tasks.py:10  shared_task, async

pools (0)
"""


def test_project(described: Engine, command: Command) -> None:
    assert command("project") == (0, PROJECT, "")
    assert described.asked == [("describe", ".", Configuration())]


def test_project_as_json(described: Engine, command: Command) -> None:
    outcome = command("project", "tasks.py", "--output-format=json", "--pool", "gevent,solo")
    assert json.loads(outcome.out) == {
        "version": 1,
        "import_roots": [{"name": ".", "path": ".", "line": 0, "detail": ""}],
        "tasks": [
            {"name": "tasks.sync", "path": "tasks.py", "line": 4, "detail": "shared_task"},
            {"name": "tasks.mail", "path": "tasks.py", "line": 10, "detail": "shared_task, async"},
        ],
        "pools": [],
    }
    assert described.asked == [("describe", "tasks.py", Configuration(pool=("gevent", "solo")))]


def test_project_of_a_task(described: Engine, command: Command) -> None:
    assert command("project", "--task", "tasks.sync") == (0, PROJECT, "")
    assert described.asked == [("describe task", ".", Configuration(), "tasks.sync")]
    described.description = described.description._replace(tasks=[])
    error = "celery-lint: error: no task is called 'gone' (celery-lint project lists all)\n"
    assert command("project", "--task=gone") == (2, "", error)


def test_clean(engine: Engine, command: Command, tmp_path: Path) -> None:
    assert command("clean") == (0, "There is no cache\n", "")
    engine.removed = [str(tmp_path / ".cache"), str(tmp_path / "other")]
    removed = "Removed the project's cache from .cache\nRemoved the project's cache from other\n"
    assert command("clean", "tasks.py") == (0, removed, "")
    assert engine.asked == [("clean", "."), ("clean", "tasks.py")]


@pytest.mark.parametrize("name", ["project", "clean"])
def test_missing_path(engine: Engine, command: Command, name: str) -> None:
    assert command(name, "missing") == (
        2,
        "",
        "celery-lint: error: missing: No such file or directory\n",
    )
    assert not engine.asked

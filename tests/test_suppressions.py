"""``# noqa`` comments silence what flake8 would silence, and rule names besides."""

from __future__ import annotations

import re
import sys

import pytest

from celery_lint.engine.suppressions import suppressed

pytestmark = pytest.mark.usefixtures("example_rules")

CASES = [
    # comment, whether it silences CEL110 asyncio-run-in-task, whether flake8 agrees
    ("", False, True),
    ("# no comment about it", False, True),
    ("# noqa", True, True),
    ("# NoQA", True, True),
    ("#noqa", False, True),
    ("# type: ignore # noqa", True, True),
    ("# noqa: CEL110", True, True),
    ("# noqa:CEL110", True, True),
    ("# noqa: cel110", True, False),
    ("# noqa: CEL1", True, True),
    ("# noqa: CEL11", True, True),
    ("# noqa: CEL111", False, True),
    ("# noqa: E501", False, True),
    ("# noqa: E501,CEL110", True, True),
    ("# noqa: E501 CEL110", True, True),
    ("# noqa: E501, CEL110 because of the pool", True, True),
    ("# noqa:  CEL111", True, True),  # two blanks: a blanket comment
    ("# noqa : CEL111", True, True),
    ("# noqa because", True, True),
    ("# noqa: because", True, True),
    ("# noqa: third-party code", True, True),  # words that name no rule are prose
    ("# noqa: asyncio-run-in-task", True, True),
    ("# noqa: Asyncio-Run-In-Task, E501", True, True),
    ("# noqa: E501, asyncio-run-in-task", True, False),
    ("# noqa: async-def-task", False, False),
    ("# noqa: async-def-task, missing-time-limit", False, False),
    ("# noqa: async-def-task, CEL110", True, True),
    ("# flake8: noqa", False, True),
]


@pytest.mark.parametrize("comment, expected, _agrees", CASES)
def test_comment(comment: str, expected: bool, _agrees: bool) -> None:
    assert suppressed(f"asyncio.run(main())  {comment}\n", "CEL110", "asyncio-run-in-task") is expected


@pytest.mark.parametrize("comment, expected, agrees", CASES)
def test_agrees_with_flake8(comment: str, expected: bool, agrees: bool) -> None:
    violation = pytest.importorskip("flake8.violation")
    line = f"asyncio.run(main())  {comment}\n"
    theirs = violation.Violation("CEL110", "tasks.py", 1, 1, "message", line).is_inline_ignored(False)
    assert (theirs is expected) is agrees


def test_hostile_line_is_quick() -> None:
    line = "# noqa: " + "A1," * 50_000 + "a-" * 50_000 + "A1" * 50_000
    assert not suppressed(line, "CEL110", "asyncio-run-in-task")


def test_lines_without_comment_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("celery_lint.engine.suppressions._comment", None)
    monkeypatch.setitem(sys.modules, "re", None)  # importing it now raises
    assert not suppressed("asyncio.run(main())  # a comment", "CEL110", "asyncio-run-in-task")
    monkeypatch.setitem(sys.modules, "re", re)

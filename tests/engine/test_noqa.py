"""``# noqa`` comments silence what flake8 would silence, and rule names besides."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from celery_lint import engine
from celery_lint.engine.comments.noqa import suppressed
from tests import examples

few_rules = pytest.mark.usefixtures("example_rules")

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
    ("# noqa: cel110", False, True),
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


@few_rules
@pytest.mark.parametrize("comment, expected, _agrees", CASES)
def test_comment(comment: str, expected: bool, _agrees: bool) -> None:
    assert suppressed(f"asyncio.run(main())  {comment}\n", "CEL110", "asyncio-run-in-task") is expected


@pytest.mark.parametrize("comment, expected, agrees", CASES)
def test_agrees_with_flake8(comment: str, expected: bool, agrees: bool) -> None:
    violation = pytest.importorskip("flake8.violation")
    line = f"asyncio.run(main())  {comment}\n"
    theirs = violation.Violation("CEL110", "tasks.py", 1, 1, "message", line).is_inline_ignored(False)
    assert (theirs is expected) is agrees


# flake8's own expression, with rule names beside the codes: what the reader by hand stands for.
_CODE, _RULE_NAME = r"[A-Z]+[0-9]+", r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+"
_LIST = rf"(?:(?:{_RULE_NAME}|{_CODE})(?:[,\s]+)?)+"
_EXPRESSION = re.compile(rf"# noqa(?::\s?(?P<listed>{_LIST}))?", re.IGNORECASE | re.ASCII)
_PIECES = ["# noqa", "# ", ":", " ", ",", "-", "A", "a1", "CEL110", "cel2", "9", "x", "\t", "é"]
_PIECES.append("async-def-task")


def _expected(line: str, code: str, name: str) -> bool:
    found = _EXPRESSION.search(line)
    if found is None or found["listed"] is None:
        return found is not None
    items = found["listed"].replace(",", " ").split()
    codes = tuple(item for item in items if "-" not in item)
    names = {item.lower() for item in items if "-" in item}
    if code.startswith(codes) or name in names:
        return True
    return not codes and names.isdisjoint(rule.name for rule in examples.RULES)


@few_rules
def test_the_reader_by_hand_says_what_the_expression_says() -> None:
    random = Random(7)
    silenced = 0
    for _ in range(20_000):
        pieces = random.choices(_PIECES, k=random.randint(0, 8))
        line = "".join(["# noqa", ":"] * random.randint(0, 1) + pieces)
        expected = _expected(line, "CEL110", "asyncio-run-in-task")
        assert suppressed(line, "CEL110", "asyncio-run-in-task") is expected, line
        silenced += expected
    assert 2_000 < silenced < 18_000


FILES = [
    # a line of the file, whether it silences the whole of it
    ("# flake8: noqa", True),
    ("    # flake8: noqa", True),
    ("# FLAKE8=NoQA", True),
    ("# flake8:noqa: CEL110", True),
    ("# flake8: noqa: E501", True),
    ("#flake8: noqa", False),
    ("# flake8 : noqa", False),
    ("x = 1  # flake8: noqa", False),
    ("# noqa", False),
]


@pytest.mark.parametrize("line, expected", FILES)
def test_a_whole_file(line: str, expected: bool, tmp_path: Path) -> None:
    defaults = pytest.importorskip("flake8.defaults")
    assert bool(defaults.NOQA_FILE.match(line)) is expected
    text = f"x = 1\n{'if x:' if line[0] == ' ' else ''}\n{line}\n{'    pass' if line[0] == ' ' else ''}\n"
    text += "from celery import shared_task\n@shared_task\nasync def one(): ...\n"
    path = tmp_path / "tasks.py"
    path.write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    for _ in range(2):  # read, and from the cache
        assert (engine.check_paths([str(tmp_path)], None).diagnostics == []) is expected
    # A host has its own comments.
    assert engine.check_text(None, text, None, suppress=False).diagnostics != []


def test_no_comment_hides_that_the_linter_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise LookupError

    from celery_lint.inventory.tasks.tasks import Tasks

    monkeypatch.setattr(Tasks.all, "_find", failing)
    text = "# flake8: noqa\nfrom celery import shared_task  # noqa\n"
    assert {d.code for d in engine.check_text(None, text, None).diagnostics} == {"CEL999"}


def test_lines_without_comment_list_nothing() -> None:
    assert not suppressed("asyncio.run(main())  # a comment", "CEL110", "asyncio-run-in-task")

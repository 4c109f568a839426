"""The fixes that recall is measured with are whole, and what is said of them is counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import recall
from celery_lint.rules import all_rules
from tests.tables import in_one

FIXES = recall.all_fixes(recall.batches())
CODES = {rule.code for rule in all_rules()}

TASK = """
from celery import shared_task


@shared_task(ignore_results=True)
def count(numbers):
    return len(numbers)
"""
TOLD = {"code": "CEL310", "path": "tasks.py", "line": 5}


def document(before: object = None, now: object = None, why: str = "it was not read") -> dict[str, Any]:
    """A file of one fix."""
    fix = {
        "repository": "depot/parcels",
        "fix": "a" * 40,
        "parent": "b" * 40,
        "subject": "Count is told",
        "rule": "CEL310",
        "before": before,
        "now": now,
        "why": why,
    }
    batch = {"batch": 1, "linter": "1" * 40, "judged": "2000-01-01", "note": "A depot.", "fixes": [fix]}
    return {"batches": [batch]}


def read(folder: Path, content: dict[str, Any]) -> list[recall.Batch]:
    path = folder / "recall.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return recall.batches(path)


@in_one("fix", FIXES)
def test_a_fix_names_commits_and_a_rule(fix: recall.Fix) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", fix.commit)
    assert re.fullmatch(r"[0-9a-f]{40}", fix.parent)
    assert fix.rule in CODES
    assert fix.subject
    for told in (fix.before, fix.now):
        assert told is None or (told.code in CODES and told.line > 0 and not told.path.startswith("/"))


def test_each_fix_is_there_once() -> None:
    keys = [(fix.repository, fix.commit) for fix in FIXES]
    assert len(keys) == len(set(keys))


def test_a_miss_needs_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the reason is missing"):
        read(tmp_path, document(why=""))


def test_what_was_found_is_not_lost_silently(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the reason is missing"):
        read(tmp_path, document(before=TOLD, why=""))
    given_up = read(tmp_path, document(before=TOLD, why="it is told no more"))
    assert "| it is told no more |" in recall.page(given_up, {"CEL310": "Definitions"}, {"CEL310": "unknown"})


def test_the_page_counts_then_and_now(tmp_path: Path) -> None:
    page = recall.page(read(tmp_path, document(now=TOLD)), {"CEL310": "Definitions"}, {"CEL310": "unknown"})
    assert "| Definitions | 1 | 0 | 1 |" in page
    assert "* Batch 1, 2000-01-01: 1 fixes of 1 projects; **0 %** were found" in page
    assert "100 % are found now. A depot.\n" in page
    assert "it was not read" not in page


def test_the_page_says_why_something_is_missed(tmp_path: Path) -> None:
    page = recall.page(read(tmp_path, document()), {"CEL310": "Definitions"}, {"CEL310": "unknown"})
    assert "| it was not read |" in page


def test_a_bug_that_is_found_anew_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = recall.all_fixes(read(tmp_path, document()))
    folder = tmp_path / known[0].folder()
    folder.mkdir()
    (folder / "pyproject.toml").write_text("", encoding="utf-8")
    (folder / "tasks.py").write_text(TASK, encoding="utf-8")
    assert recall.compare(tmp_path, known)
    assert "said now: CEL310 tasks.py:5" in capsys.readouterr().out


def test_a_bug_that_is_lost_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = {**TOLD, "line": 2}
    known = recall.all_fixes(read(tmp_path, document(now=lost)))
    folder = tmp_path / known[0].folder()
    folder.mkdir()
    (folder / "pyproject.toml").write_text("", encoding="utf-8")
    (folder / "tasks.py").write_text(TASK, encoding="utf-8")
    assert not recall.compare(tmp_path, known)
    assert "lost: CEL310 tasks.py:2" in capsys.readouterr().out

"""The edits of fixes as reports show them: what they replace is what ``--fix`` would replace."""

from __future__ import annotations

import io
import json
from functools import reduce
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from celery_lint import engine
from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.engine.filtering import joined, order
from celery_lint.fixes.edits import EDITS, edits_for
from celery_lint.fixes.suggestions import Suggestions
from celery_lint.fixes.text import Text, applied, compiles
from celery_lint.reports import json as json_report
from celery_lint.reports import sarif
from celery_lint.source import Source, read
from tests.fixture_reports import report_of_all_rules
from tests.sarif_schema import validator

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
ALL = {"preset": "all", "cache": False}


def replaced(text: str, edits: list[tuple[int, int, int, int, str]]) -> str:
    """What somebody makes of a text who reads a report: the last edit first."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for line, column, end_line, end_column, new in reversed(edits):
        start, end = starts[line - 1] + column - 1, starts[end_line - 1] + end_column - 1
        text = text[:start] + new + text[end:]
    return text


@pytest.mark.parametrize("code", sorted(EDITS))
def test_reports_show_what_is_replaced(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES / code)
    # The cases and not the folder itself, which belongs to the workspace of this whole repository.
    cases = sorted(path for path in (FIXTURES / code).iterdir() if path.is_dir())
    report = reduce(joined, map(report_of_all_rules, cases))
    report.diagnostics.sort(key=order)
    assert any(found.code == code and found.fix for found in report.diagnostics)
    document = json_report.to_document(report)
    jsonschema.validate(document, json_report.schema())
    stream = io.StringIO()
    sarif.write(report, stream)
    written = json.loads(stream.getvalue())
    [run] = written["runs"]
    # All rules stand in every report, the same in each; test_sarif_schema holds them against the schema.
    assert len(run["tool"]["driver"].pop("rules")) > len(EDITS)
    validator().validate(written)
    shown = 0
    for found, plain, result in zip(report.diagnostics, document["diagnostics"], run["results"], strict=True):
        if not found.fix:
            assert plain["fix"] is None
            assert "fixes" not in result
            continue
        source = Source(found.path, read(found.path))
        text = applied(source.text, edits_for(Text(source), found))
        if plain["fix"]:
            shown += 1
            edits = [tuple(edit.values()) for edit in plain["fix"]["edits"]]
            assert plain["fix"]["applicability"] == found.fix[0]
            assert replaced(source.text, edits) == text
            assert [_edit(each) for each in _replacements(result)] == edits
            assert result["fixes"][0]["properties"] == {"applicability": found.fix[0]}
        else:
            assert "fixes" not in result
            assert text == source.text or not compiles(text)
    assert shown


def _replacements(result: dict[str, Any]) -> list[dict[str, Any]]:
    [fix] = result["fixes"]
    [change] = fix["artifactChanges"]
    assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    found: list[dict[str, Any]] = change["replacements"]
    return found


def _edit(replacement: dict[str, Any]) -> tuple[int, int, int, int, str]:
    region = replacement["deletedRegion"]
    return (
        region["startLine"],
        region["startColumn"],
        region["endLine"],
        region["endColumn"],
        replacement["insertedContent"]["text"],
    )


RETRY = "from celery import shared_task\n\n\n@shared_task(bind=True)\ndef 'é' work(self):\n    self.retry()\n"


def test_texts_in_memory_count_and_not_the_files(tmp_path: Path) -> None:
    text = RETRY.replace("'é' ", "").replace("    self", "    x = 'é🥕'; self")
    path = tmp_path / "tasks.py"
    path.write_text("pass\n", encoding="utf-8")
    report = engine.check_text(str(path), text, None, overrides=ALL)
    buffers = {str(path): text.encode()}
    [shown] = [d for d in json_report.to_document(report, buffers)["diagnostics"] if d["fix"]]
    assert shown["code"] == "CEL410"
    [edit] = shown["fix"]["edits"]
    assert edit == {"line": 6, "column": 15, "end_line": 6, "end_column": 15, "text": "raise "}
    told = [d for d in json_report.to_document(report)["diagnostics"] if d["code"] == "CEL410"]
    assert [d["fix"] for d in told] == [None], "the file holds another text"


def test_fixes_that_touch_each_other_are_not_taken_together(tmp_path: Path) -> None:
    text = RETRY.replace("'é' ", "")
    report = engine.check_text(str(tmp_path / "tasks.py"), text, None, overrides=ALL)
    [found] = [each for each in report.diagnostics if each.code == "CEL410"]
    suggestions = Suggestions({found.path: text})
    assert suggestions.together(found.path, [found, found]) == suggestions.of(found) != []
    assert suggestions.together(found.path, []) == []
    assert suggestions.of(found._replace(path="nowhere.py")) == []


def test_a_report_without_fixes_reads_no_file(tmp_path: Path) -> None:
    found = Diagnostic(str(tmp_path / "no.py"), 1, 1, 1, 2, "CEL110", "name", "message", "", "error")
    [shown] = json_report.to_document(Report([found], [], 1, 0))["diagnostics"]
    assert shown["fix"] is None

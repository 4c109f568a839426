"""The JSON form is a promise: this document must never change, only grow."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from celery_lint.diagnostics import Report
from celery_lint.reports import json as json_report
from tests import examples

DOCUMENT = {
    "version": 1,
    "diagnostics": [
        {
            "code": "CEL110",
            "name": "asyncio-run-in-task",
            "message": "`asyncio.run()` in task `sync` breaks under gevent",
            "help": "keep one loop per process",
            "severity": "warning",
            "path": "tasks.py",
            "line": 5,
            "column": 2,
            "end_line": 5,
            "end_column": 28,
            "related": [
                {"path": "tasks.py", "line": 3, "column": 1, "message": "the task"},
                {"path": "Procfile", "line": 2, "column": 27, "message": "the worker pool is read here"},
            ],
            "fix": None,
        },
        {
            "code": "CEL111",
            "name": "async-def-task",
            "message": "async task `mail` never runs its body",
            "help": "make the task a plain function",
            "severity": "error",
            "path": "tasks.py",
            "line": 7,
            "column": 1,
            "end_line": 10,
            "end_column": 22,
            "related": [],
            "fix": None,
        },
    ],
    "unparsed": [{"path": "broken.py", "line": 3, "message": "invalid syntax"}],
    "files": 3,
    "tasks": 2,
}


def written(report: Report, statistics: bool = False) -> str:
    stream = io.StringIO()
    json_report.write(report, stream, statistics=statistics)
    return stream.getvalue()


def test_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = written(examples.report(tmp_path))
    assert text == json.dumps(DOCUMENT, indent=2) + "\n"
    assert text.isascii()


def test_statistics_are_one_more_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    counts = [
        {"code": "CEL110", "name": "asyncio-run-in-task", "severity": "warning", "count": 1},
        {"code": "CEL111", "name": "async-def-task", "severity": "error", "count": 1},
    ]
    assert json.loads(written(examples.report(tmp_path), True)) == {**DOCUMENT, "statistics": counts}


def test_nothing_found() -> None:
    expected = {"version": 1, "diagnostics": [], "unparsed": [], "files": 0, "tasks": 0}
    assert json.loads(written(Report([], [], 0, 0))) == expected

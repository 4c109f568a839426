"""Everything a run knows, for programs. The form is stable: fields are added, never changed or removed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.paths import shown
from celery_lint.reports.statistics import counts

VERSION = 1


def write(
    report: Report, stream: TextIO, *, statistics: bool = False, buffers: Mapping[str, bytes | str] = {}
) -> None:
    """Write the report as one JSON document, with the counts per rule if they are asked for.

    ``buffers`` are texts that are not those on disk.
    """
    document = to_document(report, buffers)
    if statistics:
        document["statistics"] = [
            {"code": code, "name": name, "severity": severity, "count": times}
            for times, code, name, severity in counts(report)
        ]
    stream.write(f"{text_of(document)}\n")


def text_of(document: Any) -> str:
    """The document as text, without what a service that reads its log would take for a command."""
    return json.dumps(document, indent=2).replace("##", "#\\u0023")  # sharps stand within texts only


def to_document(report: Report, buffers: Mapping[str, bytes | str] = {}) -> dict[str, Any]:
    """The report as plain dictionaries and lists; paths are relative to the working directory."""
    return {
        "version": VERSION,
        "diagnostics": list(_diagnostics(report.diagnostics, buffers)),
        "unparsed": [
            {"path": shown(path), "line": line, "message": message} for path, line, message in report.unparsed
        ],
        "files": report.files,
        "tasks": report.tasks,
    }


def schema() -> dict[str, Any]:
    """The JSON schema of the document. It allows for fields that later versions add."""
    with open(os.path.join(os.path.dirname(__file__), "report.schema.json"), encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


def _diagnostics(
    diagnostics: list[Diagnostic], buffers: Mapping[str, bytes | str]
) -> Iterator[dict[str, Any]]:
    if not any(diagnostic.fix for diagnostic in diagnostics):  # most runs import nothing for it
        yield from [_diagnostic(diagnostic, []) for diagnostic in diagnostics]
        return
    from celery_lint.fixes.suggestions import Suggestions

    suggestions = Suggestions(buffers)
    for diagnostic in diagnostics:
        edits = [
            {
                "line": span.line,
                "column": span.column,
                "end_line": span.end_line,
                "end_column": span.end_column,
                "text": text,
            }
            for span, text in suggestions.of(diagnostic)
        ]
        yield _diagnostic(diagnostic, edits)


def _diagnostic(diagnostic: Diagnostic, edits: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "severity": diagnostic.severity,
        "path": shown(diagnostic.path),
        "line": diagnostic.line,
        "column": diagnostic.column,
        "end_line": diagnostic.end_line,
        "end_column": diagnostic.end_column,
        "related": [
            {"path": shown(path), "line": line, "column": column, "message": message}
            for path, line, column, message in diagnostic.related
        ],
        "fix": {"applicability": diagnostic.fix[0], "edits": edits} if diagnostic.fix and edits else None,
    }

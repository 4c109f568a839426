"""The Code Quality report of GitLab: a JSON list with a fingerprint for each diagnostic."""

from __future__ import annotations

from typing import Any, TextIO

from celery_lint.diagnostics import Report
from celery_lint.paths import shown
from celery_lint.reports.fingerprints import fingerprints
from celery_lint.reports.json import text_of

_SEVERITIES = {"error": "critical", "warning": "major", "advice": "minor"}


def write(report: Report, stream: TextIO) -> None:
    """Write the list."""
    rows: list[dict[str, Any]] = []
    for diagnostic, fingerprint in fingerprints(report.diagnostics):
        rows.append(
            {
                "description": f"{diagnostic.code} {diagnostic.message}",
                "check_name": diagnostic.name,
                "fingerprint": fingerprint,
                "severity": _SEVERITIES[diagnostic.severity],
                "location": {
                    "path": shown(diagnostic.path),
                    "positions": {
                        "begin": {"line": diagnostic.line, "column": diagnostic.column},
                        "end": {"line": diagnostic.end_line, "column": diagnostic.end_column},
                    },
                },
            }
        )
    stream.write(f"{text_of(rows)}\n")

"""The Code Quality report of GitLab: a JSON list with a fingerprint for each diagnostic."""

from __future__ import annotations

from collections import Counter
from typing import Any, TextIO

from celery_lint.diagnostics import Report
from celery_lint.digests import blake2b
from celery_lint.paths import shown
from celery_lint.reports.json import text_of

_SEVERITIES = {"error": "critical", "warning": "major", "advice": "minor"}


def write(report: Report, stream: TextIO) -> None:
    """Write the list. Fingerprints do not hold the line, so that a moved diagnostic stays the same one."""
    seen: Counter[tuple[str, str, str]] = Counter()
    rows: list[dict[str, Any]] = []
    for diagnostic in report.diagnostics:
        path = shown(diagnostic.path)
        key = (path, diagnostic.code, diagnostic.message)
        seen[key] += 1
        rows.append(
            {
                "description": f"{diagnostic.code} {diagnostic.message}",
                "check_name": diagnostic.name,
                "fingerprint": fingerprint(*key, seen[key]),
                "severity": _SEVERITIES[diagnostic.severity],
                "location": {
                    "path": path,
                    "positions": {
                        "begin": {"line": diagnostic.line, "column": diagnostic.column},
                        "end": {"line": diagnostic.end_line, "column": diagnostic.end_column},
                    },
                },
            }
        )
    stream.write(f"{text_of(rows)}\n")


def fingerprint(path: str, code: str, message: str, number: int) -> str:
    """What identifies a diagnostic from run to run: ``number`` counts equal ones of a file."""
    text = "\0".join((path.replace("\\", "/"), code, message, str(number)))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""One line for each diagnostic: made for editors and ``grep``."""

from __future__ import annotations

from typing import TextIO

from celery_lint.diagnostics import Report
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, opening, printable


def write(report: Report, stream: TextIO, *, colours: bool = False) -> None:
    """Write ``path:line:column: CEL110 message`` for each diagnostic."""
    paint = Paint(colours)
    stream.writelines(
        f"{paint.strong(opening(shown(diagnostic.path)))}:{diagnostic.line}:{diagnostic.column}: "
        f"{paint.severity(diagnostic.code, diagnostic.severity)} {printable(diagnostic.message)}\n"
        for diagnostic in report.diagnostics
    )

"""One line for each diagnostic: made for editors and ``grep``."""

from __future__ import annotations

from typing import TextIO

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, opening, printable


def write(report: Report, stream: TextIO, *, colours: bool = False, show_help: bool = False) -> None:
    """Write ``path:line:column: CEL110 message`` for each diagnostic."""
    paint = Paint(colours)
    stream.writelines(
        f"{paint.strong(opening(shown(diagnostic.path)))}:{diagnostic.line}:{diagnostic.column}: "
        f"{paint.severity(diagnostic.code, diagnostic.severity)} {words(diagnostic, show_help=show_help)}\n"
        for diagnostic in report.diagnostics
    )


def words(diagnostic: Diagnostic, *, show_help: bool) -> str:
    """The message, printable and on one line; with its help behind it, and the first related place."""
    text = printable(diagnostic.message)
    if show_help and diagnostic.help:
        text += f"; {printable(diagnostic.help)}"
    if show_help and diagnostic.related:
        place = diagnostic.related[0]
        text += f" [{printable(shown(place.path))}:{place.line}: {printable(place.message)}]"
    return text

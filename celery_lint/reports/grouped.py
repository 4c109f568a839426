"""The diagnostics of each file below its name."""

from __future__ import annotations

from itertools import groupby
from typing import TextIO

from celery_lint.diagnostics import Report
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, opening
from celery_lint.reports.concise import words


def write(report: Report, stream: TextIO, *, colours: bool = False, show_help: bool = False) -> None:
    """Write each file's path, then its diagnostics, and a blank line behind them."""
    paint = Paint(colours)
    for path, diagnostics in groupby(report.diagnostics, key=lambda diagnostic: diagnostic.path):
        found = list(diagnostics)
        places = [f"{diagnostic.line}:{diagnostic.column}" for diagnostic in found]
        width = max(len(place) for place in places)
        stream.write(f"{paint.strong(opening(shown(path)))}:\n")
        stream.writelines(
            f"  {place:{width}} {paint.severity(diagnostic.code, diagnostic.severity)} "
            f"{words(diagnostic, show_help=show_help)}\n"
            for place, diagnostic in zip(places, found, strict=True)
        )
        stream.write("\n")

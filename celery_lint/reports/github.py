"""Workflow commands of GitHub Actions: each diagnostic is shown at its line of a pull request.

The form is that of "Workflow commands for GitHub Actions": a percent sign and line ends are escaped in the
message, colons and commas in the properties too.
"""

from __future__ import annotations

from typing import TextIO

from celery_lint.diagnostics import Report
from celery_lint.paths import shown
from celery_lint.reports.colours import printable

_COMMANDS = {"error": "error", "warning": "warning", "advice": "notice"}


def write(report: Report, stream: TextIO) -> None:
    """Write ``::warning title=…,file=…,line=…,col=…::message`` for each diagnostic and each unread file."""
    for diagnostic in report.diagnostics:
        places = {
            "title": f"celery-lint ({diagnostic.code})",
            "file": shown(diagnostic.path),
            "line": str(diagnostic.line),
            "col": str(diagnostic.column),
            "endLine": str(diagnostic.end_line),
            "endColumn": str(diagnostic.end_column),
        }
        if diagnostic.end_line != diagnostic.line:  # columns of two lines are refused
            del places["endColumn"]
        text = f"{shown(diagnostic.path)}:{diagnostic.line}:{diagnostic.column}: {diagnostic.code} "
        text += f"{diagnostic.message} ({diagnostic.name})"
        if diagnostic.help:
            text += f"; help: {diagnostic.help}"
        _command(_COMMANDS[diagnostic.severity], places, text, stream)
    for path, line, message in report.unparsed:
        places = {"title": "celery-lint", "file": shown(path), "line": str(line)}
        _command("warning", places, f"not checked: {message}", stream)


def _command(name: str, places: dict[str, str], text: str, stream: TextIO) -> None:
    properties = ",".join(f"{key}={_property(value)}" for key, value in places.items())
    stream.write(f"::{name} {properties}::{_data(text)}\n")


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

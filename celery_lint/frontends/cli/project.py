"""``celery-lint project``: what the linter believes, so that a silence can be understood."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.files import roots
from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.frontends.cli.check import is_there
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, opening, printable, wanted
from celery_lint.reports.json import text_of
from celery_lint.reports.secrets import MASK, masked

VERSION = 1


def run(arguments: Arguments) -> int:
    """Print the project's description."""
    path = arguments.positional[0] if arguments.positional else os.curdir
    if not is_there(path):
        return 2
    overrides = dict(arguments.overrides)
    if "--config" in arguments.flags:
        overrides["config"] = arguments.flags["--config"]
    configuration = load(roots.workspace(path), overrides)
    task = arguments.flags.get("--task")
    description: Any
    if task is None:
        description = engine.describe(path, configuration)
    else:
        description = engine.describe_task(path, configuration, task)
        if not description.tasks:
            raise UsageError(f"no task is called {task!r} (celery-lint project lists all)")
    sections = {name: list(getattr(description, name)) for name in description._fields}
    if arguments.flags.get("--output-format") == "json":
        document: dict[str, Any] = {"version": VERSION}
        document.update((name, [_entry(entry) for entry in entries]) for name, entries in sections.items())
        sys.stdout.write(f"{text_of(document)}\n")
    else:
        sys.stdout.write(_text(sections, Paint(wanted(sys.stdout))))
    return 0


def _entry(entry: Sequence[Any]) -> dict[str, Any]:
    name, path, line, detail = entry
    return {
        "name": name,
        "path": shown(path) if path else "",
        "line": line,
        "detail": _without_secrets(detail),
    }


def _without_secrets(text: str) -> str:
    """A text without the passwords of URLs, as of a broker's."""
    parts = masked(text).split(MASK)
    return "***".join(filter(None, parts)) if len(parts) > 1 else text


def _text(sections: dict[str, list[Any]], paint: Paint) -> str:
    """A section for each kind of fact: name, place, detail."""
    lines = []
    for title, entries in sections.items():
        lines.append(paint.strong(f"{title.replace('_', ' ')} ({len(entries)})"))
        rows = [
            (opening(name), printable(_place(path, line)), printable(_without_secrets(detail)))
            for name, path, line, detail in entries
        ]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
        lines += [
            f"  {name:{widths[0]}}  {place:{widths[1]}}  {detail}".rstrip() for name, place, detail in rows
        ]
        lines.append("")
    return "\n".join(lines)


def _place(path: str, line: int) -> str:
    if not path:
        return ""
    return f"{shown(path)}:{line}" if line else shown(path)

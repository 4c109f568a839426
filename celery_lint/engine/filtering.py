"""What of a verdict is to be said: the files asked for, without what is ignored, excluded or suppressed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery_lint.diagnostics import SEVERITIES, Diagnostic, Report
from celery_lint.engine.verdict import Verdict, failures_to_read
from celery_lint.files.roots import absolute_path
from celery_lint.options import Configuration
from celery_lint.selection import Selection

NAMELESS = "<stdin>"
"""The path of a text that has none."""


def order(diagnostic: Diagnostic) -> tuple[Any, ...]:
    """What diagnostics are sorted by: the place, then the code."""
    path, line, column, _, _, code, _, message, *_ = diagnostic
    return path, line, column, code, message, diagnostic


def filtered(
    root: str,
    verdict: Verdict,
    configuration: Configuration,
    files: Iterable[str],
    suppress: bool,
) -> Report:
    """What of a verdict is to be said, with absolute paths."""
    selection = Selection(configuration, root)
    wanted = set(files)
    if configuration.exclude:
        wanted = {path for path in wanted if not selection.excluded(path)}

    def shown(path: str) -> str:
        return path if path == NAMELESS else absolute_path(root, path)

    mildest = SEVERITIES.index(configuration.min_severity)
    # What concerns the whole project is told in one of its files.
    anywhere = min(wanted, default=NAMELESS)
    diagnostics = []
    for index, diagnostic in enumerate((*verdict.diagnostics, *failures_to_read(verdict.unparsed))):
        path, code, name = diagnostic.path or anywhere, diagnostic.code, diagnostic.name
        if path not in wanted and path.endswith(".py"):  # a launch file concerns all of them
            continue
        if suppress and index in verdict.suppressed:
            continue
        if not selection.enabled(code, name, verdict.presets.get(code, "recommended")):
            continue
        if selection.ignored(path, code, name) or SEVERITIES.index(diagnostic.severity) > mildest:
            continue
        related = tuple(entry._replace(path=shown(entry.path)) for entry in diagnostic.related)
        diagnostics.append(diagnostic._replace(path=shown(path), related=related))
    unparsed = [entry._replace(path=shown(entry.path)) for entry in verdict.unparsed if entry.path in wanted]
    return Report(
        diagnostics,
        unparsed,
        len(wanted),
        sum(count for path, count in verdict.tasks.items() if path in wanted),
        _blocking(configuration, diagnostics, len(unparsed)),
    )


def _blocking(configuration: Configuration, diagnostics: Iterable[Diagnostic], unparsed: int) -> int:
    """How many of these are a reason to fail."""
    mildest = SEVERITIES.index(configuration.fail_on)
    found = sum(1 for diagnostic in diagnostics if SEVERITIES.index(diagnostic.severity) <= mildest)
    return found + unparsed if configuration.strict_parse else found


def joined(one: Report, other: Report) -> Report:
    """Two reports as one."""
    return Report(
        one.diagnostics + other.diagnostics,
        one.unparsed + other.unparsed,
        one.files + other.files,
        one.tasks + other.tasks,
        one.blocking + other.blocking,
    )

"""What of a verdict is to be said: the files asked for, without what is ignored, excluded or suppressed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery_lint.diagnostics import SEVERITIES, Diagnostic, Report
from celery_lint.engine.scopes import Scopes
from celery_lint.engine.verdict import Verdict, failures_to_read
from celery_lint.files.roots import absolute_path
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
    scopes: Scopes,
    files: Iterable[str],
    suppress: bool,
) -> Report:
    """What of a verdict is to be said, with absolute paths."""
    wanted = {path for path in files if not scopes.of(path).selection.excluded(path)}

    def shown(path: str) -> str:
        return path if path == NAMELESS else absolute_path(root, path)

    # What concerns the whole project is told in one of its files.
    anywhere = min(wanted, default=NAMELESS)
    mild = set()
    diagnostics = []
    for index, diagnostic in enumerate((*verdict.diagnostics, *failures_to_read(verdict.unparsed))):
        path, code, name = diagnostic.path or anywhere, diagnostic.code, diagnostic.name
        if path not in wanted and path.endswith(".py"):  # a launch file concerns all of them
            continue
        if index in verdict.ignored or (suppress and index in verdict.suppressed):
            continue
        options, selection = scopes.of(path).configuration, scopes.of(path).selection
        if not selection.enabled(code, name, verdict.presets.get(code, "recommended")):
            continue
        meant = verdict.unused.get(index)
        if meant and not any(_is_on(selection, path, *rule) for rule in meant):
            continue
        severity = SEVERITIES.index(diagnostic.severity)
        if selection.ignored(path, code, name) or severity > SEVERITIES.index(options.min_severity):
            continue
        related = tuple(entry._replace(path=shown(entry.path)) for entry in diagnostic.related)
        diagnostics.append(diagnostic._replace(path=shown(path), related=related))
        if severity > SEVERITIES.index(options.fail_on):
            mild.add(diagnostics[-1])
    unparsed = [entry for entry in verdict.unparsed if entry.path in wanted]
    blocking = (
        len(diagnostics)
        - len(mild)
        + sum(1 for entry in unparsed if scopes.of(entry.path).configuration.strict_parse)
    )
    return Report(
        diagnostics,
        [entry._replace(path=shown(entry.path)) for entry in unparsed],
        len(wanted),
        sum(count for path, count in verdict.tasks.items() if path in wanted),
        blocking,
        frozenset(mild),
    )


def _is_on(selection: Selection, path: str, code: str, name: str, preset: str) -> bool:
    return selection.enabled(code, name, preset) and not selection.ignored(path, code, name)


def joined(one: Report, other: Report) -> Report:
    """Two reports as one."""
    return Report(
        one.diagnostics + other.diagnostics,
        one.unparsed + other.unparsed,
        one.files + other.files,
        one.tasks + other.tasks,
        one.blocking + other.blocking,
        one.mild | other.mild,
    )

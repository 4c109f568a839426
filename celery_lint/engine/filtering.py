"""What of a verdict is to be said: the files asked for, without what is ignored, excluded or suppressed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery_lint.diagnostics import SEVERITIES, Diagnostic, Related, Report
from celery_lint.engine.scopes import Scopes
from celery_lint.engine.verdict import Verdict, failures_to_read
from celery_lint.files.roots import absolute_path
from celery_lint.selection import Selection

NAMELESS = "<stdin>"
"""The path of a text that has none."""
_MOST_NAMED = 20


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
    wanted = {path for path in files if not scopes.excluded(path)}

    def shown(path: str) -> str:
        return path if path == NAMELESS else absolute_path(root, path)

    # What concerns the whole project is told in one of its files.
    anywhere = min(wanted, default=NAMELESS)
    told = _told(verdict, scopes)
    mild = set()
    diagnostics = []
    for index, diagnostic in enumerate((*verdict.diagnostics, *failures_to_read(verdict.unparsed))):
        path = diagnostic.path or anywhere
        if path not in wanted and path.endswith(".py"):  # a launch file concerns all of them
            continue
        if index in verdict.ignored or (suppress and index in verdict.suppressed):
            continue
        if index in verdict.causes:
            if index not in told:
                continue
            diagnostic = _with_others(diagnostic, told[index])
        options, selection = scopes.of(path).configuration, scopes.of(path).selection
        if not _is_wanted(scopes, verdict, path, diagnostic):
            continue
        meant = verdict.unused.get(index)
        if meant and not any(_is_on(selection, path, *rule) for rule in meant):
            continue
        severity = SEVERITIES.index(diagnostic.severity)
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


def _is_wanted(scopes: Scopes, verdict: Verdict, path: str, found: Diagnostic) -> bool:
    """Whether the options of this file ask for a diagnostic."""
    options, selection = scopes.of(path).configuration, scopes.of(path).selection
    preset = verdict.presets.get(found.code, "recommended")
    return _is_on(selection, path, found.code, found.name, preset) and SEVERITIES.index(
        found.severity
    ) <= SEVERITIES.index(options.min_severity)


def _told(verdict: Verdict, scopes: Scopes) -> dict[int, list[Diagnostic]]:
    """The diagnostics that are told for their cause, and the others that it has.

    Whatever files are asked for, the same one is told: the first whose options ask for it. A comment there
    answers for the cause; one at another place takes that place away.
    """
    by_cause: dict[int, list[tuple[int, int]]] = {}
    for index, (cause, rank) in verdict.causes.items():
        found = verdict.diagnostics[index]
        if not scopes.excluded(found.path) and _is_wanted(scopes, verdict, found.path, found):
            by_cause.setdefault(cause, []).append((rank, index))
    told = {}
    for ranked in by_cause.values():
        (_, first), *others = sorted(ranked)
        silenced = verdict.ignored | verdict.suppressed
        told[first] = [verdict.diagnostics[index] for _, index in others if index not in silenced]
    return told


def _with_others(found: Diagnostic, others: Iterable[Diagnostic]) -> Diagnostic:
    """A diagnostic that says where its cause shows as well."""
    places = {(other.path, other.line, other.column) for other in others}
    left = [
        Related(*place, "the same here")
        for place in sorted(places - {(found.path, found.line, found.column)})
    ]
    if not left:
        return found
    more = "1 more place has" if len(left) == 1 else f"{len(left)} more places have"
    return found._replace(
        help=f"{found.help}; {more} the same cause", related=(*found.related, *left[:_MOST_NAMED])
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

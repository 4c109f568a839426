"""What the rules say about a workspace, before any filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from celery_lint.diagnostics import Diagnostic, Related, Unparsed

if TYPE_CHECKING:
    from celery_lint.model.facts import Module, Place
    from celery_lint.project.known import Known, facts
    from celery_lint.rule import Finding, Rule


class Verdict(NamedTuple):
    """What the rules say about a workspace, before any filter. Paths are relative to the workspace.

    ``suppressed`` holds the indexes of the diagnostics that a ``# noqa`` silences, ``tasks`` the number
    of tasks that a file defines, ``presets`` the presets of the rules that spoke.
    """

    diagnostics: list[Diagnostic]
    suppressed: frozenset[int]
    unparsed: list[Unparsed]
    tasks: dict[str, int]
    presets: dict[str, str]


Found = dict["facts[Any, Any]", "list[Any] | Exception"]
"""What every search has found, or why it failed: that must not hide what the others find."""


def search(known: Known) -> Found:
    """Find the facts that rules ask for."""
    from celery_lint.rule import all_rules, checks_of

    found: Found = {}
    for rule in all_rules():
        for source, _ in checks_of(rule):
            if source not in found:
                try:
                    found[source] = source.among(known)
                except Exception as error:
                    found[source] = error
    return found


def judge(known: Known, found: Found, modules: Mapping[str, Module], unparsed: Iterable[Unparsed]) -> Verdict:
    """Run every rule over every fact that it asks for, of those that :func:`search` has found."""
    from celery_lint.engine.suppressions import suppressed
    from celery_lint.inventory.tasks.tasks import Tasks
    from celery_lint.model.purpose import is_test_path
    from celery_lint.rule import all_rules, checks_of

    presets: dict[str, str] = {}
    said = {
        _internal_error(f"the search for {source}", None, outcome)
        for source, outcome in found.items()
        if isinstance(outcome, Exception)
    }
    for rule_class in all_rules():
        rule = rule_class(known)
        presets[rule.code] = rule.preset
        for source, check in checks_of(rule_class):
            outcome = found[source]
            for fact in outcome if isinstance(outcome, list) else ():
                _apply(rule, check, fact, said)
    diagnostics = sorted(said)
    silenced = []
    for index, diagnostic in enumerate(diagnostics):
        module = modules.get(diagnostic.path)
        comment = module.suppressions.get(diagnostic.line) if module is not None else None
        if comment is not None and suppressed(comment, diagnostic.code, diagnostic.name):
            silenced.append(index)
    tasks: dict[str, int] = {}
    for task in known.of(Tasks).all:
        path = task.module.path
        if not is_test_path(path):
            tasks[path] = tasks.get(path, 0) + 1
    spoken = {diagnostic.code for diagnostic in diagnostics}
    return Verdict(
        diagnostics,
        frozenset(silenced),
        sorted(unparsed),
        tasks,
        {code: preset for code, preset in presets.items() if code in spoken},
    )


def _apply(
    rule: Rule,
    check: Callable[[Any, Any], Iterable[Finding]],
    fact: Any,
    said: set[Diagnostic],
) -> None:
    """Let one rule judge one fact; if it fails, it must not silence the others."""
    try:
        for finding in check(rule, fact):
            said.add(_diagnostic(rule, finding))
    except Exception as error:
        said.add(_internal_error(rule.code, fact, error))


def _diagnostic(rule: Rule, finding: Finding) -> Diagnostic:
    message, help_text = rule.variants[finding.variant] if finding.variant else (rule.message, rule.help)
    path, span = finding.place
    return Diagnostic(
        path,
        *span,
        rule.code,
        rule.name,
        message.format(**finding.values),
        help_text.format(**finding.values),
        rule.severity,
        tuple(
            Related(place.path, place.span.line, place.span.column, text) for place, text in finding.related
        ),
    )


def _internal_error(culprit: str, fact: Any, error: Exception) -> Diagnostic:
    place: Place | None = getattr(fact, "place", None)
    path = place.path if place is not None else getattr(getattr(fact, "module", None), "path", "")
    message = " ".join(f"{culprit} failed: {type(error).__name__}: {error}".split())
    help_text = "please report this; every other rule has been checked"
    return Diagnostic(path, 1, 1, 1, 1, "CEL999", "internal-error", message, help_text, "error")


def packed(verdict: Verdict) -> list[Any]:
    """The verdict as the cache keeps it."""
    return [
        verdict.diagnostics,
        sorted(verdict.suppressed),
        verdict.unparsed,
        verdict.tasks,
        verdict.presets,
    ]


def unpacked(row: list[Any]) -> Verdict:
    """The verdict that was packed; raises ``TypeError``, ``ValueError`` or ``LookupError`` when damaged."""
    diagnostics, suppressed, unparsed, tasks, presets = row
    return Verdict(
        [_unpacked_diagnostic(found) for found in diagnostics],
        frozenset(suppressed),
        [Unparsed(*entry) for entry in unparsed],
        tasks,
        presets,
    )


def _unpacked_diagnostic(row: list[Any]) -> Diagnostic:
    path, line, column, end_line, end_column, code, name, message, help_text, severity, related, _ = row
    return Diagnostic(
        path,
        line,
        column,
        end_line,
        end_column,
        code,
        name,
        message,
        help_text,
        severity,
        tuple(Related(*entry) for entry in related),
    )

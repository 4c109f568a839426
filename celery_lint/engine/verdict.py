"""What the rules say about a workspace, before any filter."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from celery_lint.diagnostics import READING_FAILED, Diagnostic, Related, Span, Unparsed

if TYPE_CHECKING:
    from celery_lint.engine.comments.suppressions import Suppressions
    from celery_lint.model.facts import Module, Place
    from celery_lint.project.isolation import Failure
    from celery_lint.project.known import Known, facts
    from celery_lint.rule import Cause, Finding, Rule

_REPORT_IT = "please report this; everything else has been checked"
_TOP = Span(1, 1, 1, 1)
_Said = set[tuple[Diagnostic, "Cause | None"]]


class Verdict(NamedTuple):
    """What the rules say about a workspace, before any filter. Paths are relative to the workspace.

    ``suppressed`` holds the indexes of the diagnostics that a ``# noqa`` silences, ``tasks`` the number
    of tasks that a file defines, ``presets`` the presets of the rules that spoke. ``ignored`` are the indexes
    of those that a comment of ours silences. ``unused`` says of an unused suppression which rules it means,
    with their presets: where they are off, it is not told. ``causes`` says which cause a diagnostic has that
    others may have, and its rank among them: of those that are to be said, the first is told.
    """

    diagnostics: list[Diagnostic]
    suppressed: frozenset[int]
    unparsed: list[Unparsed]
    tasks: dict[str, int]
    presets: dict[str, str]
    ignored: frozenset[int] = frozenset()
    unused: Mapping[int, list[list[str]]] = {}
    causes: Mapping[int, tuple[int, int]] = {}


class Stale(Exception):
    """Nobody waits for the answer any more, and it was given up."""


Found = dict["facts[Any, Any]", list[Any]]
"""What every search has found."""


def search(known: Known, stale: Callable[[], bool] | None = None) -> Found:
    """Find the facts that rules ask for, and the tasks. Raises Stale where nobody waits for them any more."""
    from celery_lint.inventory.tasks.tasks import Tasks
    from celery_lint.rule import checks_of
    from celery_lint.rules import all_rules

    sources = {source: None for rule in all_rules() for source, _ in checks_of(rule)} | {Tasks.all: None}
    found: Found = {}
    for source in sources:
        if stale is not None and stale():
            raise Stale
        found[source] = known.isolation.search(f"the search for {source}", source.among)
    return found


def judge(known: Known, found: Found, modules: Mapping[str, Module], unparsed: Iterable[Unparsed]) -> Verdict:
    """Run every rule over every fact that it asks for, of those that :func:`search` has found."""
    from celery_lint.engine.comments.suppressions import Suppressions
    from celery_lint.inventory.tasks.tasks import Tasks
    from celery_lint.model.purpose import is_test_path
    from celery_lint.rule import checks_of
    from celery_lint.rules import all_rules

    presets: dict[str, str] = {}
    said: _Said = {(_internal_error(failure), None) for failure in known.isolation.told()}
    for rule_class in all_rules():
        rule = rule_class(known)
        presets[rule.code] = rule.preset
        for source, check in checks_of(rule_class):
            for fact in found[source]:
                _apply(rule, check, fact, said)
    known.project.deployment.written.let_go()
    comments = {path: Suppressions(module.comments) for path, module in modules.items() if module.comments}
    once = _once(said)
    judged = _obeyed(once, comments)
    about = dict(_about_comments(comments, known))
    judged.update(_obeyed(about, comments))
    diagnostics = sorted(judged)
    tasks: dict[str, int] = {}
    for task in found[Tasks.all]:
        path = task.module.path
        if not is_test_path(path):
            tasks[path] = tasks.get(path, 0) + 1
    spoken = {diagnostic.code for diagnostic in diagnostics}
    return Verdict(
        diagnostics,
        frozenset(index for index, one in enumerate(diagnostics) if judged[one][1]),
        sorted(unparsed),
        tasks,
        {code: preset for code, preset in presets.items() if code in spoken},
        frozenset(index for index, one in enumerate(diagnostics) if judged[one][0]),
        {index: about[one] for index, one in enumerate(diagnostics) if about.get(one)},
        _causes(diagnostics, once, comments),
    )


def _once(said: _Said) -> dict[Diagnostic, Cause | None]:
    """One of those that say the same of the same place: they differ in the way that leads there."""
    kept: dict[Diagnostic, tuple[Diagnostic, Cause | None]] = {}
    for found in sorted(said, key=lambda each: (each[0], repr(each[1]))):
        kept.setdefault(found[0]._replace(related=(), help=""), found)
    return dict(kept.values())


def _causes(
    diagnostics: Iterable[Diagnostic],
    caused: Mapping[Diagnostic, Cause | None],
    comments: Mapping[str, Suppressions],
) -> dict[int, tuple[int, int]]:
    """The number of the cause of each diagnostic that has one, and its rank.

    Those that a comment silences for a whole file come last: such a file has no part in what is told.
    """
    numbers: dict[tuple[str, Hashable], int] = {}
    found = {}
    last = 1 + max((cause.rank for cause in caused.values() if cause is not None), default=0)
    for index, one in enumerate(diagnostics):
        cause = caused.get(one)
        if cause is not None:
            own = comments.get(one.path)
            apart = own is not None and own.for_the_file(one)
            number = numbers.setdefault((one.code, cause.key), len(numbers))
            found[index] = number, cause.rank + (last if apart else 0)
    return found


def _obeyed(
    said: Iterable[Diagnostic], comments: Mapping[str, Suppressions]
) -> dict[Diagnostic, tuple[bool, bool]]:
    """The diagnostics, and whether a comment of ours and a ``# noqa`` silence them.

    That the linter fails is always told.
    """
    from celery_lint.selection import INTERNAL_ERROR

    judged = {}
    for found in said:
        own = comments.get(found.path) if found.code != INTERNAL_ERROR else None
        judged[found] = (False, False) if own is None else (own.own(found), own.noqa(found))
    return judged


def _about_comments(
    comments: Mapping[str, Suppressions], known: Known
) -> Iterator[tuple[Diagnostic, list[list[str]]]]:
    """What is to be said about the comments themselves, and for unused ones the rules that they mean."""
    from celery_lint.model.facts import Place
    from celery_lint.rule import Finding
    from celery_lint.rules import all_rules
    from celery_lint.rules.suppressions.cel001_unknown_suppression import UnknownSuppression
    from celery_lint.rules.suppressions.cel002_unused_suppression import UnusedSuppression

    unknown, unused = UnknownSuppression(known), UnusedSuppression(known)
    for path, own in comments.items():
        for word, variant, meant in own.unknown():
            values = {"word": word.text, "meant": meant}
            fix = (meant,) if meant else None
            yield _diagnostic(unknown, Finding(Place(path, word.span), values, (), variant, fix)), []
        for word in own.unused():
            rules = [rule for rule in all_rules() if word.means(rule.code, rule.name)]
            others = [rule for rule in rules if rule.family() != unused.family()]
            if others:  # those about comments are asked last, and nobody knows yet
                variant = "file" if word.comment.whole_file else ""
                finding = Finding(Place(path, word.span), {"word": word.text}, (), variant, ())
                yield _diagnostic(unused, finding), [[rule.code, rule.name, rule.preset] for rule in others]


def _apply(
    rule: Rule,
    check: Callable[[Any, Any], Iterable[Finding]],
    fact: Any,
    said: _Said,
) -> None:
    """Let one rule judge one fact; if it fails, it must not silence the others."""

    def findings(known: Known) -> list[tuple[Diagnostic, Cause | None]]:
        from celery_lint.analysis.flow.retry_handlers import RetryHandlers
        from celery_lint.analysis.resources.taken_too_early import EarlyNames
        from celery_lint.inventory.code.decided.closed import ClosedBranches
        from celery_lint.inventory.code.ends.unreached import Unreached
        from celery_lint.inventory.workers.loading.unrun import Unrun
        from celery_lint.inventory.workers.senders.uncalled import UncalledSenders
        from celery_lint.inventory.workers.unsent import Unsent

        asking = rule if known is rule.known else type(rule)(known)
        found = list(check(asking, fact))
        if found and not rule.even_unsent:
            never = [known.of(Unsent).holds, known.of(Unreached).holds, known.of(EarlyNames).holds]
            never.append(known.of(RetryHandlers).holds)
            if rule.of_senders:
                never += [known.of(UncalledSenders).holds, known.of(ClosedBranches).holds]
            found = [each for each in found if not any(holds(each.place) for holds in never)]
        if any(finding.runs for finding in found) and not rule.even_unsent:
            lacks = known.of(Unrun).has_no_worker
            found = [each for each in found if not each.runs or not all(map(lacks, each.runs))]
        return [(_diagnostic(rule, finding), finding.cause) for finding in found]

    isolation = rule.known.isolation
    failures = len(isolation.failures)
    said.update(isolation.search(rule.code, findings))
    said.update((_internal_error(failure, fact), None) for failure in isolation.failures[failures:])


def _diagnostic(rule: Rule, finding: Finding) -> Diagnostic:
    message, help_text = rule.variants[finding.variant] if finding.variant else (rule.message, rule.help)
    path, span = finding.place
    return Diagnostic(
        path,
        *span.numbers,
        rule.code,
        rule.name,
        message.format(**finding.values),
        help_text.format(**finding.values),
        rule.severity,
        tuple(
            Related(place.path, place.span.line, place.span.column, text) for place, text in finding.related
        ),
        None if finding.fix is None else (rule.fixable, *finding.fix),
    )


def _internal_error(failure: Failure, fact: Any = None) -> Diagnostic:
    """A failure as a diagnostic. One that concerns the whole project has no path: it is told in any file."""
    place, what = failure.what
    if failure.lost and fact is not None:
        own: Place | None = getattr(fact, "place", None)
        place = own or place
    at = ""
    if place is not None and failure.lost and fact is None:
        at, place = f" (at {place.path}:{place.span.line})", None
    path, span = place if place is not None else (getattr(getattr(fact, "module", None), "path", ""), _TOP)
    message = f"{failure.name} failed: {what}{at}"
    return Diagnostic(path, *span.numbers, "CEL999", "internal-error", message, _REPORT_IT, "error")


def failures_to_read(unparsed: Iterable[Unparsed]) -> Iterator[Diagnostic]:
    """The failures of the linter itself among the reasons why files were not checked."""
    for path, line, message in unparsed:
        if message.startswith(READING_FAILED):
            span = Span(line, 1, line, 1)
            yield Diagnostic(path, *span.numbers, "CEL999", "internal-error", message, _REPORT_IT, "error")


def packed(verdict: Verdict) -> list[Any]:
    """The verdict as the cache keeps it."""
    return [
        verdict.diagnostics,
        sorted(verdict.suppressed),
        verdict.unparsed,
        verdict.tasks,
        verdict.presets,
        sorted(verdict.ignored),
        list(verdict.unused.items()),
        [(index, *cause) for index, cause in verdict.causes.items()],
    ]


def unpacked(row: list[Any]) -> Verdict:
    """The verdict that was packed; raises ``TypeError``, ``ValueError`` or ``LookupError`` when damaged."""
    diagnostics, suppressed, unparsed, tasks, presets, ignored, unused, causes = row
    return Verdict(
        [_unpacked_diagnostic(found) for found in diagnostics],
        frozenset(suppressed),
        [Unparsed(*entry) for entry in unparsed],
        tasks,
        presets,
        frozenset(ignored),
        dict(unused),
        {index: (number, rank) for index, number, rank in causes},
    )


def _unpacked_diagnostic(row: list[Any]) -> Diagnostic:
    path, line, column, end_line, end_column, code, name, message, help_text, severity, related, fix = row
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
        None if fix is None else tuple(fix),
    )

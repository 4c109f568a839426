"""Whether what has changed in a file concerns anybody: if not, what was said of all files stands.

A run asks for functions by name, by what they are decorated with, and by what they say, and the cache keeps
what it has asked for. Who would not have got a function, neither as it was nor as it is, says the same.
What is searched for in many modules is kept once, the rest with its module.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, cast

from celery_lint.diagnostics import Diagnostic, Unparsed
from celery_lint.engine.edited.answers import WRITTEN, answered, same_answers, started
from celery_lint.engine.verdict import Verdict, unpacked
from celery_lint.files.cache import Facts, Manifest
from celery_lint.files.filter import Pair
from celery_lint.files.library import Library, decoded
from celery_lint.model.defined import EVERYBODY, FACETS, Defined, Kind, Search, found_in
from celery_lint.model.facts import Function, Module
from celery_lint.model.lines import renumbered
from celery_lint.model.purpose import originals
from celery_lint.model.words import SAYING
from celery_lint.project.project import Project
from celery_lint.selection import INTERNAL_ERROR

Lines = Mapping[int, int]
"""Where the lines of a module stand now, by where they stood."""

EVERYWHERE = ""
"""In place of the path of a module: what was searched for in all of them."""

_ASKED = "asked"
_STARTED = "started"
_BESIDE = (WRITTEN, _STARTED)  # what stands beside what was searched for
# What was searched for in so many modules is kept for all.
_MANY = 8
_NUMBER = re.compile(r"\d+")


# ------------------------------------------------------------------ what a run was after


def looked(modules: Iterable[Module], project: Project) -> dict[str, str]:
    """What a run was after in each of its modules, and everywhere, as the cache keeps it."""
    modules = list(modules)
    times = Counter(search for module in modules for search in module.functions.searched)
    common = {search for search, many in times.items() if many >= _MANY and search != EVERYBODY}
    common |= project.functions.searched
    found: dict[str, dict[str, Any]] = {EVERYWHERE: dict(_by_kind(common))}
    for module in modules:
        own = _by_kind(module.functions.searched - common)
        found[module.path] = {**own, _ASKED: sorted(module.functions.asked)}
    written = project.deployment.written
    found[EVERYWHERE][_STARTED] = started(project.deployment)
    for path, row in answered(written).items() if written.is_read else ():
        found.setdefault(path, {})[WRITTEN] = row
    return {path: json.dumps(each) for path, each in found.items()}


def _by_kind(searches: Iterable[Search]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, text in sorted(searches):
        found.setdefault(kind, []).append(text)
    return found


def _is_noticed(functions: Sequence[Function], kind: str, texts: Sequence[str]) -> bool:
    """Whether a run has asked for one of these functions in this way."""
    if kind == _ASKED:
        return not {function.qualname for function in functions}.isdisjoint(texts)
    if kind in SAYING:
        words = frozenset(texts)
        return any(not words.isdisjoint(SAYING[kind](function)) for function in functions)
    return bool(found_in(functions, cast("Kind", kind), tuple(texts)))


# ------------------------------------------------------------------ whether what was said stands


class Standing(NamedTuple):
    """What is said of a workspace whose changes concern nobody.

    ``digests`` are those of files that have changed; ``facts`` are kept in place of the last ones, if any.
    """

    verdict: Verdict
    digests: dict[str, str]
    facts: Facts | None


def standing(
    earlier: Manifest,
    facts: Facts,
    library: Library,
    changed: Sequence[str],
    first: Callable[[str, bytes], bool],
) -> Standing | None:
    """What the last run has said, if these changes concern nobody."""
    if not frozenset(earlier.asked).isdisjoint(changed):
        return None

    def stay(before: Module, after: Module) -> Lines | None:
        if after.path in earlier.stray:
            return None
        return _stay(earlier, facts, before, after, after.path not in earlier.passed)

    names = [(name, leaf) for name, leaf in earlier.names]
    same = says_the_same(changed, library, first, earlier.passed, names, stay)
    if same is None:
        return None
    verdict: Verdict | None = unpacked(earlier.verdict)
    told = dict(facts.looked)
    for path in changed if earlier.worded else ():
        now = _answers(earlier, told, path, library.text(path), same.lines.get(path, {}))
        if now is None:
            return None
        if now:
            told[path] = now
    moved = {}
    for path, lines in same.lines.items():
        verdict = verdict and shifted(verdict, path, lines)
        if any(was != now for was, now in lines.items()):  # what is said knows the lines of these facts
            moved[path] = json.dumps(same.modules[path])
    if verdict is None or not _starts_the_same(earlier, facts, library):
        return None
    is_new = moved or told != facts.looked
    return Standing(verdict, same.digests, Facts({**facts.lines, **moved}, told) if is_new else None)


def _starts_the_same(earlier: Manifest, facts: Facts, library: Library) -> bool:
    """Whether the workspace is started as it was: code may name folders that are left behind."""
    from celery_lint.engine.deployment import deployment_of

    try:
        known = json.loads(facts.looked[EVERYWHERE])[_STARTED]
    except (LookupError, ValueError, TypeError):
        return False  # it was not kept
    return bool(known == started(deployment_of(library.root, earlier.listing, [])))


def _answers(
    manifest: Manifest, looked: Mapping[str, str], path: str, text: bytes, lines: Lines
) -> str | None:
    """What was asked of a file, as it is kept, if this text answers the same."""
    try:
        own, everywhere = (json.loads(looked.get(each) or "{}") for each in (path, EVERYWHERE))
        given = own.get(WRITTEN, {}), everywhere[WRITTEN], manifest.listing.python, lines
        now = same_answers(path, text, *given)
    except (LookupError, ValueError, TypeError, AttributeError, ImportError):
        return None  # it was not kept
    if now is None or now == own.get(WRITTEN, {}) or not own.get(WRITTEN):
        return None if now is None else looked.get(path, "")
    return json.dumps({**own, WRITTEN: now})


def standing_with(
    manifest: Manifest, verdict: Verdict, facts: Facts, after: Module, text: str
) -> Verdict | None:
    """What is said with another text of one module, if what has changed in it concerns nobody."""
    line = facts.lines.get(after.path)
    before = decoded(after.path, line) if line is not None else None
    lines = _stay(manifest, facts, before, after, False) if before is not None else None
    data = text.encode("utf-8", "surrogatepass")
    if lines is None or (
        manifest.worded and _answers(manifest, facts.looked, after.path, data, lines) is None
    ):
        return None
    return shifted(verdict, after.path, lines)


def _stay(manifest: Manifest, facts: Facts, before: Module, after: Module, only_grows: bool) -> Lines | None:
    path, looked = after.path, facts.looked
    name = f"/{path.rpartition('/')[2]}"
    others = [other for other in manifest.digests if f"/{other}".endswith(name)]
    if any(original in (path, *others) for other in others for _, original in originals(other)):
        return None  # whether it is a copy depends on its text
    return unnoticed(before, after, looked.get(path, ""), looked.get(EVERYWHERE, ""), only_grows=only_grows)


class Same(NamedTuple):
    """Files that have changed and concern nobody: the digests of those that have facts, and what has moved.

    ``modules`` are those that say something else, or the same elsewhere, and ``lines`` where.
    """

    digests: dict[str, str]
    modules: dict[str, Module]
    lines: dict[str, Lines]


def says_the_same(
    changed: Sequence[str],
    library: Library,
    first: Callable[[str, bytes], bool],
    passed: Iterable[str],
    names: Collection[Pair],
    stay: Callable[[Module, Module], Lines | None],
) -> Same | None:
    """Whether files that have changed still say what they said, so that nothing has to be linked.

    None if something new is said. Of a module that says something else, ``stay`` tells whether nobody cares.
    """
    known = set(passed)
    before = {path: library.earlier(path) for path in changed}
    through = set(library.first_pass(changed, first))
    if through != known.intersection(changed):
        return None
    same = Same({}, {}, {})
    others = []
    for path, module in before.items():
        if module is None:
            if path in through or library.was_read(path):
                return None
            others.append(path)
            continue
        now = library.readings([path])[path]
        if isinstance(now, Unparsed):
            return None
        if now[2:] != module[2:]:
            lines = stay(module, now)
            if lines is None:
                return None
            same.modules[path], same.lines[path] = now, lines
        same.digests[path] = now.digest
    if names and library.second_pass(others, names):
        return None
    return same


def unnoticed(before: Module, after: Module, *kept: str, only_grows: bool = False) -> Lines | None:
    """Where the lines of a module stand now, if nobody would have noticed what has changed in it.

    ``kept`` is what a run was after in it and everywhere. With ``only_grows`` everything must still be there:
    a word of it may be why the file was read.
    """
    was, now = (renumbered(module, lambda _: 0).functions for module in (before, after))
    changed = {name for name in {**was, **now} if dict.get(was, name) != dict.get(now, name)}
    if only_grows and not changed.isdisjoint([name for name, _ in was.every()]):
        return None
    others = [each for known in (before, after) for name, each in known.functions.every() if name in changed]
    if any(is_meant(each) for each in others for is_meant in FACETS.values()):
        return None
    try:
        found = [(kind, texts) for each in kept for kind, texts in json.loads(each).items()]
        searches = [(kind, texts) for kind, texts in found if kind not in _BESIDE]
    except (ValueError, AttributeError):
        return None  # it was not kept
    if others and (not searches or any(_is_noticed(others, *search) for search in searches)):
        return None
    return _moved(_without(before, changed), _without(after, changed))


def _without(module: Module, names: Collection[str]) -> Module:
    kept = [(name, function) for name, function in module.functions.every() if name not in names]
    return module._replace(functions=Defined(kept))


def _moved(before: Module, after: Module) -> Lines | None:
    """Where the lines of a module stand now that says the same in the same order; ``None`` if it does not."""
    stood: list[int] = []
    stand: list[int] = []
    if _told(before, stood) != _told(after, stand):
        return None
    lines = dict(zip(stood, stand, strict=True))
    if lines.get(1, 1) != 1:  # where the module itself has its place
        return None
    if _lines_of_imports(before) != _lines_of_imports(after) and all(
        was == now for was, now in lines.items()
    ):
        return None
    if any(lines[was] != now for was, now in zip(stood, stand, strict=True)):
        return None
    if any(one >= other for one, other in pairwise([lines[was] for was in sorted(lines)])):
        return None
    return lines


def _told(module: Module, lines: list[int]) -> str:
    """What a module says, without its lines, which are added to the others."""

    def note(line: int) -> int:
        lines.append(line)
        return 0

    imports = [statement[:2] for statement in module.needed]  # no text has the number of their lines
    return json.dumps([imports, renumbered(module._replace(needed=()), note)[2:]])


def _lines_of_imports(module: Module) -> list[int]:
    return [statement.span.line for statement in module.needed]


# ------------------------------------------------------------------ what is said with other lines


def shifted(verdict: Verdict, path: str, lines: Lines) -> Verdict | None:
    """What the rules said, with the lines of a module as they stand now.

    ``None`` where that cannot be told: a text may have the number of a line, or the linter has failed.
    """
    if any(found.code == INTERNAL_ERROR for found in verdict.diagnostics):
        return None
    elsewhere = {str(was) for was, now in lines.items() if was != now}
    if not elsewhere:
        return verdict
    found = []
    for each in verdict.diagnostics:
        known = _shifted(each, path, lines, elsewhere)
        if known is None:
            return None
        found.append(known)
    return verdict._replace(diagnostics=found)


def _shifted(each: Diagnostic, path: str, lines: Lines, elsewhere: set[str]) -> Diagnostic | None:
    texts = (each.message, each.help, *(other.message for other in each.related), *(each.fix or ()))
    if each.path != path and not any(other.path == path for other in each.related):
        return None if any(path in text for text in texts) else each
    if any(not elsewhere.isdisjoint(_NUMBER.findall(text)) for text in texts):
        return None
    try:
        related = tuple(
            other._replace(line=lines[other.line]) if other.path == path else other for other in each.related
        )
        if each.path == path:
            each = each._replace(line=lines[each.line], end_line=lines[each.end_line])
    except KeyError:
        return None
    return each._replace(related=related)

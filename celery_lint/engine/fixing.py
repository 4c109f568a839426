"""Automatic edits of files: made, checked, and only then taken.

Every text that comes out of here parses, says nothing of what was fixed, and says nothing that it did not say
before. What cannot be fixed so stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.fixes.edits import edits_for
from celery_lint.fixes.text import Edit, Text, applied, compiles, overlap
from celery_lint.source import NotParsed, Source, read

Check = Callable[[str, str], Report]
"""What is said about a file (its absolute path) with a text."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_ROUNDS = 10
"""A fix may uncover what another one is for; more than a few rounds are never needed."""


class Fixed(NamedTuple):
    """A file as it is and as it may be, as bytes, and how often which rule was fixed in it."""

    path: str
    before: bytes
    after: bytes
    codes: Counter[str]


def fixable(report: Report, unsafe: bool) -> list[Diagnostic]:
    """The diagnostics that have an edit; with ``unsafe`` also those whose edit changes what the code does."""
    return [found for found in report.diagnostics if found.fix and (unsafe or found.fix[0] == "safe")]


def fixed(report: Report, unsafe: bool, check: Check) -> Iterator[Fixed]:
    """The files of a report that can be fixed. Those are left out that are not UTF-8 or cannot be read."""
    for path in sorted({diagnostic.path for diagnostic in fixable(report, unsafe)}):
        try:
            data = read(path)
            text = Source(path, data).text
        except NotParsed:
            continue
        mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
        if mark + text.encode("utf-8", "surrogatepass") != data:
            continue
        found = [diagnostic for diagnostic in report.diagnostics if diagnostic.path == path]
        new, codes = _fixed(path, text, found, unsafe, check)
        if new != text:
            yield Fixed(path, data, mark + new.encode("utf-8"), codes)


def _fixed(
    path: str, text: str, found: list[Diagnostic], unsafe: bool, check: Check
) -> tuple[str, Counter[str]]:
    done: Counter[str] = Counter()
    for _ in range(_MOST_ROUNDS):
        made = _edits(path, text, found, unsafe)
        taken = _taken(path, text, found, made, check)
        if taken is None and len(made) > 1:  # one of them does harm: one more at a time
            good: list[tuple[str, list[Edit]]] = []
            for one in made:
                also = _taken(path, text, found, [*good, one], check)
                if also is not None:
                    taken, good = also, [*good, one]
            made = good
        if taken is None:
            break
        text, found = taken
        done.update(code for code, _ in made)
    return text, done


def _edits(path: str, text: str, found: list[Diagnostic], unsafe: bool) -> list[tuple[str, list[Edit]]]:
    """The edits of the diagnostics of a text, by code; of two that touch each other the first."""
    source = Text(Source(path, text))
    chosen: list[tuple[str, list[Edit]]] = []
    for diagnostic in fixable(Report(found, [], 0, 0), unsafe):
        edits = edits_for(source, diagnostic)
        if edits and not any(overlap(edits, others) for _, others in chosen):
            chosen.append((diagnostic.code, edits))
    return chosen


def _taken(
    path: str,
    text: str,
    found: list[Diagnostic],
    made: list[tuple[str, list[Edit]]],
    check: Check,
) -> tuple[str, list[Diagnostic]] | None:
    """The text with the edits, and what is said about it; ``None`` if they do not help, or do harm."""
    new = applied(text, (edit for _, edits in made for edit in edits))
    if new == text or not compiles(new):
        return None
    report = check(path, new)
    was, now = Counter(d.code for d in found), Counter(d.code for d in report.diagnostics)
    gone = Counter(code for code, _ in made)
    return None if now - (was - gone) else (new, report.diagnostics)

"""Automatic edits of files: made, checked, and only then taken.

Every text that comes out of here parses, says nothing of what was fixed, and says nothing that it did not say
before. What cannot be fixed so stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.fixes.edits import edits_for
from celery_lint.fixes.text import Edit, Text, applied, compiles, overlap
from celery_lint.source import NotParsed, Source, read

Check = Callable[[Mapping[str, str]], Report]
"""What is said about files (their absolute paths) with these texts."""

Made = list[tuple[str, list[Edit]]]
"""Edits that belong together, with the code of the rule that they are for."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOTHING = Report([], [], 0, 0)
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


class _File:
    """A file while it is mended: its text, what is said about it, and how often which rule was fixed."""

    def __init__(self, path: str, data: bytes, text: str, found: list[Diagnostic]) -> None:
        self.path = path
        self.data = data
        self.text = text
        self.found = found
        self.codes: Counter[str] = Counter()

    def edits(self, unsafe: bool) -> Made:
        """The edits of what is said, by code; of two that touch each other the first."""
        source = Text(Source(self.path, self.text))
        chosen: Made = []
        for diagnostic in fixable(_NOTHING._replace(diagnostics=self.found), unsafe):
            edits = edits_for(source, diagnostic)
            if edits and not any(overlap(edits, others) for _, others in chosen):
                chosen.append((diagnostic.code, edits))
        return chosen

    def with_edits(self, made: Made) -> str:
        """The text with these edits; ``""`` where it would be no Python, or the same."""
        new = applied(self.text, (edit for _, edits in made for edit in edits))
        return new if new != self.text and compiles(new) else ""

    def is_better(self, made: Made, said: list[Diagnostic]) -> bool:
        """Whether all is gone that these edits are for, and nothing came."""
        gone = Counter(code for code, _ in made)
        return not Counter(d.code for d in said) - (Counter(d.code for d in self.found) - gone)

    def take(self, new: str, made: Made, said: list[Diagnostic]) -> None:
        """Go on from the text with these edits, and what is said about it."""
        self.text, self.found = new, said
        self.codes.update(code for code, _ in made)


def fixed(report: Report, unsafe: bool, check: Check) -> Iterator[Fixed]:
    """The files of a report that can be fixed. Those are left out that are not UTF-8 or cannot be read."""
    files = list(_files(report, unsafe))
    pending = files
    for _ in range(_MOST_ROUNDS):
        # All files at once: for one file the whole project would be judged as well.
        made = [(file, edits) for file in pending if (edits := file.edits(unsafe))]
        pending = _taken(made, files, check)
        if not pending:
            break
    for file in files:
        mark = _BYTE_ORDER_MARK if file.data.startswith(_BYTE_ORDER_MARK) else b""
        if file.codes:
            yield Fixed(file.path, file.data, mark + file.text.encode("utf-8"), file.codes)


def _files(report: Report, unsafe: bool) -> Iterator[_File]:
    for path in sorted({diagnostic.path for diagnostic in fixable(report, unsafe)}):
        try:
            data = read(path)
            text = Source(path, data).text
        except NotParsed:
            continue
        mark = _BYTE_ORDER_MARK if data.startswith(_BYTE_ORDER_MARK) else b""
        if mark + text.encode("utf-8", "surrogatepass") == data:
            yield _File(path, data, text, [found for found in report.diagnostics if found.path == path])


def _taken(made: list[tuple[_File, Made]], files: list[_File], check: Check) -> list[_File]:
    """Make edits of several files; returns those that have changed."""
    trial = {file.path: text for file, edits in made if (text := file.with_edits(edits))}
    report = check({**{file.path: file.text for file in files}, **trial}) if trial else _NOTHING
    changed, harmful = [], []
    for file, edits in made:
        said = _about(file, report)
        if file.path in trial and file.is_better(edits, said):
            file.take(trial[file.path], edits, said)
            changed.append(file)
        else:
            harmful.append((file, edits))
    for file, edits in harmful:
        # What harms may be an edit of another file, of which it is told now without.
        if _taken_in_parts(file, [edits] if len(made) > 1 else _halves(edits), files, check):
            changed.append(file)
    return changed


def _taken_in_parts(file: _File, parts: list[Made], files: list[_File], check: Check) -> bool:
    """Make those edits of a file that do no harm; a part that does is tried half by half."""
    good: Made = []
    outcome: tuple[str, list[Diagnostic]] | None = None
    texts = {each.path: each.text for each in files}
    while parts:
        part = parts.pop(0)
        trial = [*good, *part]
        new = file.with_edits(trial)
        said = _about(file, check({**texts, file.path: new})) if new else []
        if new and file.is_better(trial, said):
            good, outcome = trial, (new, said)
        else:
            parts[:0] = _halves(part)
    if outcome is None:
        return False
    file.take(outcome[0], good, outcome[1])
    return True


def _halves(edits: Made) -> list[Made]:
    middle = len(edits) // 2
    return [edits[:middle], edits[middle:]] if middle else []


def _about(file: _File, report: Report) -> list[Diagnostic]:
    return [found for found in report.diagnostics if found.path == file.path]

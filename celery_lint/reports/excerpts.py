"""Source lines with marks under them.

Columns are those of diagnostics: 1-based, in characters. Marks are placed by cells of the terminal: a tab
is shown as four blanks, a wide character takes two cells, a combining one none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from celery_lint import source
from celery_lint.reports.colours import without_commands
from celery_lint.reports.secrets import MASK, masked

UNICODE = "utf-8"
"""The encoding of a terminal that shows every character."""

_TAB = "    "
_SECRET = "***"
_LONGEST = 160
_BEFORE = 60
_FILES_KEPT = 32


class Row(NamedTuple):
    """One row of an excerpt: the line number (0 for a row of marks), and the text beside the bar.

    ``marks`` is the part of ``text`` that is a mark, as (start, end).
    """

    number: int
    text: str
    marks: tuple[int, int] = (0, 0)


class Sources:
    """The lines of the files that a report speaks of; every file is read once."""

    def __init__(self, buffers: Mapping[str, bytes | str]) -> None:
        self._buffers = buffers
        self._lines: dict[str, list[str]] = {}

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """The lines from first to last that exist; none if the file cannot be read (any more).

        Secrets in them are masked.
        """
        lines = self._lines.get(path)
        if lines is None:
            if len(self._lines) >= _FILES_KEPT:
                self._lines.clear()
            lines = self._lines[path] = self._read(path)
        return [masked(line) for line in lines[max(first, 1) - 1 : last]]

    def _read(self, path: str) -> list[str]:
        try:
            data = self._buffers[path] if path in self._buffers else source.read(path)
            return source.Source(path, data).lines
        except source.NotParsed:
            return []


def one_line(
    number: int, line: str, start: int, end: int, mark: str, label: str = "", encoding: str = UNICODE
) -> list[Row]:
    """A line, and below it the mark from column start up to end, and a label."""
    line, start, end = _window(line, start, end)
    shown, cells = _drawn(line, encoding)
    left = _cell(cells, start)
    width = max(_cell(cells, end) - left, 1)
    text = " " * left + mark * width
    return [Row(number, shown), Row(0, f"{text} {label}" if label else text, (left, len(text)))]


def several_lines(number: int, lines: list[str], start: int, end: int, encoding: str = UNICODE) -> list[Row]:
    """Lines with a bar at their side, from column start of the first up to column end of the last."""
    drawn = [_drawn(line[:_LONGEST], encoding) for line in lines]
    opening = _cell(drawn[0][1], start)
    closing = max(_cell(drawn[-1][1], end) - 1, 0)
    if drawn[0][0][:opening].strip():
        rows = [
            Row(number, f"  {drawn[0][0]}"),
            Row(0, f" {'_' * (opening + 1)}^", (1, opening + 3)),
        ]
    else:
        rows = [Row(number, f"/ {drawn[0][0]}", (0, 1))]
    following = list(enumerate(drawn))[1:]
    if len(following) > 4:  # the middle of a long statement tells nothing
        rows += [Row(number + index, f"| {text}".rstrip(), (0, 1)) for index, (text, _) in following[:2]]
        rows.append(Row(0, "| ...", (0, 1)))
        following = following[-1:]
    rows += [Row(number + index, f"| {text}".rstrip(), (0, 1)) for index, (text, _) in following]
    return [*rows, Row(0, f"|_{'_' * closing}^", (0, closing + 3))]


def _window(line: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a very long line that holds the mark, and the columns within it."""
    if len(line) <= _LONGEST:
        return line, start, end
    left = max(start - 1 - _BEFORE, 0)
    part = line[left : left + _LONGEST]
    before = "…" if left else ""
    after = "…" if left + _LONGEST < len(line) else ""
    shift = len(before) - left
    return f"{before}{part}{after}", start + shift, min(end + shift, len(before) + len(part) + 1)


def _drawn(line: str, encoding: str) -> tuple[str, list[int]]:
    """The line as a terminal shows it, and the cell at which each of its characters starts (and the end).

    What the encoding does not hold is written with escapes.
    """
    line = without_commands(line.rstrip(), "\N{REPLACEMENT CHARACTER}")
    if line.isascii() and line.isprintable():
        return line, list(range(len(line) + 1))
    from unicodedata import combining, east_asian_width

    shown: list[str] = []
    cells, cell = [], 0
    for character in line:
        cells.append(cell)
        if character == MASK:
            character, width = ("", 0) if shown and shown[-1] in ("", _SECRET) else (_SECRET, len(_SECRET))
        elif character == "\t":
            character, width = _TAB, len(_TAB)
        elif not character.isprintable():  # would move the cursor or turn the direction of the text
            character, width = "\N{REPLACEMENT CHARACTER}", 1
        elif combining(character):
            width = 0
        else:
            width = 2 if east_asian_width(character) in "WF" else 1
        if encoding != UNICODE and not character.isascii():
            escaped = character.encode(encoding, "backslashreplace").decode(encoding)
            width = width if escaped == character else len(escaped)
            character = escaped
        shown.append(character)
        cell += width
    return "".join(shown), [*cells, cell]


def _cell(cells: list[int], column: int) -> int:
    """The cell of a 1-based column; columns beyond the line stand at its end."""
    return cells[min(max(column, 1), len(cells)) - 1]

"""What the linter says: diagnostics, their positions and the severities.

Plain tuples on purpose: a warm run builds thousands of them, and importing ``dataclasses`` would
cost more than the rest of such a run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

#: How the reason begins why a file was not checked where the linter itself is wrong: that is a failure too.
READING_FAILED = "reading the file failed: "
Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")
"""From the worst to the mildest."""


# No text of five megabytes has more columns; lines have more bits, as an editor leaves gaps between theirs.
_LINE, _COLUMN = 40, 24
_ALL = _LINE + _COLUMN
_BEFORE = _ALL + _COLUMN
_LINES, _COLUMNS, _END = (1 << _LINE) - 1, (1 << _COLUMN) - 1, (1 << _ALL) - 1


class Span(int):
    """A stretch of source text.

    Lines and columns are 1-based; columns count characters (not bytes), and ``end_column`` is the
    column after the last character, as in ``ast`` plus one. One number that holds four: a module has a
    hundred of them, and as a tuple each would take three times the room.
    """

    __slots__ = ()

    def __new__(cls, line: int, column: int, end_line: int, end_column: int) -> Span:
        return _made(cls, (line << _COLUMN | column) << _ALL | end_line << _COLUMN | end_column)

    @property
    def line(self) -> int:
        """The line where it begins."""
        return self >> _BEFORE

    @property
    def column(self) -> int:
        """The column where it begins."""
        return self >> _ALL & _COLUMNS

    @property
    def end_line(self) -> int:
        """The line where it ends."""
        return self >> _COLUMN & _LINES

    @property
    def end_column(self) -> int:
        """The column behind its end."""
        return self & _COLUMNS

    @property
    def start(self) -> int:
        """Line and column where it begins, to be compared with others."""
        return self >> _ALL

    @property
    def end(self) -> int:
        """Line and column where it ends, to be compared with others."""
        return self & _END

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """All four, in this order."""
        return self.line, self.column, self.end_line, self.end_column

    def holds(self, other: Span) -> bool:
        """Whether another span lies in this one."""
        return self.start <= other.start and other.end <= self.end

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        names = ("line", "column", "end_line", "end_column")
        return (
            f"Span({', '.join(f'{name}={value}' for name, value in zip(names, self.numbers, strict=True))})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Span, self.numbers


_made = int.__new__
#: The span that a number holds, as facts that are kept have it.
span_of_number: Callable[[int], Span] = partial(_made, Span)


class Related(NamedTuple):
    """Another place that tells part of a diagnostic's story."""

    path: str
    line: int
    column: int
    message: str


class Diagnostic(NamedTuple):
    """One finding of one rule at one place.

    ``path`` is absolute inside the process and made relative by the reports. ``fix`` is ``None`` where
    there is no automatic edit, or else ``safe`` or ``unsafe`` and then the words that the edit needs (see
    ``celery_lint.fixes``).
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    name: str
    message: str
    help: str
    severity: Severity
    related: tuple[Related, ...] = ()
    fix: tuple[str, ...] | None = None


class Unparsed(NamedTuple):
    """A file that could not be read or parsed, and therefore was not checked."""

    path: str
    line: int
    message: str


def reading_failed(path: str, error: Exception) -> Unparsed:
    """A file that was not checked because the linter itself failed."""
    return Unparsed(path, 1, " ".join(f"{READING_FAILED}{type(error).__name__}: {error}".split()))


class Report(NamedTuple):
    """The outcome of one run.

    ``files`` counts the Python files that were asked about, ``tasks`` the Celery tasks that these
    files define. ``blocking`` counts what the options of a file's workspace take for a reason to fail:
    diagnostics as severe as ``fail-on``, and with ``strict-parse`` the files that were not checked. A
    diagnostic with code ``CEL999`` means that a rule failed (see ``failed``). ``mild`` are the diagnostics
    that are no reason to fail, ``known`` is the number of those that a baseline holds and that are not shown.
    """

    diagnostics: list[Diagnostic]
    unparsed: list[Unparsed]
    files: int
    tasks: int
    blocking: int = 0
    mild: frozenset[Diagnostic] = frozenset()
    known: int = 0

    def only(self, diagnostics: list[Diagnostic]) -> Report:
        """The same report with these of its diagnostics alone."""
        severe = sum(found not in self.mild for found in self.diagnostics)
        left = sum(found not in self.mild for found in diagnostics)
        return self._replace(diagnostics=diagnostics, blocking=self.blocking - severe + left)

    @property
    def failed(self) -> bool:
        """Whether the linter itself failed somewhere."""
        return any(diagnostic.code == "CEL999" for diagnostic in self.diagnostics)

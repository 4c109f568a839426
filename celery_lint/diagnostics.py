"""What the linter says: diagnostics, their positions and the severities.

Plain tuples on purpose: a warm run builds thousands of them, and importing ``dataclasses`` would
cost more than the rest of such a run.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

#: How the reason begins why a file was not checked where the linter itself is wrong: that is a failure too.
READING_FAILED = "reading the file failed: "
Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")
"""From the worst to the mildest."""


class Span(NamedTuple):
    """A stretch of source text.

    Lines and columns are 1-based; columns count characters (not bytes), and ``end_column`` is the
    column after the last character, as in ``ast`` plus one.
    """

    line: int
    column: int
    end_line: int
    end_column: int


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

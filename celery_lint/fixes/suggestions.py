"""What the fixes of diagnostics would change, for those who show it: as stretches of the text.

Unlike ``--fix`` nobody has checked here what is said about the text afterwards; that it is a program is sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic, Span
from celery_lint.fixes.edits import edits_for
from celery_lint.fixes.text import Edit, Text, applied, compiles, overlap
from celery_lint.source import NotParsed, Source, read


class Replacement(NamedTuple):
    """A stretch of a file, and the text in its place."""

    span: Span
    text: str


class Suggestions:
    """The fixes of diagnostics in files as they are now. ``buffers`` are texts that are not those on disk."""

    def __init__(self, buffers: Mapping[str, bytes | str] = {}) -> None:
        self._buffers = buffers
        self._texts: dict[str, Text | None] = {}

    def of(self, found: Diagnostic) -> list[Replacement]:
        """What the fix of a diagnostic replaces, from the top; nothing where it cannot be made."""
        if found.fix is None:
            return []
        text = self._text(found.path)
        edits = self._edits(text, found) if text is not None else []
        return _replacements(text, edits) if text is not None else []

    def together(self, path: str, diagnostics: Iterable[Diagnostic]) -> list[Replacement]:
        """The fixes of several diagnostics of one file; of two that touch each other the first."""
        text = self._text(path)
        chosen: list[Edit] = []
        if text is None:
            return []
        for found in diagnostics:
            edits = self._edits(text, found)
            if edits and not overlap(edits, chosen) and compiles(applied(text.text, [*chosen, *edits])):
                chosen += edits
        return _replacements(text, chosen)

    def _edits(self, text: Text, found: Diagnostic) -> list[Edit]:
        edits = edits_for(text, found)
        return edits if edits and compiles(applied(text.text, edits)) else []

    def _text(self, path: str) -> Text | None:
        if path not in self._texts:
            try:
                data = self._buffers[path] if path in self._buffers else read(path)
                self._texts[path] = Text(Source(path, data))
            except NotParsed:
                self._texts[path] = None
        return self._texts[path]


def _replacements(text: Text, edits: Iterable[Edit]) -> list[Replacement]:
    return [Replacement(text.span(edit), edit.text) for edit in sorted(edits)]

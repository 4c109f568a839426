"""Diagnostics in the words of the protocol: ranges in the client's units, related places, links, hovers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsprotocol import types
from pygls import uris
from pygls.workspace import PositionCodec

from celery_lint.diagnostics import Diagnostic, Severity, Span
from celery_lint.frontends.server.pages import Pages

SOURCE = "celery-lint"
_SEVERITIES: dict[Severity, types.DiagnosticSeverity] = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "advice": types.DiagnosticSeverity.Information,
}
Lines = Callable[[str], Sequence[str]]
"""The lines of a file, as the client sees it; none if they are not known."""


class Wording:
    """What the client understands: its units of columns, and whether it shows related places and links."""

    def __init__(self, capabilities: types.ClientCapabilities, codec: PositionCodec, pages: Pages) -> None:
        document = capabilities.text_document
        offered = document.publish_diagnostics if document is not None else None
        self._related = bool(offered and offered.related_information)
        self._links = bool(offered and offered.code_description_support)
        self._codec = codec
        self._pages = pages

    def diagnostic(self, found: Diagnostic, uri: str, lines: Lines) -> types.Diagnostic:
        """A diagnostic of the document with this address."""
        own = lines(found.path)
        href = self._pages.address(found.code) if self._links else None
        message = f"{found.message}\nhelp: {found.help}" if found.help else found.message
        return types.Diagnostic(
            range=self.range(own, Span(found.line, found.column, found.end_line, found.end_column)),
            message=message,
            severity=_SEVERITIES[found.severity],
            code=found.code,
            code_description=types.CodeDescription(href) if href else None,
            source=SOURCE,
            related_information=self._places(found, uri, lines),
        )

    def range(self, lines: Sequence[str], span: Span) -> types.Range:
        """A stretch of these lines, in the client's units."""
        start = self._position(lines, span.line, span.column)
        return types.Range(start, self._position(lines, span.end_line, span.end_column))

    def hover(self, shown: Sequence[types.Diagnostic], position: types.Position) -> types.Hover | None:
        """What the rules of the diagnostics at a position say about themselves."""
        at = [each for each in shown if _holds(each.range, position)]
        if not at:
            return None
        texts = {
            code: f"**{code}**: {each.message}\n\n{self._pages.text(code)}".rstrip()
            for each in at
            if isinstance(code := each.code, str)
        }
        content = types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(texts.values()))
        return types.Hover(content, at[0].range)

    def _places(
        self, found: Diagnostic, uri: str, lines: Lines
    ) -> list[types.DiagnosticRelatedInformation] | None:
        if not self._related or not found.related:
            return None
        places = []
        for path, line, column, message in found.related:
            address = uri if path == found.path else uris.from_fs_path(path)
            if address is not None:
                position = self._position(lines(path), line, column)
                location = types.Location(address, types.Range(position, position))
                places.append(types.DiagnosticRelatedInformation(location, message))
        return places

    def _position(self, lines: Sequence[str], line: int, column: int) -> types.Position:
        text = lines[line - 1][: column - 1] if line <= len(lines) else ""
        # What lies behind the end of a line, or in a file that nobody can read, is counted in characters.
        beyond = column - 1 - len(text)
        return types.Position(line - 1, self._codec.client_num_units(text) + beyond)


def _holds(stretch: types.Range, position: types.Position) -> bool:
    start, end = stretch.start, stretch.end
    at = (position.line, position.character)
    return (start.line, start.character) <= at <= (end.line, end.character)

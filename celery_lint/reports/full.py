"""Every diagnostic with its source: made to be read by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TextIO

from celery_lint.diagnostics import Diagnostic, Related, Report
from celery_lint.paths import shown
from celery_lint.reports import excerpts
from celery_lint.reports.colours import Paint, printable
from celery_lint.reports.summary import counted

# A helper may be reached from dozens of tasks: the first of them tell the story.
_MOST_RELATED = 6


def write(
    report: Report,
    stream: TextIO,
    *,
    colours: bool = False,
    buffers: Mapping[str, bytes | str] = {},
) -> None:
    """Write all diagnostics, a blank line after each; ``buffers`` is the unsaved text of some paths."""
    paint = Paint(colours)
    sources = excerpts.Sources(buffers)
    encoding = getattr(stream, "encoding", None) or excerpts.UNICODE
    for diagnostic in report.diagnostics:
        stream.writelines(f"{line}\n" for line in _lines(diagnostic, sources, paint, encoding))
        stream.write("\n")


def _lines(diagnostic: Diagnostic, sources: excerpts.Sources, paint: Paint, encoding: str) -> Iterator[str]:
    related = diagnostic.related[:_MOST_RELATED]
    margin = len(str(max(diagnostic.end_line, *(place.line for place in related), 1)))
    bar = f"{' ' * margin} {paint.frame('|')}"

    label = paint.severity(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    yield f"{label}: {paint.strong(printable(diagnostic.message))} ({diagnostic.name})"
    yield _location("-->", diagnostic, margin, paint)
    rows = _rows(diagnostic, sources, encoding)
    if rows:
        yield bar
    for row in rows:
        yield _row(row, margin, bar, diagnostic, paint)
    for place in related:
        if rows:
            yield bar
        yield _location(":::", place, margin, paint)
        rows = _related_rows(place, sources, encoding)
        if rows:
            yield bar
        for row in rows:
            yield _row(row, margin, bar, None, paint)
        if not rows:
            yield f"{' ' * margin} {paint.frame('=')} {paint.strong('note')}: {printable(place.message)}"
    if rows and (diagnostic.help or len(diagnostic.related) > len(related)):
        yield bar
    if len(diagnostic.related) > len(related):
        more = counted(len(diagnostic.related) - len(related), "more place")
        yield f"{' ' * margin} {paint.frame('=')} {paint.strong('note')}: and {more}"
    if diagnostic.help:
        yield f"{' ' * margin} {paint.frame('=')} {paint.strong('help')}: {printable(diagnostic.help)}"


def _location(arrow: str, place: Diagnostic | Related, margin: int, paint: Paint) -> str:
    return f"{' ' * margin}{paint.frame(arrow)} {printable(shown(place.path))}:{place.line}:{place.column}"


def _rows(diagnostic: Diagnostic, sources: excerpts.Sources, encoding: str) -> list[excerpts.Row]:
    lines = sources.lines(diagnostic.path, diagnostic.line, diagnostic.end_line)
    if not lines:
        return []
    if len(lines) == 1:
        start, end = diagnostic.column, diagnostic.end_column
        return excerpts.one_line(diagnostic.line, lines[0], start, end, "^", encoding=encoding)
    return excerpts.several_lines(
        diagnostic.line, lines, diagnostic.column, diagnostic.end_column, encoding=encoding
    )


def _related_rows(place: Related, sources: excerpts.Sources, encoding: str) -> list[excerpts.Row]:
    lines = sources.lines(place.path, place.line, place.line)
    if not lines:
        return []
    label = printable(place.message)
    return excerpts.one_line(
        place.line, lines[0], place.column, place.column + 1, "-", label, encoding=encoding
    )


def _row(row: excerpts.Row, margin: int, bar: str, diagnostic: Diagnostic | None, paint: Paint) -> str:
    start, end = row.marks
    marks = row.text[start:end]
    marks = paint.severity(marks, diagnostic.severity) if diagnostic else paint.frame(marks)
    text = f"{row.text[:start]}{marks}{row.text[end:]}"
    before = f"{paint.frame(str(row.number).rjust(margin))} {paint.frame('|')}" if row.number else bar
    return f"{before} {text}" if text else before

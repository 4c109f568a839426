"""Every diagnostic with its source: made to be read by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TextIO

from celery_lint.diagnostics import Diagnostic, Related, Report
from celery_lint.paths import shown
from celery_lint.reports import excerpts
from celery_lint.reports.colours import Paint, printable
from celery_lint.reports.summary import counted

# A helper may be reached from dozens of tasks: the first of them tell the story.
_MOST_RELATED = 6
_CONTEXT = 2
# One engine may break dozens of tasks: of more diagnostics with the same words the first tells all.
_SEPARATE = 3
_NAMED = 3
_LONGEST_LABEL = 50


def write(
    report: Report,
    stream: TextIO,
    *,
    colours: bool = False,
    buffers: Mapping[str, bytes | str] = {},
) -> None:
    """Write all diagnostics, a blank line after each; ``buffers`` is the unsaved text of some paths.

    Many with the same words and the same remedy are one, with the places of the others.
    """
    paint = Paint(colours)
    sources = excerpts.Sources(buffers)
    encoding = getattr(stream, "encoding", None) or excerpts.UNICODE
    alike: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for diagnostic in report.diagnostics:
        alike.setdefault((diagnostic.code, diagnostic.message, diagnostic.help), []).append(diagnostic)
    for diagnostic in report.diagnostics:
        first, *others = alike[diagnostic.code, diagnostic.message, diagnostic.help]
        if len(others) < _SEPARATE:
            others = []
        elif diagnostic is not first:
            continue
        lines = _lines(diagnostic, others, sources, paint, encoding)
        stream.writelines(f"{line}\n" for line in lines)
        stream.write("\n")


def _lines(
    diagnostic: Diagnostic,
    others: Sequence[Diagnostic],
    sources: excerpts.Sources,
    paint: Paint,
    encoding: str,
) -> Iterator[str]:
    related = diagnostic.related[:_MOST_RELATED]
    frames = list(_frames(diagnostic, related, sources, encoding))
    numbers = [row.number for frame in frames for row, _ in frame.rows]
    margin = len(str(max(diagnostic.end_line, *numbers, *(place.line for place in related), 1)))
    bar = f"{' ' * margin} {paint.frame('|')}"
    equals = f"{' ' * margin} {paint.frame('=')}"

    label = paint.severity(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    yield f"{label}: {paint.strong(printable(diagnostic.message))} ({diagnostic.name})"
    open_frame = False
    for frame in frames:
        if open_frame:
            yield bar
        yield _location("-->" if frame is frames[0] else ":::", frame.place, margin, paint)
        open_frame = bool(frame.rows)
        if open_frame:
            yield bar
        for row, of in frame.rows:
            yield _row(row, margin, bar, of, paint)
        if frame.note:
            yield f"{equals} {paint.strong('note')}: {printable(frame.note)}"
    if open_frame:
        yield bar
    if len(diagnostic.related) > len(related):
        more = counted(len(diagnostic.related) - len(related), "more place")
        yield f"{equals} {paint.strong('note')}: and {more}"
    if others:
        yield f"{equals} {paint.strong('note')}: {printable(_also(others))}"
    if diagnostic.help:
        yield f"{equals} {paint.strong('help')}: {printable(diagnostic.help)}"
    if diagnostic.code != "CEL999":
        yield f"{equals} {paint.strong('more')}: celery-lint rule {diagnostic.code}"


def _also(others: Sequence[Diagnostic]) -> str:
    """Where the same is said, too."""
    places = ", ".join(f"{shown(other.path)}:{other.line}" for other in others[:_NAMED])
    more = len(others) - _NAMED
    rest = f" and {counted(more, 'more place')} (--output-format concise lists them)" if more > 0 else ""
    return f"the same at {places}{rest}"


class _Frame(NamedTuple):
    """Rows of one file, below its path. Where nothing can be read, a note says what is there."""

    place: Diagnostic | Related
    rows: list[tuple[excerpts.Row, Diagnostic | None]]
    note: str = ""


def _frames(
    diagnostic: Diagnostic, related: Sequence[Related], sources: excerpts.Sources, encoding: str
) -> Iterator[_Frame]:
    """The diagnostic's own file first; what the other places are in the same file stands in the same frame.

    A diagnostic over several lines has a frame to itself.
    """
    by_path: dict[str, list[Related]] = {diagnostic.path: []}
    for place in related:
        by_path.setdefault(place.path, []).append(place)
    lines = sources.lines(diagnostic.path, diagnostic.line, diagnostic.end_line)
    alone = len(lines) != 1
    if alone:
        start, end = diagnostic.column, diagnostic.end_column
        rows = excerpts.several_lines(diagnostic.line, lines, start, end, encoding=encoding) if lines else []
        yield _Frame(diagnostic, [(row, diagnostic) for row in rows])
    for path, places in by_path.items():
        own = path == diagnostic.path and not alone
        read = [place for place in places if sources.lines(path, place.line, place.line)]
        if own or read:
            main = diagnostic if own else None
            yield _Frame(main or read[0], list(_rows(main, path, read, sources, encoding)))
        for place in places:
            if place not in read:
                yield _Frame(place, [], place.message)


def _rows(
    main: Diagnostic | None, path: str, places: Sequence[Related], sources: excerpts.Sources, encoding: str
) -> Iterator[tuple[excerpts.Row, Diagnostic | None]]:
    """The lines of a file with the marks below them; around that of the diagnostic, two more on each side."""
    marks: dict[int, list[tuple[int, int, str, str]]] = {}
    for place in places:
        label = printable(place.message)
        marks.setdefault(place.line, []).append((place.column, place.column + 1, "-", label))
    around: set[int] = set()
    if main is not None:
        label = printable(_cause(main.message)) if places else ""
        marks.setdefault(main.line, []).insert(0, (main.column, main.end_column, "^", label))
        around.update(_around(main.line, path, sources))
    last = 0
    for number in sorted({*marks, *around}):
        read = sources.lines(path, number, number)
        if not read:
            continue
        if last and number > last + 1:
            yield excerpts.Row(0, "..."), None
        shown = ""
        for start, end, sign, label in marks.get(number) or [(1, 1, "", "")]:
            line, below = excerpts.one_line(number, read[0], start, end, sign, label, encoding)
            if line.text != shown or not shown:
                yield line, None
            shown = line.text
            if sign:
                yield below, main if sign == "^" else None
        last = number


def _cause(message: str) -> str:
    """What a message says before its consequence, for the mark of the diagnostic among others.

    Nothing where that is long, or all of the message, which stands above.
    """
    end = message.find(": ")
    while end >= 0 and message.count("`", 0, end) % 2:  # within code
        end = message.find(": ", end + 1)
    return message[: max(end, 0)] if end <= _LONGEST_LABEL else ""


def _around(line: int, path: str, sources: excerpts.Sources) -> Iterator[int]:
    """The lines around one, without blank ones at the ends."""
    above = sources.lines(path, max(line - _CONTEXT, 1), line - 1) if line > 1 else []
    below = sources.lines(path, line + 1, line + _CONTEXT)
    while above and not above[0].strip():
        del above[0]
    while below and not below[-1].strip():
        del below[-1]
    yield from range(line - len(above), line + len(below) + 1)


def _location(arrow: str, place: Diagnostic | Related, margin: int, paint: Paint) -> str:
    return f"{' ' * margin}{paint.frame(arrow)} {printable(shown(place.path))}:{place.line}:{place.column}"


def _row(row: excerpts.Row, margin: int, bar: str, diagnostic: Diagnostic | None, paint: Paint) -> str:
    start, end = row.marks
    marks = row.text[start:end]
    marks = paint.severity(marks, diagnostic.severity) if diagnostic else paint.frame(marks)
    text = f"{row.text[:start]}{marks}{row.text[end:]}"
    before = f"{paint.frame(str(row.number).rjust(margin))} {paint.frame('|')}" if row.number else bar
    return f"{before} {text}" if text else before

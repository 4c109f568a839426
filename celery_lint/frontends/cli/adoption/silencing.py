"""``celery-lint check --add-noqa``: a comment for each diagnostic, ``# celery-lint: ignore[CEL110]``.

Files are edited as bytes, and only where the comment is one for Python too and the program stays the same:
the edited text must parse to the same tree. Encoding, line ends and everything else stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic
from celery_lint.frontends.cli.writing import rewrite
from celery_lint.model.comments import OWN
from celery_lint.model.reading.comments import joined_lines
from celery_lint.source import NotParsed, Source, read

_OURS = re.compile(rf"{OWN} ?ignore\[[^]]+\]")
_LONGEST = 100  # a longer line gets its comment above it


class Silenced(NamedTuple):
    """What was done: how many comments in how many files, and the diagnostics for which there is no place."""

    comments: int
    files: int
    left: list[Diagnostic]


def silence(diagnostics: Iterable[Diagnostic]) -> Silenced:
    """Add the comments; raises UsageError for a file that cannot be written."""
    by_file: dict[str, list[Diagnostic]] = {}
    for found in diagnostics:
        by_file.setdefault(found.path, []).append(found)
    comments, files = 0, 0
    left: list[Diagnostic] = []
    for path, found_there in sorted(by_file.items()):
        # What is wrong with a comment is not mended by another one.
        own = [d for d in found_there if path.endswith(".py") and d.code[:4] != "CEL0" and d.code != "CEL999"]
        data = edited = b""
        try:
            data = read(path)
            edited, number = silenced(path, data, own)
        except NotParsed:
            number = 0
        if not number:
            left += found_there
            continue
        rewrite(path, data, edited)
        left += [found for found in found_there if found not in own]
        comments, files = comments + number, files + 1
    return Silenced(comments, files, left)


def silenced(path: str, data: bytes, diagnostics: Iterable[Diagnostic]) -> tuple[bytes, int]:
    """The text of a file with comments for these diagnostics, and their number; 0 if there is no place.

    Raises NotParsed for a text that cannot be parsed.
    """
    before = Source(path, data)
    codes: dict[tuple[int, int], set[str]] = {}
    ranges: dict[int, tuple[int, int]] = {}
    ours: set[int] = set()  # the lines with a comment of ours
    for first, last, has_code, comments in joined_lines(before):
        ours.update(line for line, _, text in comments if _OURS.search(text))
        if has_code:
            ranges.update(dict.fromkeys(range(first, last + 1), (first, last)))
    for found in diagnostics:
        if found.line not in ranges:
            return data, 0
        codes.setdefault(ranges[found.line], set()).add(found.code)
    lines = re.split(rb"(\r\n|\r|\n)", data)  # line, end, line, end …
    for (first, last), wanted in sorted(codes.items(), reverse=True):  # from below: numbers stay
        _add(lines, first, last, sorted(wanted), ours)
    after = b"".join(lines)
    if not _same_program(before, path, after):
        return data, 0
    return after, len(codes)


def _add(lines: list[bytes], first: int, last: int, codes: list[str], ours: set[int]) -> None:
    at = 2 * (last - 1)
    for number in (last, first - 1):  # one of ours that is there already, behind or above
        line = lines[2 * (number - 1)] if number in ours else b""
        if line and (number == last or line.lstrip().startswith(b"#")):
            end = line.index(b"]", line.rfind(OWN.encode()))
            lines[2 * (number - 1)] = line[:end] + f", {', '.join(codes)}".encode() + line[end:]
            return
    comment = f"# {OWN} ignore[{', '.join(codes)}]".encode()
    if len(lines[at].rstrip()) + len(comment) + 2 <= _LONGEST or first == 1:
        lines[at] = lines[at].rstrip(b" \t") + b"  " + comment
        return
    at = 2 * (first - 1)
    indentation = lines[at][: len(lines[at]) - len(lines[at].lstrip(b" \t\f"))]
    lines[at] = indentation + comment + lines[at - 1] + lines[at]


def _same_program(before: Source, path: str, data: bytes) -> bool:
    import ast

    try:
        return ast.dump(before.parse()) == ast.dump(Source(path, data).parse())
    except (NotParsed, RecursionError):
        return False

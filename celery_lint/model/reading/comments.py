"""Finding the comments that may silence rules.

Comments for flake8 are found as flake8 finds them, by the text of lines. Those for this linter are comments
for Python too: what stands in a text, such as an example in a docstring, is none.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from celery_lint.model.comments import OWN, Comment
from celery_lint.source import Source

_FOR_FILES = "ignore-file"

_LIMIT = re.compile(r"""(?:[\w.]+[.\[])?["']?(\w*time_limit)(?:["']\]?\s*[=:]|\s*=)\s*[\w(]""", re.IGNORECASE)
# Nobody takes out more than this on one line.
_LONGEST = 300


def comments_of(source: Source, tree: ast.Module) -> tuple[Comment, ...]:
    """The comments of a file that may silence rules, in order."""
    text = source.text
    noqa = [] if "noqa" not in text.lower() else list(_noqa(source))
    if OWN not in text:
        ranges = _ranges(source, tree, [line for line, _ in noqa if _may_be_joined(source, line)])
        return tuple(
            _for_flake8(source, line, index, *ranges.get(line, (line, line))) for line, index in noqa
        )
    return tuple(sorted(_with_ranges(source, noqa), key=lambda comment: comment[1:3]))


def _noqa(source: Source) -> Iterator[tuple[int, int]]:
    """Line and index of the first ``#`` of the lines with ``noqa``."""
    for number, line in enumerate(source.lines, 1):
        if "#" in line and "noqa" in line.lower():
            yield number, line.index("#")


def _for_flake8(source: Source, line: int, index: int, first: int, last: int) -> Comment:
    text = source.line(line)
    comment = text[index:]
    if _is_for_the_file(comment) and not text[:index].strip():
        first = last = 0
    return Comment(comment, line, index + 1, first, last, False)


def _is_for_the_file(comment: str) -> bool:
    """Whether flake8 would leave out a whole file for a comment that has a line to itself."""
    return comment[:9].lower() in ("# flake8:", "# flake8=") and comment[9:].lstrip()[:4].lower() == "noqa"


def _may_be_joined(source: Source, line: int) -> bool:
    """Whether more lines than its own may belong to a comment: only then tokens are looked at."""
    text = source.line(line)
    return source.line(line - 1).endswith("\\") or '"""' in text or "'''" in text


def _ranges(source: Source, tree: ast.Module, lines: list[int]) -> dict[int, tuple[int, int]]:
    """The first and the last of the lines that are joined with each of these, where there are more.

    To look at the tokens of the innermost statements costs far less than to look at those of the whole file.
    """
    ranges: dict[int, tuple[int, int]] = {}
    pending: list[tuple[int, int, list[Any], list[int]]] = [(1, 0, tree.body, lines)] if lines else []
    while pending:
        start, end, inner, wanted = pending.pop()
        left = set(wanted)
        for first, last, nodes in _stretches(inner):
            inside = wanted[bisect_left(wanted, first) : bisect_right(wanted, last)]
            if inside:
                left.difference_update(inside)
                pending.append(
                    (first, last, [child for node in nodes for child in _statements(node)], inside)
                )
        for first, last, _, _ in joined_lines(source, start, end) if left else ():
            if first != last:
                ranges.update(dict.fromkeys(left.intersection(range(first, last + 1)), (first, last)))
    return ranges


def _stretches(statements: list[Any]) -> Iterator[tuple[int, int, list[Any]]]:
    """The lines of statements, those as one that share a line: ``x = 1; y = 2``."""
    first, last, nodes = 0, 0, list[Any]()
    for node in statements:
        start = _first(node)
        if nodes and start > last:
            yield first, last, nodes
            nodes = []
        first = first if nodes else start
        last = max(last, node.end_lineno)
        nodes.append(node)
    if nodes:
        yield first, last, nodes


def _first(node: Any) -> int:
    """The line where a statement begins, with its decorators."""
    decorators = getattr(node, "decorator_list", None)
    first: int = (decorators[0] if decorators else node).lineno
    return first


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements directly in a compound one; those in its handlers and cases too."""
    for name in ("body", "handlers", "orelse", "finalbody"):
        yield from getattr(node, name, ())
    for case in getattr(node, "cases", ()):
        yield from case.body


def _with_ranges(source: Source, noqa: list[tuple[int, int]]) -> Iterator[Comment]:
    """All comments, each with the lines that it holds for.

    A comment of ours that has a line to itself holds for the next line of code.
    """
    lines_of: dict[int, tuple[int, int]] = {}  # by each line that is joined with others
    pending: list[tuple[int, int, str]] = []
    for first, last, has_code, comments in joined_lines(source):
        if first != last:
            lines_of.update(dict.fromkeys(range(first, last + 1), (first, last)))
        ours = [comment for comment in comments if OWN in comment[2]]
        for line, column, text in [comment for comment in ours if _is_for_files(comment[2])]:
            yield Comment(text, line, column, 0, 0, True)
        pending += [comment for comment in ours if not _is_for_files(comment[2])]
        if has_code:
            for line, column, text in pending:
                yield Comment(text, line, column, first, last, True)
            pending = []
    for line, column, text in pending:  # below the last line of code
        yield Comment(text, line, column, line, line, True)
    for line, index in noqa:
        yield _for_flake8(source, line, index, *lines_of.get(line, (line, line)))


def _is_for_files(text: str) -> bool:
    return text[text.index(OWN) + len(OWN) :].lstrip().startswith(_FOR_FILES)


def joined_lines(
    source: Source, start: int = 1, end: int | None = None
) -> Iterator[tuple[int, int, bool, list[tuple[int, int, str]]]]:
    """The lines of a file, those as one that a backslash or a text over several lines joins.

    Of the whole file, or from the first to the last line of a statement.
    Yields the first and the last line, whether there is code, and the comments: line, column and text.
    Nothing comes of what the tokenizer does not understand.
    """
    import tokenize  # here, because few files need it

    formatted = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "TSTRING_START", -1)
    ends = getattr(tokenize, "FSTRING_END", -1), getattr(tokenize, "TSTRING_END", -1)
    code = False
    first = depth = 0
    comments: list[tuple[int, int, str]] = []
    reader = iter([f"{line}\n" for line in source.lines[start - 1 : end]])
    before = start - 1
    try:
        for token in tokenize.generate_tokens(lambda: next(reader, "")):
            kind = token.type
            if kind in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                continue
            line = token.start[0] + before
            first = first or line
            # Since Python 3.12 a formatted text is many tokens, with line ends of its own.
            depth += (kind in formatted) - (kind in ends)
            if kind in (tokenize.NL, tokenize.NEWLINE) and not depth:
                yield first, line, code, comments
                first, code, comments = 0, False, []
            elif kind == tokenize.COMMENT:
                comments.append((line, token.start[1] + 1, token.string))
            else:
                code = True
    except (tokenize.TokenError, SyntaxError):
        return


def commented_limits(text: str) -> Iterator[str]:
    """The time limits that somebody took out: settings, items, keywords. Prose about one has no value."""
    if "time_limit" not in text and "TIME_LIMIT" not in text:
        return
    for line in text.split("\n"):
        _, mark, comment = line.partition("#")
        if mark and "time_limit" in comment.lower():
            found = _LIMIT.match(comment.lstrip("# \t")[:_LONGEST])
            if found is not None:
                yield found[1]

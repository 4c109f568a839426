"""A text with its syntax tree, and small edits between them.

An edit touches no more than it must: what it does not replace, comments and layout among it, stays.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from celery_lint.diagnostics import Span
from celery_lint.source import Source

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"#[^\r\n]*")
#: What has a place in the text.
Node = ast.expr | ast.stmt | ast.keyword | ast.alias | ast.excepthandler
_Kind = TypeVar("_Kind", bound=ast.AST)

#: What a rule gives to the one that makes its edit.
Words = tuple[str, ...]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Edit(NamedTuple):
    """Characters from ``start`` up to ``end``, counted from the beginning, and the text in their place."""

    start: int
    end: int
    text: str


class Text:
    """The text of a file. Raises ``NotParsed`` where there is no syntax tree."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self._source = source
        self.tree = source.parse()
        self._lines = list(_starts(source.text))
        self._parents: dict[ast.AST, ast.AST] = {}
        self._nodes: dict[type[ast.AST], list[ast.AST]] = {}
        self._by_line: dict[int, list[Node]] = {}
        for node in ast.walk(self.tree):
            self._nodes.setdefault(type(node), []).append(node)
            if isinstance(node, (ast.expr, ast.stmt, ast.keyword)):
                self._by_line.setdefault(node.lineno, []).append(node)
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        """The nodes of this very class, from above."""
        return self._nodes.get(kind, [])  # type: ignore[return-value]

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """All imports, wherever they stand."""
        return [*self.all(ast.Import), *self.all(ast.ImportFrom)]

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The functions that have a name."""
        return [*self.all(ast.FunctionDef), *self.all(ast.AsyncFunctionDef)]

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that anything but an import gives a meaning; ``*`` if an import gives any."""
        names = {node.id for node in self.all(ast.Name) if not isinstance(node.ctx, ast.Load)}
        names.update(node.name for node in (*self.functions, *self.all(ast.ClassDef)))
        names.update(node.arg for node in self.all(ast.arg))
        names.update(node.name for node in self.all(ast.ExceptHandler) if node.name)
        names.update(node.name for node in self.all(ast.MatchAs) if node.name)
        names.update(node.name for node in self.all(ast.MatchStar) if node.name)
        names.update(name for node in self.all(ast.Global) for name in node.names)
        names.update(name for node in self.all(ast.Nonlocal) for name in node.names)
        names.update("*" for node in self.all(ast.ImportFrom) for alias in node.names if alias.name == "*")
        return frozenset(names)

    # ------------------------------------------------------------------ places

    def start(self, node: Node) -> int:
        """Where a node begins."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: Node) -> int:
        """Where a node ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._lines[line - 1] + self._source.column(line, column) - 1

    def span(self, edit: Edit) -> Span:
        """The stretch that an edit replaces."""
        first, last = self._position(edit.start), self._position(edit.end)
        return Span(*first, *last)

    def stretch(self, span: Span) -> tuple[int, int]:
        """Where a span begins and ends."""
        start = self._lines[span.line - 1] + span.column - 1
        return start, self._lines[span.end_line - 1] + span.end_column - 1

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def at(self, span: Span) -> Iterator[Node]:
        """The nodes that begin and end where a span does, the outer one first."""
        if span.end_line > len(self._lines):  # of another text
            return
        first, last = self.stretch(span)
        for node in self._by_line.get(span.line, ()):
            if (self.start(node), self.end(node)) == (first, last):
                yield node

    def call(self, span: Span) -> ast.Call | None:
        """The call that a span is."""
        return next((node for node in self.at(span) if isinstance(node, ast.Call)), None)

    def expression(self, span: Span) -> ast.expr | None:
        """The expression that a span is."""
        return next((node for node in self.at(span) if isinstance(node, ast.expr)), None)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """What a node is a part of."""
        return self._parents.get(node)

    def function_around(self, node: ast.AST) -> ast.AST | None:
        """The innermost function, lambda or class that a node is a part of; None at the top of the module."""
        around = self.parent(node)
        while around is not None and not isinstance(around, _SCOPES):
            around = self.parent(around)
        return around

    # ------------------------------------------------------------------ edits

    def replaced(self, node: Node, text: str) -> Edit:
        """Another text in the place of a node."""
        return Edit(self.start(node), self.end(node), text)

    def before(self, node: Node, text: str) -> Edit:
        """A text right before a node."""
        return Edit(self.start(node), self.start(node), text)

    def after(self, node: Node, text: str) -> Edit:
        """A text right after a node."""
        return Edit(self.end(node), self.end(node), text)

    def attribute(self, node: ast.Attribute, name: str) -> Edit:
        """Another name for an attribute."""
        end = self.end(node)
        return Edit(end - len(node.attr), end, name)

    def keyword(self, node: ast.keyword, name: str) -> Edit:
        """Another name for a keyword."""
        start = self.start(node)
        return Edit(start, start + len(node.arg or ""), name)

    def line_before(self, node: Node, lines: str) -> Edit:
        """Lines before that of a statement or a handler, which stands first in its own, as deep as it is.

        What follows a line end in ``lines`` is as deep as it says, beyond that.
        """
        start = self.start(node)
        indent = self.text[self._lines[node.lineno - 1] : start]
        end = "\r\n" if "\r\n" in self.text else "\n"
        return Edit(start, start, "".join(f"{line}{end}{indent}" for line in lines.splitlines()))

    def line_after(self, node: ast.stmt, lines: str) -> Edit | None:
        """Lines after that of a statement of the module; none where another one follows in the same line."""
        found = _LINE_END.search(self.text, self.end(node))
        end = found.start() if found else len(self.text)
        if _COMMENT.sub("", self.text[self.end(node) : end]).strip():
            return None
        line_end = found[0] if found else "\n"
        return Edit(end, end, "".join(f"{line_end}{line}" for line in lines.splitlines()))

    def argument(self, call: ast.Call, text: str) -> Edit | None:
        """One more argument at the end of a call; none where the text after the last one is not plain."""
        names = {part.partition("=")[0].strip() for part in text.split(",")}
        if any(keyword.arg is None or keyword.arg in names for keyword in call.keywords):
            return None
        end = self.end(call) - 1  # the parenthesis
        given: list[Node] = [*call.args, *call.keywords]
        last = max((self.end(node) for node in given), default=self.end(call.func))
        between = _COMMENT.sub("", self.text[last:end]).strip()
        if not given:
            return Edit(end, end, text) if between == "(" else None
        if between == "":
            return Edit(last, last, f", {text}")
        if between != ",":
            return None
        comma = self.text.index(",", last) + 1
        line_end = _LINE_END.search(self.text, comma, end)
        if line_end is None:
            return Edit(comma, comma, f" {text}")
        first = self.start(max(given, key=self.start))
        column = first - max(self.text.rfind("\n", 0, first), self.text.rfind("\r", 0, first)) - 1
        return Edit(line_end.start(), line_end.start(), f"{line_end[0]}{' ' * column}{text},")

    def tuple_of(self, node: ast.expr, opening: int) -> Iterator[Edit]:
        """The tuple that holds an expression alone; ``opening``: where the text before the expression begins.

        The expression's own parentheses become those of the tuple.
        """
        start, end = self.start(node), self.end(node)
        behind = len(self.text[end:]) - len(self.text[end:].lstrip(" \t"))
        if self.text[opening:start].strip(" \t") == "(" and self.text[end + behind : end + behind + 1] == ")":
            yield Edit(end, end, ",")
        elif not self.text[opening:start].strip(" \t"):
            yield Edit(start, start, "(")
            yield Edit(end, end, ",)")


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits that do not overlap."""
    parts: list[str] = []
    position = 0
    for start, end, new in sorted(edits):
        parts += (text[position:start], new)
        position = end
    return "".join([*parts, text[position:]])


def compiles(text: str) -> bool:
    """Whether Python takes a text: its syntax tree alone does not tell of a keyword that stands twice."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def overlap(edits: Iterable[Edit], others: Iterable[Edit]) -> bool:
    """Whether edits touch a stretch that others touch, too."""
    ours, theirs = _stretch(edits), _stretch(others)
    return any(start <= last and first <= end for start, end in ours for first, last in theirs)


def _stretch(edits: Iterable[Edit]) -> list[tuple[int, int]]:
    return [(edit.start, edit.end) for edit in edits]


def _starts(text: str) -> Iterator[int]:
    """Where the lines begin, split where the parser does."""
    yield 0
    for found in _LINE_END.finditer(text):
        yield found.end()

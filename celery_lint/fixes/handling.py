"""Edits of what is done about exceptions: a handler that lets one pass, a name that is bound before."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.fixes.imports import imported
from celery_lint.fixes.text import Edit, Text, Words


def let_pass(text: Text, _: Span, words: Words) -> Iterator[Edit]:
    """``except Retry: raise`` before the handler in a line, for an exception of a module."""
    module, name, line = words
    found = [node for node in text.all(ast.ExceptHandler) if node.lineno == int(line)]
    exception = imported(text, module, name)
    if len(found) != 1 or exception is None:
        return
    (handler,) = found
    depth = handler.body[0].col_offset - handler.col_offset
    indent = " " * depth if handler.body[0].lineno > handler.lineno else "    "
    yield from exception.edits
    yield text.line_before(handler, f"except {exception.spelled}:\n{indent}raise")


def bound_before(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """``name = None`` before the ``try`` that has something in a line, where ``None`` may be read."""
    name, line = words
    reads = [
        node
        for statement in text.at(span)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name
    ]
    if not reads or not all(_may_be_none(text, node) for node in reads):
        return
    within = [
        node
        for node in _tries(text)
        if int(line) in [*(each.lineno for each in node.body), *(each.lineno for each in node.handlers)]
    ]
    if len(within) == 1:
        yield text.line_before(within[0], f"{name} = None")


def _tries(text: Text) -> Iterator[ast.Try]:
    yield from text.all(ast.Try)
    if sys.version_info >= (3, 11):
        yield from text.all(ast.TryStar)


_HOLDING = (ast.Return, ast.Tuple, ast.List, ast.Dict, ast.FormattedValue, ast.JoinedStr, ast.Expr)
_TELLING = ("print", "debug", "info", "warning", "error", "exception", "critical", "log")


def _may_be_none(text: Text, name: ast.AST) -> bool:
    """Whether a name is only handed on: returned, or told to a log or a reader."""
    node = text.parent(name)
    while isinstance(node, _HOLDING) or (isinstance(node, ast.Call) and _leaf(node) in _TELLING):
        if isinstance(node, (ast.Return, ast.Expr)):
            return True
        node = text.parent(node)
    return False


def _leaf(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""

"""What the parser takes and the compiler refuses, in every version of Python.

``ast.parse`` knows the grammar only. To compile each tree besides would take more than half the time that
parsing it takes, so the few refusals that stand in a single place are looked for here. An ``await`` in a
plain function is a fact of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery_lint.diagnostics import Span
from celery_lint.model.reading.scopes import Scope
from celery_lint.model.steps import Refused

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Statements and expressions that need a function around them.
_WITHIN = {
    ast.Return: "return",
    ast.Nonlocal: "nonlocal",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Await: "await",
    ast.AsyncFor: "async for",
    ast.AsyncWith: "async with",
}
_MOST = 4


def refused_in(
    tree: ast.Module, text: str, scopes: Iterable[Scope], span: Callable[[Any], Span]
) -> tuple[Refused, ...]:
    """The first things that the compiler refuses in a module.

    Their kind is ``keyword`` or ``parameter`` for a second of that name, ``function`` or ``loop`` for a
    statement of that name in none, ``late`` for an import from the future.
    """
    found = [*_around(tree)]
    ends = "break" in text or "continue" in text
    for scope in scopes:
        found += _repeated(scope)
        if ends and scope.steps:
            found += _beside_loops(scope)
    refused = [Refused(kind, name, span(node)) for kind, name, node in found]
    return tuple(sorted(refused, key=lambda each: each.span)[:_MOST])


def _repeated(scope: Scope) -> Iterator[tuple[str, str, ast.AST]]:
    """Keywords that a call gives twice, and parameters of one name."""
    for record in scope.calls:
        node = record.node
        if len(node.keywords) > 1:
            seen: set[str] = set()
            for keyword in node.keywords:
                name = keyword.arg
                if name is None:
                    continue
                if name in seen:
                    yield "keyword", name, keyword
                seen.add(name)
    if scope.kind == "function":
        arguments: ast.arguments = scope.node.args  # type: ignore[attr-defined]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        names = [each.arg for each in every]
        if len(set(names)) < len(names):
            yield next(("parameter", name, every[at]) for at, name in enumerate(names) if name in names[:at])


def _around(tree: ast.Module) -> Iterator[tuple[str, str, ast.AST]]:
    """What stands outside of functions and may not, and imports from the future that come too late."""
    pending: list[tuple[Any, bool]] = [(node, False) for node in reversed(tree.body)]
    while pending:
        node, in_loop = pending.pop()
        kind = type(node)
        if kind in _DEFINITIONS:
            continue
        value = getattr(node, "value", None) if kind in (ast.Expr, ast.Assign, ast.AnnAssign) else None
        for needing in (node, value):
            if needing is not None and type(needing) in _WITHIN:
                yield "function", _WITHIN[type(needing)], needing
        if kind in (ast.Break, ast.Continue) and not in_loop:
            yield "loop", kind.__name__.lower(), node
        for block in _BLOCKS:
            inside = kind in _LOOPS and block == "body"
            within = inside or (in_loop and kind is not ast.ClassDef)
            pending += [(each, within) for each in reversed(getattr(node, block, ()))]
    yield from _late(tree)


def _late(tree: ast.Module) -> Iterator[tuple[str, str, ast.AST]]:
    begun = False
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and not node.level:
            if begun:
                yield "late", "from __future__", node
                return
        elif number or not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            begun = True


def _beside_loops(scope: Scope) -> Iterator[tuple[str, str, ast.AST]]:
    """Where a function leaves or repeats a loop that it is not in."""
    for record in scope.steps:
        kind = type(record.node)
        if kind is not ast.Break and kind is not ast.Continue:
            continue
        inner = record
        while inner.parent >= 0:
            outer = scope.steps[inner.parent]
            if isinstance(outer.node, _LOOPS) and inner.role != "else":
                break
            inner = outer
        else:
            yield "loop", kind.__name__.lower(), record.node

"""Edits of calls: what is sent, when, and what is awaited."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.fixes.imports import imported
from celery_lint.fixes.text import Edit, Text, Words


def sent(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """A signature that is a statement as ``signature.delay()``."""
    for node in text.at(span):
        if isinstance(text.parent(node), ast.Expr) and isinstance(node, (ast.Call, ast.BinOp)):
            if isinstance(node, ast.BinOp) and text.text[text.end(node) : text.end(node) + 1] != ")":
                yield text.before(node, "(")
                yield text.after(node, ").delay()")
            elif isinstance(node, ast.Call):
                yield text.after(node, ".delay()")
            return


def immutable(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``task.s(x)`` as ``task.si(x)``."""
    call = text.call(span)
    if call is not None and isinstance(call.func, ast.Attribute) and call.func.attr == "s":
        yield text.attribute(call.func, "si")


def awaited(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """A call as ``await`` of it, where it is a statement in a coroutine."""
    call = text.call(span)
    if (
        call is not None
        and isinstance(text.parent(call), ast.Expr)
        and isinstance(text.function_around(call), ast.AsyncFunctionDef)
    ):
        yield text.before(call, "await ")


def after_commit(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``task.delay(x)`` as ``transaction.on_commit(partial(task.delay, x))``, in the one database."""
    call = text.call(span)
    transaction = imported(text, "django.db", "transaction", add=False)
    if call is None or transaction is None or not isinstance(text.parent(call), ast.Expr):
        return
    if "using=" in text.text or isinstance(text.function_around(call), ast.Lambda):
        return  # the transaction may be one of another database
    opening = f"{transaction.spelled}.on_commit("
    end = text.end(call.func)
    parenthesis = text.text.index("(", end) + 1
    if text.text[end:parenthesis] != "(":
        return
    if not call.args and not call.keywords:
        yield text.before(call, opening)
        yield Edit(end, text.end(call), ")")
        return
    partial = imported(text, "functools", "partial")
    if partial is None:
        return
    first = text.text[parenthesis]
    yield from partial.edits
    yield text.before(call, f"{opening}{partial.spelled}(")
    yield Edit(end, parenthesis, "," if first.isspace() else ", ")
    yield text.after(call, ")")


_LOCAL = ("now", "today")


def in_utc(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``datetime.now() + x`` as ``datetime.now(timezone.utc) + x``; what else is asked of it may be local."""
    node = text.expression(span)
    while isinstance(node, ast.BinOp):
        node = node.left
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    owner = node.func.value
    if node.func.attr not in _LOCAL or node.args or node.keywords:
        return
    if isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.attr == "datetime":
        zone = f"{owner.value.id}.timezone.utc"
    else:
        timezone = imported(text, "datetime", "timezone") if isinstance(owner, ast.Name) else None
        if timezone is None:
            return
        zone = f"{timezone.spelled}.utc"
        yield from timezone.edits
    yield text.attribute(node.func, "now")
    end = text.end(node) - 1
    if text.text[text.end(node.func) : end] == "(":
        yield Edit(end, end, zone)

"""Which columns a statement of a database asks for and what it sets there, as keywords of Django say it.

``where(Job.status == "new", Job.owner.is_(None))`` asks as ``filter(status="new", owner__isnull=True)``
does, and ``update({Job.status: "begun"})`` sets what ``update(status="begun")`` does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

_ASKING = frozenset({"aget", "exclude", "filter", "filter_by", "get", "where"})
_SETTING = frozenset({"aupdate", "update", "values"})
_ENDING = frozenset({"afirst", "aget", "first", "get", "last", "one", "one_or_none", "where"}) | _SETTING
_LOOKUPS: dict[type, str] = {ast.Eq: "", ast.NotEq: "__ne", ast.Is: "", ast.IsNot: "__ne"}
_METHODS = {"in_": "__in", "is_": "", "is_not": "__ne", "isnot": "__ne"}
_JOINED = frozenset({"and_", "Q"})
_MOST = 8


def columns(node: ast.Call, described: Callable[[ast.expr], str]) -> list[str]:
    """What a call asks for, and sets, besides its own keywords: ``@?status__in:'new``, ``@=status:'begun``.

    Of a list that is asked for there is one for each item. What it asks for stands in the calls that it is
    made of, too: ``filter(status="new").update(…)``. ``described`` makes an argument of an expression.
    """
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name not in _ENDING:
        return []
    words: list[str] = []
    if name in _SETTING and node.args and isinstance(node.args[0], ast.Dict):
        given = node.args[0]
        pairs = zip(given.keys, given.values, strict=True)
        items = [(_column(key), value) for key, value in pairs if key is not None]
        words += [f"@={column}:{described(value)}" for column, value in items[: 2 * _MOST] if column]
    current: ast.expr = node
    while isinstance(current, ast.Call) and isinstance(current.func, ast.Attribute):
        if current.func.attr in _ASKING and (current.args or current.keywords):
            for column, value in _asked(current, current is node):
                word = described(value) if isinstance(value, (ast.Attribute, ast.Constant, ast.Name)) else "?"
                if word[:2] != "=%" and len(words) < 3 * _MOST:  # a variable may hold anything
                    words.append(f"@?{column}:{word}")
        current = current.func.value
    return words


def _asked(node: ast.Call, is_told: bool) -> Iterator[tuple[str, ast.expr]]:
    """The columns that conditions name, with how they ask, and what each is compared with.

    ``is_told``: the keywords of the call are known besides.
    """
    excluded = isinstance(node.func, ast.Attribute) and node.func.attr == "exclude"
    for keyword in node.keywords:
        if keyword.arg is None or (excluded and len(node.keywords) + len(node.args) > 1):
            continue
        if keyword.arg.endswith("__in"):
            yield from _listed(
                keyword.arg.removesuffix("__in"), keyword.value, "__ne" if excluded else "__in"
            )
        elif excluded:
            yield f"{keyword.arg}__ne", keyword.value
        elif not is_told:
            yield keyword.arg, keyword.value
    if excluded:
        return
    pending = list(node.args[:_MOST])
    while pending:
        given = pending.pop(0)
        if isinstance(given, ast.Compare) and len(given.ops) == 1:
            lookup, column = _LOOKUPS.get(type(given.ops[0])), _column(given.left)
            if lookup is not None and column:
                yield column + lookup, given.comparators[0]
        elif isinstance(given, ast.BinOp) and isinstance(given.op, ast.BitAnd):
            pending += [given.left, given.right]
        elif isinstance(given, ast.Call):
            called = given.func
            leaf = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if leaf in _JOINED:
                pending += given.args
                yield from ((each.arg, each.value) for each in given.keywords if each.arg is not None)
            elif leaf in _METHODS and isinstance(called, ast.Attribute) and len(given.args) == 1:
                column, lookup = _column(called.value), _METHODS[leaf]
                if column and leaf == "in_":
                    yield from _listed(column, given.args[0], lookup)
                elif column:
                    yield column + lookup, given.args[0]


def _listed(column: str, value: ast.expr, lookup: str) -> Iterator[tuple[str, ast.expr]]:
    """One for each item; ``__among`` for the name of a list."""
    if isinstance(value, (ast.List, ast.Set, ast.Tuple)):
        yield from ((column + lookup, item) for item in value.elts)
    elif lookup == "__in":
        yield f"{column}__among", value


def _column(node: ast.expr) -> str:
    """The column that an expression names: ``Job.status``, ``jobs.c.status``, ``"status"``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        return node.value
    return node.attr if isinstance(node, ast.Attribute) else ""

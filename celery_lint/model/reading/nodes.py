"""Which children of a syntax node are worth a visit.

The walk itself is a loop with a stack of its own (``celery_lint.model.reading.collector``): recursion dies
at a sum of 500 terms, and ``ast.NodeVisitor`` costs five times as much.
"""

from __future__ import annotations

import ast

_SKIPPED_FIELDS = {"ctx", "op", "ops", "type_comment", "kind", "conversion", "lineno", "level", "type_params"}
_LEAVES = (
    ast.Constant,
    ast.Pass,
    ast.Break,
    ast.Continue,
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.boolop,
    ast.cmpop,
    ast.alias,
    ast.arg,
    ast.Nonlocal,
    ast.Name,
)
# Most of a tree is names and constants; leaving them out halves the walk.
UNVISITED = frozenset({ast.Constant, ast.Name})
# Builtins that ask what they are given for its items.
COUNTING = frozenset(
    {"len", "list", "tuple", "set", "dict", "sorted", "iter", "enumerate", "sum", "max", "min"}
)
# Builtins that look at what they are given and keep nothing of it.
SHOWING = frozenset({"bool", "float", "format", "int", "print", "repr", "str"})
_fields: dict[type, tuple[str, ...]] = {}


def fields_of(kind: type) -> tuple[str, ...]:
    """The names of the fields of this node type that can hold nodes worth a visit."""
    fields = _fields.get(kind)
    if fields is None:
        if issubclass(kind, _LEAVES):
            fields = ()
        else:
            names: tuple[str, ...] = getattr(kind, "_fields", ())
            fields = tuple(name for name in names if name not in _SKIPPED_FIELDS)
        _fields[kind] = fields
    return fields


def children(node: ast.AST, names: list[str]) -> list[ast.AST]:
    """The direct children of a node, in the order of its fields; those that are names go to ``names``."""
    found: list[ast.AST] = []
    for field in fields_of(type(node)):
        value = getattr(node, field, None)
        if type(value) is list:
            for item in value:
                if type(item) is ast.Name:
                    names.append(item.id)
                elif item is not None and type(item) not in UNVISITED:
                    found.append(item)
        elif type(value) is ast.Name:
            names.append(value.id)
        elif value is not None and type(value) not in UNVISITED and isinstance(value, ast.AST):
            found.append(value)
    return found

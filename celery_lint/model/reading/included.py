"""Files that a module runs in its own namespace: django-split-settings' ``include("components/celery.py")``.

Their names are then those of the module, as after a star import of a module beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from posixpath import normpath

from celery_lint.libraries.django import INCLUDES, INCLUDING
from celery_lint.model.reading.scopes import Scope


def included(top: Scope) -> Iterator[str]:
    """What a module includes, as relative star imports; ``*`` stands for what a pattern leaves open.

    A path that only the run knows is told as a star import of the library: from where nobody can look.
    """
    names = {name for name, dotted in top.imports.items() if dotted in INCLUDES}
    if not names:
        return
    for record in top.calls:
        node = record.node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            for given in node.args:
                yield from _paths(top, given, names)


def _paths(top: Scope, given: ast.expr, names: set[str]) -> Iterator[str]:
    if isinstance(given, ast.Starred):
        listed = top.values.get(given.value.id, ()) if isinstance(given.value, ast.Name) else [given.value]
        for value in listed or [ast.Constant(None)]:
            for item in value.elts if isinstance(value, (ast.List, ast.Tuple)) else [ast.Constant(None)]:
                yield from _paths(top, item, names)
        return
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id in names:
        return  # `optional("local.py")`: a call of its own
    path = _path(given)
    yield _dotted(path) if path.endswith(".py") else INCLUDING


def _path(given: ast.expr) -> str:
    """A path; what an f-string fills in is a ``*``."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    if isinstance(given, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in given.values]
        return "".join(map(str, parts))
    return ""


def _dotted(path: str) -> str:
    """``../shared/mail.py`` as ``..shared.mail``."""
    parts = normpath(path.removesuffix(".py")).split("/")
    above = parts.count("..")
    return "." * (above + 1) + ".".join(parts[above:])

"""What is set without a statement that assigns it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from celery_lint.model.reading.scopes import Scope


def set_by_name(
    scopes: Iterable[Scope],
) -> Iterator[tuple[ast.expr, str, bool, ast.AST, ast.expr, Scope]]:
    """``setattr(app.conf, "timezone", "UTC")`` as an assignment; of an unknown name, as an item."""
    for scope in scopes:
        for record in scope.calls:
            node = record.node
            if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) == 3:
                target, name, value = node.args
                known = isinstance(name, ast.Constant) and isinstance(name.value, str)
                key = str(name.value) if isinstance(name, ast.Constant) and known else ""
                yield target, key, not known, name, value, scope

"""Lines of a module that its import may pass over: names are bound below a condition, or in a ``try``.

``if os.environ.get("SLIM"): CELERY_BEAT_SCHEDULE = {…}`` sets something in one deployment and not in another.
"""

from __future__ import annotations

import ast

_DECIDING = (ast.If, ast.Try, ast.For, ast.While, ast.Match)
_BINDING = (ast.Assign, ast.AnnAssign)


def lines_in_branches(tree: ast.Module) -> tuple[tuple[int, int], ...]:
    """The first and the last line of each outermost statement of that kind, if names are bound in it."""
    return tuple(
        [
            (node.lineno, node.end_lineno or node.lineno)
            for node in tree.body
            if isinstance(node, _DECIDING) and _binds(node)
        ]
    )


def _binds(node: ast.stmt) -> bool:
    line: list[ast.AST] = [node]
    for each in line:  # which grows meanwhile
        if isinstance(each, _BINDING):
            return True
        if isinstance(each, (*_DECIDING, ast.ExceptHandler, ast.match_case, ast.With)):
            line += [child for child in ast.iter_child_nodes(each) if not isinstance(child, ast.expr)]
    return False

"""How a text calls what stands in another module, and the edit that imports it where nothing does yet."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.fixes.text import Edit, Text


class Imported(NamedTuple):
    """How something is called, and what has to be added for that."""

    spelled: str
    edits: tuple[Edit, ...] = ()


def imported(text: Text, module: str, name: str, add: bool = True) -> Imported | None:
    """How ``name`` of ``module`` is called here; None where it means something else, or may not be added."""
    bound = text.imports
    for statement in text.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == module and not statement.level:
            for alias in statement.names:
                if alias.name == name:
                    spelled = alias.asname or name
                    others = [each for each in bound if each is not statement and spelled in _names(each)]
                    return None if others or _is_bound(text, spelled) else Imported(spelled)
    if not add or _is_bound(text, name) or any(name in _names(each) for each in bound):
        return None
    edit = _added(text, module, name)
    return Imported(name, (edit,)) if edit is not None else None


def _added(text: Text, module: str, name: str) -> Edit | None:
    """The edit that imports a name: in a statement of that module, or in a new one where it is sorted."""
    imports = list(_first_imports(text.tree))
    for statement in imports:
        if isinstance(statement, ast.ImportFrom) and statement.module == module and not statement.level:
            last = statement.names[-1]
            return text.after(last, f", {name}") if last.name != "*" else None
    line = f"from {module} import {name}"
    group, *_ = key = _key(ast.ImportFrom(module, [], 0))
    alike = [each for each in imports if _key(each)[0] == group]
    before = [each for each in alike if _key(each) <= key]
    if before:
        return text.line_after(before[-1], line)
    if alike:
        return text.line_before(alike[0], line)
    above = [each for each in imports if _key(each)[0] < group]
    if above:
        return text.line_after(above[-1], f"\n{line}")
    return text.line_before(imports[0], f"{line}\n\n") if imports else None


def _first_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports at the top of a module."""
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield statement
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            return


def _key(statement: ast.Import | ast.ImportFrom) -> tuple[int, bool, str]:
    """Where an import stands among sorted ones: Python's own, then others, then relative ones."""
    if isinstance(statement, ast.Import):
        module = statement.names[0].name
    elif statement.level:
        return 3, True, statement.module or ""
    else:
        module = statement.module or ""
    root = module.partition(".")[0]
    group = 0 if root == "__future__" else 1 if root in sys.stdlib_module_names else 2
    return group, isinstance(statement, ast.ImportFrom), module


def _names(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """The names that an import binds."""
    return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}


def _is_bound(text: Text, name: str) -> bool:
    """Whether anything but an import gives this name a meaning."""
    return name in text.bound or "*" in text.bound

"""Names of modules that are ``None`` until a function sets them.

``from shop.db import Session`` takes what the name stands for when the module is imported. What a function
sets afterwards by ``global Session`` is another object, and never comes to whoever has taken ``None``.
"""

from __future__ import annotations

from celery_lint.model.facts import ANYTHING, Function, Module


def setters(module: Module, name: str) -> list[Function]:
    """The functions that set a name which is ``None`` before that, unless the module itself calls one."""
    if name not in module.hidden or ANYTHING in module.hidden:
        return []
    if name in module.imports or name in module.classes or name in module.functions:
        return []
    found: list[Function] = []
    before = 0
    for value in module.bindings.get(name, ()):
        line = value.span.line
        around = [f for _, f in module.functions.every() if f.name and f.span.line < line <= f.end_line]
        if around:
            found.append(max(around, key=lambda each: each.span.line))
        elif value.kind == "constant" and value.data is None:
            before += 1
        else:
            return []
    own = module.functions.get("")
    called = own is not None and own.mentions(*[setter.name for setter in found])
    return found if before and not called else []

"""Modules that code gives names from outside, or puts in place itself, so that no file tells what they have.

Who imports a module may set its names, ``web.celery = queue``, and whoever writes to ``sys.modules`` decides
what the next import gets.
"""

from __future__ import annotations

import re

from celery_lint.model.facts import ANYTHING, Assignment, Module
from celery_lint.model.purpose import is_product_path
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

# What begins with its letters is looked for faster than what begins with a boundary.
_PLACED = re.compile(
    rb"modules(?<=\bmodules)\s*(?:\[\s*([^\]\n]{0,200}?)\s*\]\s*=(?!=)|\.\s*(?:update|setdefault|__setitem__)\b)"
    rb"|sys\s*\.\s*(?:meta_path|path_hooks)\b|(?:from\s+sys\s+import\b[^\n]{0,99}\b)(?:meta_path|path_hooks)\b"
)
_TEXT = re.compile(rb"[\"']([\w.]+)[\"']")
_ITSELF = b"__name__"


class SetModules:
    """The modules of the project that other modules change."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    @once
    @asking("quiet")
    def _by_path(self) -> dict[str, list[tuple[Module, Assignment]]]:
        """What is set from outside, by the path of the module that it is set on, with who sets it."""
        found: dict[str, list[tuple[Module, Assignment]]] = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                target = self.project.resolve(module, assignment.target)
                if target.kind == "module" and target.name != module.path:
                    found.setdefault(target.name, []).append((module, assignment))
        return found

    def set_on(self, path: str) -> list[tuple[Module, Assignment]]:
        """What others set on a module, with who sets it; of an unknown name, it is an item."""
        return self._by_path.get(path, [])

    def may_set(self, path: str, name: str) -> bool:
        """Whether others may set this name on a module."""
        return any(each.subscript or each.key == name for _, each in self.set_on(path))

    def may_have(self, module: Module, name: str) -> bool:
        """Whether a module may have a name in a way that none of its bindings and imports shows."""
        return not {name, ANYTHING}.isdisjoint(module.hidden) or self.may_set(module.path, name)

    def may_place(self, *dotted: str) -> bool:
        """Whether code may put a module of one of these names in place, or a package that it is in."""
        placed = self._placed
        return ANYTHING in placed or any(
            f"{name}.".startswith(f"{each}.") for each in placed for name in dotted
        )

    @once
    def _placed(self) -> frozenset[str]:
        """The dotted names of the modules that code puts in place."""
        found = self.project.deployment.written.found(_placed_in)
        return frozenset[str]().union(*(names for path, names in found.items() if is_product_path(path)))


def _placed_in(text: bytes) -> frozenset[str]:
    """The modules that a text puts in place: ``sys.modules["shop.orders"] = orders``.

    What replaces the module itself, ``sys.modules[__name__] = …``, is that module's.
    """
    if b"sys" not in text:
        return frozenset()
    found = set()
    for placed in _PLACED.finditer(text):
        if placed[1] != _ITSELF:
            named = _TEXT.fullmatch(placed[1] or b"")
            found.add(named[1].decode() if named else ANYTHING)
    return frozenset(found)

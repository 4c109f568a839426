"""The modules of a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from celery_lint.model.facts import Module
from celery_lint.model.purpose import is_product_path


class Modules(Mapping[str, Module]):
    """The modules of a project by path. To iterate shows those that were there from the start."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._known = {module.path: module for module in modules}
        self._first = tuple(self._known)
        #: How many modules are known.
        self.count = len(self._known)
        #: The module of a path, if it is known.
        self.find = self._known.get

    @cached_property
    def product(self) -> tuple[Module, ...]:
        """Those from the start that are neither tests nor examples nor migrations, by path."""
        return tuple([self._known[path] for path in sorted(self._first) if is_product_path(path)])

    def __getitem__(self, path: str) -> Module:
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, path: object) -> bool:
        return path in self._known

    def get(self, path: str, default: Any = None) -> Any:
        """The module of this path."""
        return self._known.get(path, default)

    def add(self, module: Module) -> None:
        """Make a module known that a chain has led to."""
        self._known[module.path] = module
        self.count = len(self._known)


def may_bind(module: Module, name: str) -> bool:
    """Whether a module may know a name: by itself, by a star import or as a package."""
    return (
        name in module.functions
        or name in module.imports
        or name in module.classes
        or name in module.bindings
        or bool(module.star_imports)
        or module.path.endswith("__init__.py")
    )

"""The modules of a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from celery_lint.model.facts import Function, Module
from celery_lint.model.purpose import is_product_path, originals
from celery_lint.project.entity import Key


class Modules(Mapping[str, Module]):
    """The modules of a project by path. To iterate shows those that were there from the start."""

    def __init__(self, modules: Iterable[Module], left_behind: Iterable[str] = ()) -> None:
        self._left_behind = tuple([f"{folder}/" for folder in left_behind])
        self._known = {module.path: module for module in modules}
        self._first = tuple(self._known)
        #: How many modules are known.
        self.count = len(self._known)
        #: The module of a path, if it is known.
        self.find = self._known.get

    @cached_property
    def product(self) -> tuple[Module, ...]:
        """Those from the start that are neither tests nor examples nor migrations nor copies, by path."""
        return tuple([self._known[path] for path in sorted(self._first) if self.is_product(path)])

    def is_product(self, path: str) -> bool:
        """Whether a module belongs to the product: by its path, and it is no kept copy of another one.

        Nor is it in a folder that nobody starts anything of.
        """
        return is_product_path(path) and path not in self._copies and not path.startswith(self._left_behind)

    @cached_property
    def beside_others(self) -> frozenset[str]:
        """The paths of modules that may be kept copies, and of what they may be copies of."""
        return frozenset(path for pair in self._pairs for path in pair[1:])

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str, str], ...]:
        """The folder like `Archive`, the module in it, and the one at the same path without it."""
        return tuple(
            (folder, path, original)
            for path in self._first
            for folder, original in originals(path)
            if original in self._known
        )

    @cached_property
    def _copies(self) -> frozenset[str]:
        """The modules in folders like `Archive` that are the same outside, where nobody imports them."""
        same = [pair for pair in self._pairs if self._known[pair[1]].digest == self._known[pair[2]].digest]
        used = {folder for folder in {pair[0] for pair in same} if self._imports(folder)}
        return frozenset(path for folder, path, _ in same if folder not in used)

    def _imports(self, folder: str) -> bool:
        """Whether a module outside of a folder has its name in what it imports."""
        return any(
            folder in name.split(".")
            for path in self._first
            if folder not in path.split("/")
            for module in (self._known[path],)
            for name in module.all_imports
        )

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

    def functions_at(self, keys: Iterable[Key]) -> Iterator[tuple[Module, Function]]:
        """The functions of these paths and qualified names that are known, in the order of the keys."""
        for path, qualname in keys:
            module = self._known.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is not None and function is not None:
                yield module, function

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


def leaf_of(path: str) -> str:
    """The last component of a module's dotted name."""
    folder, _, name = path.rpartition("/")
    return folder.rpartition("/")[2] if name == "__init__.py" else name[:-3]

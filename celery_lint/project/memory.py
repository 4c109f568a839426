"""The modules of a project, and the answers that were found in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from celery_lint.model.facts import Module
from celery_lint.model.purpose import is_product_path

Answer = TypeVar("Answer")


class Memory(Generic[Answer]):
    """Answers by path and name.

    Those found while demanding serve every mode; the others serve only their like, because a chain that is
    asked for later in earnest must say again which files it leads to. One that met a file that has not been
    read serves its own mode, and only until another file is read.
    """

    __slots__ = ("_firm", "_loose", "_passing", "firm")

    def __init__(self) -> None:
        self._firm: dict[tuple[str, str], Answer] = {}
        self._loose: dict[tuple[str, str], Answer] = {}
        self._passing: dict[tuple[tuple[str, str], str], tuple[int, Answer]] = {}
        #: What was found while demanding.
        self.firm = self._firm.get

    def lasting(self, key: tuple[str, str], mode: str) -> Answer | None:
        """What is known for good."""
        found = self._firm.get(key)
        return found if found is not None or mode == "demand" else self._loose.get(key)

    def passing(self, key: tuple[str, str], mode: str, modules: int) -> Answer | None:
        """What is known while so many modules have been read."""
        passing = self._passing.get((key, mode))
        return passing[1] if passing is not None and passing[0] == modules else None

    def begin(self, key: tuple[str, str], mode: str, unknown: Answer) -> None:
        """Answer that nothing is known while the answer is worked out: a cycle ends there."""
        (self._firm if mode == "demand" else self._loose)[key] = unknown

    def keep(self, key: tuple[str, str], mode: str, found: Answer, modules: int, lasting: bool) -> None:
        """Keep an answer, found while so many modules have been read."""
        if mode == "demand":
            self._firm[key] = found
        elif lasting:
            self._loose[key] = found
        else:
            self._loose.pop(key, None)
            self._passing[key, mode] = (modules, found)


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

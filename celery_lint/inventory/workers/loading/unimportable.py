"""Modules that no process can import: they take a name from a module of the project that never has it.

It answers *yes* only where the file that the import means is read, and can bind the name in no way: it has no
such definition, import or variable, no star import, nothing that binds names as only the run knows, and
nobody sets it from elsewhere. An import in a ``try``, under a condition or in a function does not count, and
neither does a package that may have a compiled or generated submodule of the name.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import ANYTHING, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.set_attributes import SetAttributes


class Missing(NamedTuple):
    """The file that has not what a module imports from it, and the name."""

    path: str
    name: str


class Unimportable:
    """The modules that cannot be imported, or that import one that cannot."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.tasks = known.of(Tasks)
        self.set_attributes = known.of(SetAttributes)

    @once
    @asking("quiet")
    def all(self) -> dict[str, Missing]:
        """What is missing, by the path of each module; none where that would be the modules of all tasks."""
        found = {**self._first}
        if not found:
            return found
        importing = [(module, list(self._imported(module))) for module in self.project.product_modules()]
        while True:  # whoever imports one of them cannot be imported either
            more = {
                module.path: found[path]
                for module, paths in importing
                if module.path not in found
                for path in paths
                if path in found
            }
            if not more:
                break
            found.update(more)
        paths = {task.module.path for task in self.tasks.product}
        return found if paths and not paths <= found.keys() else {}

    @once
    @asking("quiet")
    def _first(self) -> dict[str, Missing]:
        """The modules that lack something themselves."""
        modules = self.project.product_modules()
        return {module.path: missing for module in modules if (missing := self._missing(module)) is not None}

    def unread(self) -> dict[str, set[str]]:
        """The files that nobody has read, with the names that modules of the product cannot do without."""
        found: dict[str, set[str]] = {}
        for module in self.project.product_modules():
            for path, name in self._needed(module):
                if self.project.modules.find(path) is None and path not in self.project.unparsed:
                    found.setdefault(path, set()).add(name)
        return found

    def words(self) -> set[Pair]:
        """What seems to be missing, with the name of the module: another file may put it there."""
        return {(missing.name, leaf_of(missing.path)) for missing in self._first.values()}

    # ------------------------------------------------------------------ one module

    def _missing(self, module: Module) -> Missing | None:
        for path, name in self._needed(module):
            target = self.project.modules.find(path)
            if target is None or target is module or name in self.set_attributes.names:
                continue
            if self._never_has(target, name) and self._is_the_only_one(path):
                return Missing(path, name)
        return None

    def _needed(self, module: Module) -> Iterator[tuple[str, str]]:
        """The names that a module takes from files of the project whenever it is imported."""
        for alias, dotted in module.imports.items():
            if alias not in module.guarded and "." in dotted.lstrip("."):
                located = self.imports.locate(dotted, module.path)
                if (
                    located is not None
                    and len(located.rest) == 1
                    and self._may_lack(located.path, *located.rest)
                ):
                    yield located.path, located.rest[0]

    def _may_lack(self, path: str, name: str) -> bool:
        """Whether a package can have no submodule of the name that is compiled, generated or no Python."""
        if not path.endswith("/__init__.py"):
            return True
        below = f"{path.removesuffix('__init__.py')}{name}/"
        return name[:1].isupper() and not any(file.startswith(below) for file in self.imports.files)

    def _never_has(self, module: Module, name: str) -> bool:
        known = name in module.functions or name in module.classes or name in module.imports
        if known or name in module.bindings or module.star_imports:
            return False
        return name not in module.hidden and ANYTHING not in module.hidden

    def _is_the_only_one(self, path: str) -> bool:
        """Whether no other file may be meant by the name of a module: its last two components are its own."""
        tail = "/".join(path.removesuffix("/__init__.py").removesuffix(".py").split("/")[-2:])
        meant = (f"{tail}.py", f"{tail}/__init__.py")
        ends = tuple(f"/{each}" for each in meant)
        return not any(file != path and (file in meant or file.endswith(ends)) for file in self.imports.files)

    def _imported(self, module: Module) -> Iterator[str]:
        """The modules of the project that are imported before a module is done, with their packages."""
        yield from self._packages(module.path)
        for alias, dotted in module.imports.items():
            located = self.imports.locate(dotted, module.path) if alias not in module.guarded else None
            if located is not None:
                yield located.path
                yield from self._packages(located.path)

    def _packages(self, path: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        while folder in self.imports.packages:
            yield f"{folder}/__init__.py"
            folder = folder.rpartition("/")[0]

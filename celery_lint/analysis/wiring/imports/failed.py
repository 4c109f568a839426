"""Imports that fail, since what they name is not there: a worker ends when it starts, or a run of a task."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.inventory.workers.loading.certain import CertainImports, Way, above, absolute
from celery_lint.inventory.workers.loading.unimportable import MOST_IN_USE, Failing, Unimportable
from celery_lint.model.facts import ImportStatement, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Refused
from celery_lint.project.known import Known, facts, once

_SETTING = (".append", ".insert", ".extend")
_ON_PATH = tuple([f"sys.path{leaf}" for leaf in _SETTING])


class FailedImport(NamedTuple):
    """An import that fails, what it lacks, and the ways by which a worker gets to it.

    ``beyond``: it leads out of the package by whose name the worker imports the module. ``shorter``: it names
    that package without the folders before it, and nothing has that name. ``passed``: the worker goes on
    without this module. ``behind``: so many more fail in what it has not come to by then.
    """

    place: Place
    module: str
    missing: Missing | None
    ways: tuple[Way, ...]
    beyond: str = ""
    shorter: str = ""
    passed: bool = False
    behind: int = 0


class FailedModule(NamedTuple):
    """What Python refuses of a module that a worker imports: the first, and the places of others."""

    place: Place
    refused: Refused
    others: tuple[Place, ...]
    ways: tuple[Way, ...]


class FailedImports:
    """The imports that fail in modules that a worker certainly imports."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.tasks = known.of(Tasks)
        self.certain = known.of(CertainImports)
        self.unimportable = known.of(Unimportable)

    @facts
    def all(self) -> list[FailedImport]:
        """Those imports, by path and line: of many the first alone that a worker comes to."""
        if len(self._each) <= MOST_IN_USE:
            return self._each
        nearest = min(len(failed.ways) for failed in self._each)
        own, *others = [failed for failed in self._each if len(failed.ways) == nearest]
        return [own._replace(behind=len(self._each) - len(others) - 1), *others]

    @once
    def paths(self) -> frozenset[str]:
        """The paths of the modules that they stand in."""
        return frozenset(failed.place.path for failed in self._each)

    @once
    def _each(self) -> list[FailedImport]:
        return [failed for path in sorted(self.certain.all) for failed in self._in_module(path)]

    @facts
    def uncompiled(self) -> list[FailedModule]:
        """The modules among them that Python does not compile, by path: all have the parser's consent.

        Where a module of tasks has an ``await`` in a plain function before that, another rule tells it.
        """
        found = []
        of_tasks = {task.module.path for task in self.tasks.all}
        for path in sorted(self.certain.all):
            module = self.project.modules.find(path)
            if module is not None and module.refused and not (module.awaits_first and path in of_tasks):
                first, *others = module.refused
                alike = [module.place(each.span) for each in others if each.kind == first.kind]
                ways = tuple(self.certain.chain(path))
                found.append(FailedModule(module.place(first.span), first, tuple(alike), ways))
        return found

    def _in_module(self, path: str) -> Iterator[FailedImport]:
        module, way = self.project.modules.find(path), self.certain.all[path]
        if module is None or not module.compiles:
            return
        ways = tuple(self.certain.chain(path))
        for failing in self.unimportable.failing.get(path, ()):
            if self._is_the_same(failing, module, way):
                place = module.place(failing.statement.span)
                passed = way.may_fail and bool(failing.missing.module)
                yield FailedImport(place, way.name, failing.missing, ways, passed=passed)
        for statement in module.needed if self.certain.names_are_known else ():
            place = module.place(statement.span)
            if not absolute(statement, path, way.name):
                yield FailedImport(place, way.name, None, ways, statement.module)
            elif not way.may_fail and self._lacks_folders(statement, way):
                yield FailedImport(place, way.name, None, ways, shorter=statement.module)

    def _lacks_folders(self, statement: ImportStatement, way: Way) -> bool:
        """Whether an import names the package of its own module without the folders before it.

        The worker imports the same file by its full name elsewhere, more do than name it so, and nobody puts
        these folders on the path.
        """
        dotted = statement.module
        top = dotted.partition(".")[0]
        before, found, _ = f".{way.name}".partition(f".{top}.")
        before = before.lstrip(".")
        if not top or not found or not before:
            return False
        if top in sys.stdlib_module_names:
            return False  # `import logging` in a package of that name
        folder = "/".join([*([way.root] if way.root else []), *before.split(".")])
        if self._path_is_set or self.imports.holders(top) != [folder]:
            return False
        if self.project.deployment.unlisted.may_install(top):
            return False
        named = f"{before}.{dotted}"
        file = self.certain.file(way.root, named)
        known = self.certain.all.get(file) if file is not None else None
        return known is not None and known.name == named and self._are_more(named, dotted)

    @once
    def _path_is_set(self) -> bool:
        """Whether anything puts folders on the path that modules are looked for in, whichever these are."""
        if self.project.deployment.python_path or any(m.on_path for m in self.project.product_modules()):
            return True
        return any(
            value.chain.endswith((*_ON_PATH, "addsitedir"))
            for _, function in self.project.calling(*_SETTING, ".addsitedir")
            for _, value in function.values
        )

    def _are_more(self, long: str, short: str) -> bool:
        """Whether more modules name a package with the folders before it than without."""
        package = short.partition(".")[0]
        long = f"{long.removesuffix(short)}{package}."
        named = [
            name
            for module in self.project.product_modules()
            for name in {target[: len(long)] for target in module.imports.values()}
        ]
        return named.count(long) > sum(name.startswith(f"{package}.") for name in named)

    def _is_the_same(self, failing: Failing, module: Module, way: Way) -> bool:
        """Whether the file that lacks something is the one that the worker looks into."""
        statement, missing = failing
        name = absolute(statement, module.path, way.name)
        if missing.is_at_the_root:
            return way.root == missing.path
        if missing.module:
            if not missing.path.endswith(".py"):  # a folder
                return any(
                    "/".join([*([root] if root else []), *each.split(".")]) == missing.path
                    for root in (way.root, *way.others)
                    for each in above(name)
                )
            return any(self.certain.find(way, each) == missing.path for each in (name, *above(name)))
        return self.certain.find(way, name) == missing.path

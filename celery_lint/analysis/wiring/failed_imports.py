"""Imports that end a worker when it starts, since what they name is not there."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.workers.loading.absent import Missing
from celery_lint.inventory.workers.loading.certain import CertainImports, Way, above, absolute
from celery_lint.inventory.workers.loading.unimportable import Failing, Unimportable
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class FailedImport(NamedTuple):
    """An import that fails, what it lacks, and the ways by which a worker gets to it.

    ``beyond``: it leads out of the package by whose name the worker imports the module.
    """

    place: Place
    module: str
    missing: Missing | None
    ways: tuple[Way, ...]
    beyond: str = ""


class FailedImports:
    """The imports that fail in modules that a worker certainly imports."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.certain = known.of(CertainImports)
        self.unimportable = known.of(Unimportable)

    @facts
    def all(self) -> list[FailedImport]:
        """Those imports, by path and line."""
        return [failed for path in sorted(self.certain.all) for failed in self._in_module(path)]

    def _in_module(self, path: str) -> Iterator[FailedImport]:
        module, way = self.project.modules.find(path), self.certain.all[path]
        if module is None or module.misplaced_awaits:  # which does not compile
            return
        ways = tuple(self.certain.chain(path))
        for failing in self.unimportable.failing.get(path, ()):
            if self._is_the_same(failing, module, way):
                place = module.place(failing.statement.span)
                yield FailedImport(place, way.name, failing.missing, ways)
        for statement in module.needed if self.certain.names_are_known else ():
            if not absolute(statement, path, way.name):
                yield FailedImport(module.place(statement.span), way.name, None, ways, statement.module)

    def _is_the_same(self, failing: Failing, module: Module, way: Way) -> bool:
        """Whether the file that lacks something is the one that the worker looks into."""
        statement, missing = failing
        name = absolute(statement, module.path, way.name)
        if missing.module:
            if not missing.path.endswith(".py"):  # a folder
                root = f"{way.root}/" if way.root else ""
                return any(f"{root}{each.replace('.', '/')}" == missing.path for each in above(name))
            return any(self.certain.file(way.root, each) == missing.path for each in (name, *above(name)))
        return self.certain.file(way.root, name) == missing.path

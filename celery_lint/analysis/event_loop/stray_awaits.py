"""Awaits in functions that are no coroutines."""

from __future__ import annotations

from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.certain import CertainImports
from celery_lint.inventory.workers.loading.orphans import Orphans
from celery_lint.model.facts import MisplacedAwait, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# Why no process has a module: those that are ``late`` are imported by whoever sends their tasks.
_IN_NO_PROCESS = frozenset({"shadowed", "unnamed", "unstarted"})


class StrayAwait(NamedTuple):
    """The first ``await`` in a plain function of a module that defines tasks, and the others in it.

    ``others`` have the same remedy: the function becomes a coroutine function.
    """

    module: Module
    fact: MisplacedAwait
    of_engine: bool
    others: tuple[MisplacedAwait, ...]


class StrayAwaits:
    """The awaits in plain functions."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.orphans = known.of(Orphans)
        self.certain = known.of(CertainImports)
        self.resources = known.of(Resources)

    @facts
    def all(self) -> list[StrayAwait]:
        """The awaits in plain functions of modules that define tasks, once a function.

        Those of an async engine's ``dispose`` are apart: another rule tells them. What nothing imports, or
        only an application that nobody starts, is compiled by no process. Where a worker meets something
        else first that Python refuses, that is told as what ends it.
        """
        found = []
        for path in sorted({task.module.path for task in self.tasks.all}):
            module = self.project.modules[path]
            if not module.misplaced_awaits or self.orphans.why(path) in _IN_NO_PROCESS:
                continue
            if path in self.certain.all and not module.awaits_first:
                continue
            functions: dict[tuple[str, bool], list[MisplacedAwait]] = {}
            for fact in sorted(module.misplaced_awaits, key=lambda fact: fact.span):
                functions.setdefault((fact.function, self._of_engine(module, fact)), []).append(fact)
            for (_, of_engine), (first, *others) in functions.items():
                found.append(StrayAwait(module, first, of_engine, tuple(others)))
        return found

    def _of_engine(self, module: Module, fact: MisplacedAwait) -> bool:
        owner, _, leaf = fact.chain.removesuffix("()").rpartition(".")
        return leaf == "dispose" and self.resources.is_async_engine(self.project.resolve(module, owner))

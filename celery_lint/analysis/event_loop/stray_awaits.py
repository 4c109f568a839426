"""Awaits in functions that are no coroutines."""

from __future__ import annotations

from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import MisplacedAwait, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class StrayAwait(NamedTuple):
    """An ``await`` in a plain function of a module that defines tasks."""

    module: Module
    fact: MisplacedAwait
    of_engine: bool


class StrayAwaits:
    """The awaits in plain functions."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.resources = known.of(Resources)

    @facts
    def all(self) -> list[StrayAwait]:
        """The awaits in plain functions of modules that define tasks."""
        with_tasks = {task.module.path for task in self.tasks.all}
        found = []
        for path in sorted(with_tasks):
            module = self.project.modules[path]
            for fact in module.misplaced_awaits:
                chain = fact.chain.removesuffix("()")
                owner, _, leaf = chain.rpartition(".")
                of_engine = leaf == "dispose" and self.resources.is_async_engine(
                    self.project.resolve(module, owner)
                )
                found.append(StrayAwait(module, fact, of_engine))
        return found

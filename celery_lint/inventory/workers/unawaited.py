"""Tasks whose body never runs: coroutine functions that Celery calls and nobody awaits."""

from __future__ import annotations

from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once


class Unawaited:
    """The tasks of which CEL111 says that nothing in them happens: no other rule has anything to add."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.layers = known.of(Layers)
        self.pools = known.of(Pools)
        self.task_options = known.of(TaskOptions)

    @once
    def keys(self) -> frozenset[Key]:
        """The tasks of the product of which that is certain: no pool awaits them, and no other code."""
        if self.pools.awaits_tasks:
            return frozenset()
        return frozenset(
            task.key
            for task in self.tasks.product
            if task.function is not None
            and self.layers.coroutine(task) is not None
            and not self.task_options.has_own_call(task)
            and not (task.function.is_async and self._is_used(task.function))
        )

    def _is_used(self, function: Function) -> bool:
        """Whether other code may make the coroutine, or hands the function to who makes it."""
        name = function.name
        return any(
            call.leaf() == name or any(leaf_of_chain(given.chain) == name for given in call.takes)
            for module, other in self.project.holding(name)
            if other is not function
            for call in self.functions.calls(module, other)
        )

"""Tasks that are coroutine functions, in a world in which nobody awaits them."""

from __future__ import annotations

from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.sent import Sent
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class CoroutineTask(NamedTuple):
    """An ``async def`` that Celery calls for a task and never awaits: the task, or a wrapper around it."""

    place: Place
    name: str
    task: Task

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The task, where a wrapper around it is the coroutine function."""
        if self.name == self.task.label:
            return ()
        return ((self.task.place, f"stands around task `{self.task.label}`"),)


class CoroutineTasks:
    """The coroutine functions that are tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.layers = known.of(Layers)
        self.pools = known.of(Pools)
        self.task_options = known.of(TaskOptions)
        self.functions = known.project.functions
        self.runs = known.of(Runs)
        self.sent = known.of(Sent)

    @facts
    def all(self) -> list[CoroutineTask]:
        """The coroutine functions that nothing is seen to await, a wrapper once for all its tasks."""
        found: dict[Place, CoroutineTask] = {}
        if self.pools.awaits_tasks:
            return []
        for task in self.tasks.product:
            made = self.layers.coroutine(task)
            if made is None or self.task_options.has_own_call(task):
                continue
            module, function = made
            own = function is task.function
            if own and not self.sent.is_sent(task) and self._runs_otherwise(module, function):
                continue  # a coroutine function like others, but for its decorator
            place = task.place if own and task.class_ is not None else module.place(function.span)
            found.setdefault(place, CoroutineTask(place, task.label if own else function.name, task))
        return list(found.values())

    def _runs_otherwise(self, module: Module, function: Function) -> bool:
        """Whether the body of a task runs because other code runs or awaits its coroutine."""
        if (module.path, function.qualname) in self.runs.task_coroutines:
            return True
        return any(
            call.is_awaited and self.project.resolve(home, call.chain).function() is function
            for home, other in self.project.holding(function.name)
            if other.is_async
            for call in self.functions.calls(home, other)
            if call.leaf() == function.name
        )

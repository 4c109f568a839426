"""Tasks that are coroutine functions, in a world in which nobody awaits them."""

from __future__ import annotations

from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once


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
        self.runs = known.of(Runs)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)

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
            if own and self._is_only_run(task):
                continue
            place = task.place if own and task.class_ is not None else module.place(function.span)
            found.setdefault(place, CoroutineTask(place, task.label if own else function.name, task))
        return list(found.values())

    def _is_only_run(self, task: Task) -> bool:
        """Whether the coroutines of other tasks run this one, and nothing is seen to send it.

        What is wrong then is a decorator too many: its body does run.
        """
        own = (task.module.path, task.function.qualname) if task.function is not None else task.key
        return own in self.runs.task_coroutines and task.key not in self._sent

    @once
    def _sent(self) -> frozenset[Key]:
        """The tasks that the project sends, or has in a schedule."""
        scheduled = (self.schedules.task(entry) for entry in self.schedules.all)
        sent = (sending.task for sending in self.sendings.all)
        return frozenset(task.key for task in (*scheduled, *sent) if task is not None)

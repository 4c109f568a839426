"""Which tasks are seen to be sent."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once


class Sent:
    """The tasks that a call or a schedule of the project sends for certain.

    Others may be sent as well: by a name that only the run knows, by another project.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self._called: dict[Key, bool] = {}

    def is_sent(self, task: Task) -> bool:
        """Whether a call or a schedule is seen to send it."""
        return task.is_periodic or task.key in self._keys

    def is_scheduled(self, task: Task) -> bool:
        """Whether a schedule is seen to send it, or its own decorator."""
        return task.is_periodic or task.key in self._scheduled

    def is_called_instead(self, task: Task) -> bool:
        """Whether the product calls it as a function and is not seen to send it: no result is kept."""
        if self.is_sent(task) or task.function is None:
            return False
        found = self._called.get(task.key)
        if found is None:
            found = self._called[task.key] = self._is_called(task, task.function.name)
        return found

    def runs_where_it_is_asked_for(self, task: Task) -> bool:
        """Whether the product is seen to call it, or to run it by ``apply``, and to send no message of it.

        Celery encodes no result of these.
        """
        if self.is_scheduled(task):
            return False
        how = {sending.how for sending in self.sendings.by_task.get(task.key, ())}
        return how == {"apply"} or self.is_called_instead(task)

    def _is_called(self, task: Task, name: str) -> bool:
        for module, function in self.functions.mentioning(self.project.product_modules(), {name}):
            for call in self.functions.calls(module, function):
                if call.leaf() == name and not call.is_decorator and function is not task.function:
                    called = self.tasks.of(self.project.resolve(module, call.chain))
                    if called is not None and called.key == task.key:
                        return True
        return False

    def rank(self, tasks: Iterable[Task]) -> int:
        """The rank of a place that these tasks come to, among those of one cause: the sent come first."""
        return 0 if any(map(self.is_sent, tasks)) else 1

    @once
    def _keys(self) -> set[Key]:
        return self._scheduled.union(self.sendings.by_task)

    @once
    def _scheduled(self) -> set[Key]:
        tasks = map(self.schedules.task, self.schedules.all)
        return {task.key for task in tasks if task is not None}

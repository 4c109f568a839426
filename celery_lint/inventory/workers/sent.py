"""Which tasks are seen to be sent."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
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

    def is_sent(self, task: Task) -> bool:
        """Whether a call or a schedule is seen to send it."""
        return task.is_periodic or task.key in self._keys

    def rank(self, tasks: Iterable[Task]) -> int:
        """The rank of a place that these tasks come to, among those of one cause: the sent come first."""
        return 0 if any(map(self.is_sent, tasks)) else 1

    @once
    def _keys(self) -> set[Key]:
        found = {sending.task.key for sending in self.sendings.all if sending.task is not None}
        for entry in self.schedules.all:
            task = self.schedules.task(entry)
            if task is not None:
                found.add(task.key)
        return found

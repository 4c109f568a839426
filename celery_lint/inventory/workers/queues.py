"""The queues that tasks are sent to."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import DEFAULT_QUEUE
from celery_lint.project.known import Known


class Queues:
    """The queues that tasks are sent to."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.task_options = known.of(TaskOptions)

    def of(self, tasks: Iterable[Task]) -> set[str] | None:
        """The queues of some tasks, or ``None`` where routes decide that."""
        if self.settings.named("task_routes"):
            return None
        found = set()
        for task in tasks:
            option = self.task_options.get(task, "queue")
            if option is None:
                found.add(DEFAULT_QUEUE)
            else:
                name = self.project.text(*option)
                if name is None:
                    return None
                found.add(name)
        return found

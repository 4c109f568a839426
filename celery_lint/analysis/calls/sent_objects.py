"""Tasks that stand where the name of a task belongs."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class SentTask(NamedTuple):
    """A task that is handed to ``send_task`` by itself."""

    place: Place
    task: Task


class SentObjects:
    """What ``send_task`` is given."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.applications = known.of(Applications)
        self.signatures = known.of(Signatures)

    @facts
    def tasks_for_names(self) -> list[SentTask]:
        """The tasks in place of their names."""
        found = list(self._found())
        changed = found and any(
            self.signatures.application_has(application, "send_task")
            for application in self.applications.product
        )
        return [] if changed else found

    def _found(self) -> Iterator[SentTask]:
        for sending in self.sendings.all:
            value = sending.value if sending.how == "send_task" else None
            name = (value.first() or value.keyword("name")) if value is not None else None
            if name is not None and name.kind == "name" and name.data is None:
                task = self.tasks.of(self.project.resolve(sending.module, name.chain))
                if task is not None:
                    yield SentTask(sending.module.place(name.span), task)

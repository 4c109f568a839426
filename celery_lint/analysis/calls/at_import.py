"""Tasks that are sent by the import of a module."""

from __future__ import annotations

from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SENDING = frozenset({"delay", "apply_async", "send_task"})


class SentAtImport(NamedTuple):
    """A task that is sent where a module of tasks is imported. ``label``: its name, if that is known."""

    sending: Sending
    label: str


class AtImport:
    """What the modules of tasks send while they are imported."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sendings = known.of(Sendings)
        self.tasks = known.of(Tasks)

    @facts
    def sent(self) -> list[SentAtImport]:
        """The messages, but for those that only a run as a script sends."""
        homes = {task.module.path for task in self.tasks.product}
        return [
            SentAtImport(sending, sending.task.label if sending.task is not None else "")
            for sending in self.sendings.all
            if not sending.function.name and sending.module.path in homes and sending.how in _SENDING
            if not (sending.call.in_lambda or sending.call.in_main or sending.call.is_decorator)
        ]

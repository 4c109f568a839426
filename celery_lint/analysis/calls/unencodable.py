"""Arguments that cannot be put into a message."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.encoding import Encoding, cannot_be_made
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SENDING = frozenset({"delay", "apply_async", "delay_on_commit", "apply_async_on_commit", "send_task"})
_SIMPLE = frozenset({"constant", "text"})


class UnencodableArgument(NamedTuple):
    """An argument that JSON refuses. ``place`` is the value in it that it does not know."""

    place: Place
    sending: Sending
    what: str


class UnencodableArguments:
    """What tasks are sent with, as far as no message can hold it."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.project = known.project
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.encoding = known.of(Encoding)
        self.in_force = self.encoding.in_force
        self.task_options = self.encoding.task_options

    @facts
    def all(self) -> list[UnencodableArgument]:
        """The arguments that certainly fail, at the place that sends them."""
        return list(self._all())

    def _all(self) -> Iterator[UnencodableArgument]:
        for sending in self.sendings.all:
            if sending.how not in _SENDING or sending.task is None or sending.through == "canvas":
                continue
            given = sending.given
            if given is None:
                continue
            values = [*given.positional, *(value for _, value in given.keywords)]
            values = [value for value in values if value.kind not in _SIMPLE]
            if not values or any(map(cannot_be_made, values)):
                continue
            flow = self.sendings.flow(sending)
            step = flow.step_of(sending.call)
            if step is None:
                continue
            for value in values:
                found = self.encoding.refused(sending.module, flow, step, value)
                if found is not None and self._is_json(sending, sending.task):
                    yield UnencodableArgument(found[1], sending, found[0])

    def _is_json(self, sending: Sending, task: Task) -> bool:
        """Whether the message is certainly JSON, and nothing makes something else of its arguments."""
        if any(name == "serializer" for name, _ in sending.options) or self.signatures.doubt(task):
            return False
        for name in ("serializer", "pydantic"):
            if self.task_options.get(task, name) is not None:
                return False
        settings = self.in_force.settings
        applications = self.in_force.belonging.of(task)
        hidden = any(map(settings.hides, applications)) if applications else settings.hidden
        eager = self.in_force.settings_of(task, "task_always_eager")
        return (
            not hidden
            and self.encoding.is_json(task, "task_serializer")
            and not any(settings.truth(each.module, each.value) is True for each in eager)
        )

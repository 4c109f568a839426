"""What tasks return that the result backend cannot keep."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.code.decided.given import Given, given_by_message, is_closed
from celery_lint.inventory.tasks.encoding import Encoding, result_of
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.sent import Sent
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Function, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_SHOWN = "the result of a task"  # a backend keeps it as its id


class UnencodableResult(NamedTuple):
    """A value that a task returns and JSON refuses. ``exception``: it is one that was caught."""

    place: Place
    task: Task
    what: str
    exception: bool


class UnencodableResults:
    """The values that tasks return."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.encoding = known.of(Encoding)
        self.signatures = known.of(Signatures)
        self.sendings = known.of(Sendings)
        self.backends = known.of(BackendSettings)
        self.unsent = known.of(Unsent)
        self.sent = known.of(Sent)
        self.in_force = self.encoding.in_force
        self.task_options = self.encoding.task_options

    @facts
    def all(self) -> list[UnencodableResult]:
        """The values at whose `return` a run fails."""
        return [fact for task in self.unsent.product for fact in self._of(task)]

    def _of(self, task: Task) -> Iterator[UnencodableResult]:
        function = task.function
        module = self.project.modules.get(task.place.path)
        if function is None or module is None or function.is_async or function.is_generator:
            return
        if module.functions.get(function.qualname) is not function or not function.has("return"):
            return
        flow = self.functions.of(module, function)
        for step in flow.steps:
            value = result_of(function, step) if step.kind == "return" else None
            found = self.encoding.refused(module, flow, step, value) if value is not None else None
            if (
                found is not None
                and found[0] != _SHOWN
                and self._is_kept(task)
                and not self.sent.runs_where_it_is_asked_for(task)
                and not self._is_left_out(task, function, flow, step)
            ):
                exception = found[0].startswith("the exception")
                yield UnencodableResult(found[1], task, found[0], exception)

    def _is_left_out(self, task: Task, function: Function, flow: Flow, step: Step) -> bool:
        """Whether no message lets the task come there: `if return_rows`, which all leave at its default."""
        messages = [
            self._given(sending, function, flow) for sending in self.sendings.by_task.get(task.key, ())
        ]
        return bool(messages) and all(given and is_closed(flow, step, given) for given in messages)

    def _given(self, sending: Sending, function: Function, flow: Flow) -> Given:
        """The parameters that a message fills with what is known: none of those of a signature."""
        signature = self.signatures.of(sending.task) if sending.task is not None else None
        arguments = sending.given if sending.sends else None
        if signature is None or arguments is None:
            return ()
        return given_by_message(signature, arguments, function, flow)

    def _is_kept(self, task: Task) -> bool:
        """Whether a backend keeps what the task returns, and as JSON."""
        settings = self.in_force.settings
        applications = self.in_force.belonging.of(task)
        if task.inner_decorators or self.signatures.doubt(task):
            return False
        if self.task_options.has_own_call(task) or not applications:
            return False
        if any(map(settings.hides, applications)) or self.task_options.get(task, "serializer") is not None:
            return False
        if not self.in_force.known(task, frozenset({"ignore_result", "serializer"})):
            return False
        if self.task_options.get(task, "ignore_result") is not None or self.in_force.results_ignored(task):
            return False
        eager = self.in_force.settings_of(task, "task_always_eager")
        return (
            self.encoding.is_kept_as_json(task)
            and not any(settings.truth(each.module, each.value) is True for each in eager)
            and all(self.backends.keeps(application) for application in applications)
        )

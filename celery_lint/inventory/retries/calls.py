"""Calls of ``retry`` and options about retries, as facts."""

from __future__ import annotations

from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Call, Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flows
from celery_lint.project.project import Project

# https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.retry
_PARAMETERS = ("args", "kwargs", "exc", "throw", "eta", "countdown", "max_retries")


class RetryCall(NamedTuple):
    """A call of Celery's ``retry``. ``tasks`` are those that it is about, as far as that can be seen."""

    module: Module
    function: Function
    call: Call
    value: Value
    step: Step | None
    tasks: tuple[Task, ...]

    @property
    def place(self) -> Place:
        """The call itself."""
        return self.module.place(self.call.span)

    def given(self, name: str) -> Value | None:
        """An argument of the call, by the name of Celery's parameter."""
        found = self.value.keyword(name)
        if found is None and name in _PARAMETERS and _PARAMETERS.index(name) < len(self.value.items):
            return self.value.items[_PARAMETERS.index(name)]
        return found

    def sets(self, name: str) -> bool | None:
        """Whether the call gives a value for this parameter; ``None`` where ``**`` hides it."""
        found = self.given(name)
        if found is not None:
            return not (found.kind == "constant" and found.data is None)
        return None if self.value.open_ended() else False

    @property
    def throws(self) -> bool:
        """Whether the call raises: with ``throw=False`` it returns."""
        given = self.given("throw")
        return given is None or (given.kind == "constant" and given.data is True)

    def is_expected(self, flows: Flows) -> bool:
        """Whether a ``try`` around the call has a handler for the exception that it raises."""
        return self._is_handled(flows, "Retry")

    def _is_handled(self, flows: Flows, name: str) -> bool:
        flow = flows.of(self.module, self.function)
        current = self.step
        for ancestor in flow.ancestors(current) if current is not None else ():
            if ancestor.kind == "try" and current is not None and current.role == "body":
                for handler in flow.body(ancestor, "handler"):
                    if any(chain.rpartition(".")[2] == name for chain in handler.chains):
                        return True
            current = ancestor
        return False

    def loses_cause(self, flows: Flows) -> bool:
        """Whether the call stands in a handler, and what happens after the last attempt is left to Celery."""
        flow = flows.of(self.module, self.function)
        if self.step is None or self._is_handled(flows, "MaxRetriesExceededError"):
            return False
        if self.counts(flows):
            return False
        return any(ancestor.kind == "handler" for ancestor in flow.ancestors(self.step))

    def counts(self, flows: Flows) -> bool:
        """Whether the function looks at the number of retries, and so may never make the last attempt."""
        steps = flows.of(self.module, self.function).steps
        return any(load.endswith(".retries") for step in steps for load in step.loads)

    def is_caught(self, flows: Flows, value: Value) -> bool:
        """Whether a value is the exception that a handler around the call has caught."""
        if value.kind != "name" or self.step is None:
            return False
        name = value.chain.removeprefix("%")
        ancestors = flows.of(self.module, self.function).ancestors(self.step)
        return any(step.kind == "handler" and name in step.stores for step in ancestors)


class RetryPolicy(NamedTuple):
    """How a task is retried. ``automatic`` tells whether it has exceptions in ``autoretry_for``.

    ``options`` are its effective options about retries, ``known`` says that there are no others, and
    ``calls`` are the calls of ``retry`` that are about it.
    """

    task: Task
    options: dict[str, Option]
    known: bool
    automatic: bool
    calls: tuple[RetryCall, ...]

    def backs_off(self, project: Project) -> bool:
        """Whether ``retry_backoff`` is switched on for certain."""
        option = self.options.get("retry_backoff")
        known = project.constant(*option) if option is not None else None
        return known is not None and known.kind == "constant" and bool(known.data)


class RetryOption(NamedTuple):
    """An option about retries where it is written, with the policies of all tasks that it is in force for."""

    name: str
    module: Module
    value: Value
    policies: tuple[RetryPolicy, ...]

    @property
    def place(self) -> Place:
        """The value of the option."""
        return self.module.place(self.value.span)

    @property
    def task(self) -> str:
        """How messages call the first task."""
        return self.policies[0].task.label

"""Tasks that are called as functions, although their function needs a run."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.code.handlers import Handlers, is_log
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import CURRENT_TASKS, KEYED_BACKENDS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_NEEDING = "update_state"
_GUARDS = frozenset({"if", "while", "match", "with", "for"})
# What gets the `ValueError` of an id that is not there.
_CATCHING = frozenset({"BaseException", "Exception", "ValueError"})


class Need(NamedTuple):
    """A statement of a task that has no id where nothing runs it.

    ``caught`` is the handler that gets the exception and ends the call: what follows never runs.
    """

    task: Task
    place: Place
    caught: Place | None


class CalledDirectly(NamedTuple):
    """A call of a task, and what of that needs a run."""

    place: Place
    need: Need


class DirectCalls:
    """The calls of tasks as functions."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.handlers = known.of(Handlers)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.backends = known.of(BackendSettings)

    @once
    def _needing(self) -> dict[str, list[Need]]:
        """The tasks that certainly ask for the id of their run, by the names of their functions."""
        found: dict[str, list[Need]] = {}
        for task in self.tasks.product:
            need = self._need(task)
            if need is not None and task.function is not None:
                found.setdefault(task.function.name, []).append(need)
        return found

    def _need(self, task: Task) -> Need | None:
        function, module = task.function, task.module
        if function is None or task.class_ is not None or task.inner_decorators or task.wrapper is not None:
            return None
        if not function.may_call(f".{_NEEDING}") or function.is_async or function.is_generator:
            return None
        if self.task_options.has_own_call(task):
            return None
        applications = self.in_force.belonging.of(task)
        if not applications or any(self.backends.scheme(one) not in KEYED_BACKENDS for one in applications):
            return None
        if not self.task_options.bases_known(task) or self.task_options.has_own(task, _NEEDING):
            return None
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            step = flow.step_of(call)
            if step is None or call.leaf() != _NEEDING or call.in_lambda or step.kind != "expr":
                continue
            if call.is_open_ended or len(call.positional) or call.keyword("task_id"):
                continue
            if not self._is_of(task, function, call):
                continue
            if not any(other.kind in ("return", "raise") for other in flow.steps[: step.number]):
                ends = list(self._ends(module, flow, step))
                if None not in ends:
                    caught = next((module.place(end.span) for end in ends if end is not None), None)
                    return Need(task, module.place(call.span), caught)
        return None

    def _is_of(self, task: Task, function: Function, call: Call) -> bool:
        """Whether a call tells the state of this task: by ``self``, its name, or as the one that runs."""
        receiver = call.chain.removesuffix(f".{_NEEDING}")
        if receiver == f"%{function.first()}":
            return self.in_force.is_bound(task)
        if receiver[:1] == "%":
            return False
        entity = self.project.resolve(task.module, receiver)
        if entity.kind == "external":
            return entity.name in CURRENT_TASKS
        own = self.tasks.of(entity)
        return own is not None and own.key == task.key

    def _ends(self, module: Module, flow: Flow, step: Step) -> Iterator[Step | None]:
        """The handler that gets what the statement raises, if any does; ``None`` where that makes no odds.

        That is one that waits for this very error, or one that keeps nothing from running but lines of a log.
        """
        current = step
        for outer in flow.ancestors(step):
            if outer.kind in _GUARDS or (outer.kind == "try" and current.role != "body"):
                yield None
            for handler in flow.body(outer, "handler") if outer.kind == "try" else ():
                names = self.handlers.caught(module, handler)
                if names is None or not names.isdisjoint(_CATCHING):
                    meant = names is None or "ValueError" in names
                    yield None if meant or not self._keeps_more(module, flow, outer, current) else handler
                    return
            current = outer

    def _keeps_more(self, module: Module, flow: Flow, attempt: Step, step: Step) -> bool:
        """Whether anything behind a statement of a ``try`` does more than to write lines of a log."""
        calls = self.functions.calls(module, flow.function)
        handlers = flow.body(attempt, "handler")
        last = handlers[0].number if handlers else len(flow.steps)
        return any(
            not is_log(other) and any(calls[number].leaf() != _NEEDING for number in other.calls)
            for other in flow.steps[step.number + 1 : last]
        )

    @facts
    def all(self) -> list[CalledDirectly]:
        """The calls that fail."""
        needing = self._needing
        found = []
        for module, function in self.functions.mentioning(self.project.product_modules(), needing):
            for call in self.functions.calls(module, function):
                if call.leaf() not in needing or call.is_decorator:
                    continue
                task = self.tasks.of(self.project.resolve(module, call.chain))
                for need in needing[call.leaf()] if task is not None else ():
                    if task is None or need.task.key != task.key or (call.in_try and need.caught is None):
                        continue
                    if (
                        module.path,
                        function.qualname,
                    ) != task.key:  # in a worker, its own first call has an id
                        found.append(CalledDirectly(module.place(call.span), need))
        return found

"""Tasks that are called as functions, although their function needs a run."""

from __future__ import annotations

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import KEYED_BACKENDS
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

_NEEDING = "update_state"
_GUARDS = frozenset({"if", "while", "match", "try", "with", "for"})


class CalledDirectly(NamedTuple):
    """A call of a task. ``needs``: the statement of the task that has no id then."""

    place: Place
    task: Task
    needs: Place


class DirectCalls:
    """The calls of tasks as functions."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.backends = known.of(BackendSettings)

    @once
    def _needing(self) -> dict[str, list[tuple[Task, Place]]]:
        """The tasks that certainly ask for the id of their run, by the names of their functions."""
        found: dict[str, list[tuple[Task, Place]]] = {}
        for task in self.tasks.product:
            place = self._needed(task)
            if place is not None and task.function is not None:
                found.setdefault(task.function.name, []).append((task, place))
        return found

    def _needed(self, task: Task) -> Place | None:
        function, module = task.function, task.module
        if function is None or task.class_ is not None or task.inner_decorators or task.wrapper is not None:
            return None
        if not function.may_call(f".{_NEEDING}") or function.is_async or function.is_generator:
            return None
        if not self.in_force.is_bound(task) or self.task_options.has_own_call(task):
            return None
        applications = self.in_force.belonging.of(task)
        if not applications or any(self.backends.scheme(one) not in KEYED_BACKENDS for one in applications):
            return None
        if not self.task_options.bases_known(task) or self.task_options.has_own(task, _NEEDING):
            return None
        flow = self.functions.of(module, function)
        chain = f"%{function.first()}.{_NEEDING}"
        for call in self.functions.calls(module, function):
            step = flow.step_of(call)
            if step is None or call.chain != chain or call.in_lambda:
                continue
            if call.is_open_ended or len(call.positional) or call.keyword("task_id"):
                continue
            if step.kind == "expr" and not any(outer.kind in _GUARDS for outer in flow.ancestors(step)):
                before = flow.steps[: step.number]
                if not any(other.kind in ("return", "raise") for other in before):
                    return module.place(call.span)
        return None

    @facts
    def all(self) -> list[CalledDirectly]:
        """The calls that fail."""
        needing = self._needing
        found = []
        for module, function in self.functions.mentioning(self.project.product_modules(), needing):
            for call in self.functions.calls(module, function):
                if call.leaf() not in needing or call.in_try or call.is_decorator:
                    continue
                task = self.tasks.of(self.project.resolve(module, call.chain))
                for other, place in needing[call.leaf()] if task is not None else ():
                    if task is not None and other.key == task.key:
                        found.append(CalledDirectly(module.place(call.span), task, place))
        return found

"""Calls of Celery's ``retry``, and the tasks that they are about."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import is_task_base
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.retries.holders import (
    CALLED,
    HARMLESS,
    Holders,
    may_retry,
    retries_somewhere,
    spelled,
)
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import CURRENT_TASKS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.functions import Functions
from celery_lint.project.known import Known, facts, once
from celery_lint.project.memory import Remembered

#: What a call raises that finds the bound reached, unless it is given another exception.
EXCEEDED = "MaxRetriesExceededError"
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
    def has_delay(self) -> bool:
        """Whether the call says itself when, or may."""
        return self.sets("countdown") is not False or self.sets("eta") is not False

    @property
    def throws(self) -> bool:
        """Whether the call raises: with ``throw=False`` it returns."""
        given = self.given("throw")
        return given is None or (given.kind == "constant" and given.data is True)

    def is_expected(self, functions: Functions) -> bool:
        """Whether a ``try`` around the call has a handler for the exception that it raises."""
        return self.is_handled(functions, "Retry")

    def is_handled(self, functions: Functions, name: str) -> bool:
        """Whether a ``try`` around the call has a handler that names this exception."""
        flow = functions.of(self.module, self.function)
        return any(
            chain.rpartition(".")[2] == name
            for attempt in (flow.attempts(self.step) if self.step is not None else ())
            for handler in flow.body(attempt, "handler")
            for chain in handler.chains
        )

    def is_caught(self, functions: Functions, value: Value) -> bool:
        """Whether a value is the exception that a handler around the call has caught."""
        return self.catcher(functions, value) is not None

    def catcher(self, functions: Functions, value: Value) -> Step | None:
        """The handler around the call that has caught a value."""
        if value.kind != "name" or self.step is None:
            return None
        name = value.chain.removeprefix("%")
        for step in functions.of(self.module, self.function).ancestors(self.step):
            if step.kind == "handler" and name in step.stores:
                return step
        return None


class RetryCalls:
    """The calls of Celery's ``retry``, and which tasks they are about."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.holders = known.of(Holders)
        self.tasks = known.of(Tasks)
        self.unsent = known.of(Unsent)
        self.task_options = known.of(TaskOptions)
        self.graph = known.of(CallGraph)
        self.layers = known.of(Layers)
        self.makers = known.of(Makers)
        self._hidden = Remembered(self._retried_elsewhere)

    @facts
    def all(self) -> list[RetryCall]:
        """All calls of Celery's ``retry`` in the product."""
        found: list[RetryCall] = []
        for module, function in self.project.holding(CALLED):
            if function.name:
                found.extend(self._calls_in(module, function))
        return found

    def _calls_in(self, module: Module, function: Function) -> Iterator[RetryCall]:
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            value = function.value_of(call) if call.chain.endswith(".retry") else None
            tasks = self.tasks_of(module, function, call.chain) if value is not None else None
            if tasks and all(map(self.unsent.is_unsent, tasks)):
                continue
            if value is not None and tasks is not None:
                yield RetryCall(module, function, call, value, flow.step_of(call), tuple(tasks))

    @asking("hint")
    def tasks_of(self, module: Module, function: Function, chain: str) -> list[Task] | None:
        """The tasks that a method is called of; ``None`` if the method is not one of Celery's tasks."""
        receiver, _, method = chain.rpartition(".")
        scope: Function | None = function
        while scope is not None:
            for parameter in scope.parameters:
                if spelled(scope, parameter.name) == receiver:
                    tasks = self.holders.held[0].get((module.path, scope.qualname, parameter.name))
                    if tasks:
                        return tasks
            scope = module.functions.get(scope.parent) if scope.parent else None
        if receiver.startswith("%"):
            return None
        entity = self.project.resolve(module, chain)
        if entity.kind == "member" and entity.owner is not None:
            task = self.tasks.by_function.get(entity.owner)
            if task is None and "/" in entity.owner[1]:  # a wrapper that is made a task where it stands
                return list(self.around.get(entity.owner, ())) or None
            return [task] if task is not None else None
        if entity.kind != "external":
            return None
        owner = entity.name.removesuffix(f".{method}")
        if owner in CURRENT_TASKS:
            return list(self.around.get((module.path, function.qualname), ()))
        if is_task_base(owner.removesuffix("()")):
            own = self.tasks.by_function.get((module.path, receiver[1:].removesuffix("()")))
            return [own] if own is not None else []
        if owner.endswith("()") and self.makers.maker_of(entity._replace(name=owner.removesuffix("()"))):
            return self._made_around(module, function)
        return None

    def _made_around(self, module: Module, function: Function) -> list[Task]:
        """The tasks that a decorator makes and keeps by a name, for a function that stands in it."""
        scope: Function | None = function
        while scope is not None:
            tasks = self.around.get((module.path, scope.qualname))
            if tasks:
                return list(tasks)
            scope = module.functions.get(scope.parent) if scope.parent else None
        return []

    @once
    def around(self) -> dict[Key, list[Task]]:
        """The tasks whose own function a function is, or that it stands around."""
        found: dict[Key, list[Task]] = {}
        for task in self.tasks.product:
            if task.function is not None:
                found.setdefault((task.module.path, task.function.qualname), []).append(task)
            for wrapping in self.layers.around(task):
                found.setdefault(wrapping.key, []).append(task)
        return found

    @once
    def _calls_of(self) -> dict[Key, list[RetryCall]]:
        found: dict[Key, list[RetryCall]] = {}
        for call in self.all:
            for task in call.tasks:
                found.setdefault(task.key, []).append(call)
        return found

    def calls_of(self, task: Task) -> tuple[RetryCall, ...]:
        """The calls of ``retry`` that are about a task."""
        return tuple(self._calls_of.get(task.key, ()))

    def hidden(self, task: Task) -> bool:
        """Whether something may retry the task that is not among the calls that are known to be about it."""
        return self._hidden.of(task.key, task)

    def _retried_elsewhere(self, task: Task) -> bool:
        if task.key in self.holders.held[1] or task.function is None or self._signal_handler_retries:
            return True
        if any(not self._is_plain_decorator(task, decorator) for decorator in task.inner_decorators):
            return True
        known = {(c.module.path, c.function.qualname) for c in self.calls_of(task)}
        near = self.graph.closure_of(task)
        for entity in self.task_options.classes(task):
            assert entity.module is not None
            home = entity.module
            methods = [(home, function) for function in self.functions.within(home, entity.name)]
            if any(self._is_given_away(module, function) for module, function in methods):
                return True
            near += methods
        return any(
            may_retry(function) and (module.path, function.qualname) not in known for module, function in near
        )

    def _is_given_away(self, module: Module, method: Function) -> bool:
        """Whether a method of a class of tasks hands the task to something that may retry it."""
        if method.states("&self"):
            return True
        itself = f":{method.qualname.rpartition('.')[0]}()"
        if not method.mentions(itself):
            return False
        for call in self.functions.calls(module, method):
            if call.hands_on(itself) and call.leaf() not in HARMLESS:
                target = self.graph.target(module, call.chain)
                name = self.project.resolve(module, call.chain).name
                if target is None and not name.startswith("celery."):
                    return True
                if target is not None and retries_somewhere(target[0]):
                    return True
        return False

    def _is_plain_decorator(self, task: Task, decorator: Value) -> bool:
        """Whether a decorator below the task's own is of the project or of a library that retries nothing."""
        entity = self.project.resolve(task.module, decorator.chain)
        if entity.kind == "external":
            return entity.name.startswith(("functools.", "contextlib.", "django.", "typing."))
        return entity.kind in ("function", "class")

    @once
    def _signal_handler_retries(self) -> bool:
        return any(
            any(decorator.chain.endswith(".connect") for decorator in function.decorators)
            for module, function in self.project.holding(CALLED)
        )

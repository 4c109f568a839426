"""What tasks tell the result backend about themselves: states set by hand, and other tasks in their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.application.own_backends import OwnBackends
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import in_loop
from celery_lint.inventory.code.ways.following import following, works, works_on
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.retries.escaping import Escaping
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.encoding import Encoding
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.sent import Sent
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import HOOKS, KEYED_BACKENDS, OVERWRITING_BACKENDS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

#: The states whose result is an exception, which readers build from its type and message.
EXCEPTION_STATES = frozenset({"FAILURE", "REVOKED", "RETRY"})
# What people call a failure that is none of Celery's states: a state like any other until the task ends.
_FAILED = frozenset({"FAILED", "FAIL", "ERROR"})
_STATES = "celery.states."
_PARAMETERS = {
    "update_state": ("task_id", "state", "meta"),
    "store_result": ("task_id", "meta", "state"),
}
# These end the task, or store a result of their own, although nothing says ``raise``.
_LEAVING = frozenset({"retry", "replace", "exit", "_exit"})
# Whoever waits at this backend takes the first final state, and looks for no other.
_FIRST_COMES = "rpc"
# The backend whose results are rows that Django's models read as well.
_ROWS = "django-db"
# After these nothing is stored.
_UNSTORED = ("Ignore", "Ignore()", "Reject", "Reject()")


class StateCall(NamedTuple):
    """A state that a task sets by hand, with ``update_state`` or in its result backend.

    ``meta`` is ``None`` where nothing is given. ``own`` says that it stands in the function of a task that
    sets its own state, ``final`` that nothing after it in the function raises. ``refused`` is what the JSON
    encoder does not take of ``meta``, and where. ``lasts`` says that the end of the task stores nothing over
    it, or fails to: most backends read a state before they store another. ``lost`` is what SUCCESS by hand is
    too early for: the ``work`` that follows it, or the ``result`` that the task returns in place of ``meta``,
    which a key-value backend does not store any more.
    """

    module: Module
    function: Function
    call: Call
    step: Step
    tasks: tuple[Task, ...]
    state: str
    meta: Value | None
    own: bool
    final: bool
    refused: tuple[str, Place] | None
    lasts: bool
    lost: Literal["", "work", "result"] = ""

    @property
    def place(self) -> Place:
        """The call itself."""
        return self.module.place(self.call.span)

    def unreadable(self) -> bool:
        """Whether no reader can make an exception of what is stored: it has no type."""
        if self.state not in EXCEPTION_STATES or not self.lasts:
            return False
        if self.meta is None or self.meta.kind != "mapping":
            return False
        keys = {key for key, _ in self.meta.keywords}
        return keys.isdisjoint(("exc_type", "**", "?"))

    def short_lived(self) -> bool:
        """Whether it is the state of a failure, and the end of the task stores another over it."""
        if not self.own or not self.final:
            return False
        if self.state not in EXCEPTION_STATES:
            return self.state.upper() in _FAILED
        return self.meta is None or (self.meta.kind == "mapping" and not self.unreadable())


class UnthrottledProgress(NamedTuple):
    """A state that is stored for every item of a loop."""

    state: StateCall
    loop: Step


class Replacement(NamedTuple):
    """A call of a task's ``replace`` that is a statement of its own."""

    module: Module
    call: Call

    @property
    def place(self) -> Place:
        """The call itself."""
        return self.module.place(self.call.span)


class TaskState:
    """The states that the tasks of a project set by hand."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.retry_calls = known.of(RetryCalls)
        self.unsent = known.of(Unsent)
        self.sent = known.of(Sent)
        self.backends = known.of(BackendSettings)
        self.escaping = known.of(Escaping)
        self.own_backends = known.of(OwnBackends)
        self.belonging = known.of(Belonging)
        self.encoding = known.of(Encoding)
        self.results = known.of(Results)

    @facts
    def calls(self) -> list[StateCall]:
        """All calls that set the state of a task to something that is known."""
        found: list[StateCall] = []
        for module, function in self.project.calling(".update_state", ".store_result"):
            if function.name:
                found.extend(self._calls_in(module, function))
        return found

    def _calls_in(self, module: Module, function: Function) -> Iterator[StateCall]:
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        for call in calls:
            given = self._given(module, function, call)
            step = flow.step_of(call)
            if given is None or step is None:
                continue
            if not self._is_reached(module, function, step, call):
                continue
            tasks, arguments = given
            applications = [application for task in tasks for application in self.belonging.of(task)]
            if self.own_backends.store(applications):
                continue
            state = self._state(module, arguments.get("state"))
            meta = arguments.get("meta")
            if meta is not None and meta.kind == "constant" and meta.data is None:
                meta = None
            of_itself = self._is_own(call, arguments)
            own = of_itself and any(task.function is function for task in tasks)
            final = own and not self._raises_after(module, flow, function, step)
            if state not in EXCEPTION_STATES and state.upper() in _FAILED and works_on(flow, calls, step):
                final = False
            json = all(self.encoding.is_kept_as_json(task) for task in tasks)
            refused = self.encoding.refused(module, flow, step, meta) if meta is not None and json else None
            if state in EXCEPTION_STATES and meta is not None and meta.kind == "name":
                refused = None  # an exception, which is stored as one
            if own and (
                self._ignores_results(tasks) or self._is_stored_over(module, function, call, step, state)
            ):
                final = False
            lasts = not of_itself or self._lasts(module, function, step, tasks)
            if state.upper() in EXCEPTION_STATES | _FAILED and self.own_backends.read(applications):
                lasts = final = False  # who knows what its readers make of it
            lost = self._lost(module, function, step, tasks, meta) if state == "SUCCESS" and final else ""
            yield StateCall(
                module, function, call, step, tuple(tasks), state, meta, own, final, refused, lasts, lost
            )

    def _is_reached(self, module: Module, function: Function, step: Step, call: Call) -> bool:
        """Whether a handler around a call may be reached, other than for a backend that is away."""
        around = self.functions.of(module, function).ancestors(step)
        return all(
            self.escaping.is_reached(module, function, outer, call.chain)
            for outer in around
            if outer.kind == "handler"
        )

    def _is_stored_over(self, module: Module, function: Function, call: Call, step: Step, state: str) -> bool:
        """Whether a ``finally`` around stores another state in any case, so that this one is not seen.

        Over SUCCESS most backends store nothing.
        """
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        chain, current = call.chain, step
        for outer in flow.ancestors(step) if state in EXCEPTION_STATES or state.upper() in _FAILED else ():
            last = flow.body(outer, "finally") if outer.kind == "try" and current.role != "finally" else ()
            if any(_stores_again(calls[number], chain) for each in last for number in each.calls):
                return True
            current = outer
        return False

    def _lasts(self, module: Module, function: Function, step: Step, tasks: list[Task]) -> bool:
        """Whether a state that a task sets of itself may be there when the task has ended."""
        applications = [application for task in tasks for application in self.belonging.of(task)]
        schemes = set(map(self.backends.scheme, applications))
        if {*map(self.backends.usual_scheme, applications)} == {_ROWS} and self.results.are_only_rows:
            return False  # a row says what is in it, with a type or without
        if not schemes or not schemes <= OVERWRITING_BACKENDS or self._ignores_results(tasks):
            return True
        if function.name in HOOKS:
            return function.name != "before_start"  # the others come when the end is stored
        if not any(task.function is function for task in tasks):  # who knows what follows a helper
            return any(task.function is not None and task.function.states(*_UNSTORED) for task in tasks)
        calls = self.functions.calls(module, function)
        return any(
            any(chain.endswith(_UNSTORED) for chain in later.chains if later.kind == "raise")
            or any(self._raises(module, calls[number]) for number in later.calls)
            for later in following(self.functions.of(module, function), step)
        )

    def _lost(
        self, module: Module, function: Function, step: Step, tasks: list[Task], meta: Value | None
    ) -> Literal["", "work", "result"]:
        """What comes after SUCCESS: work, a result that is not its ``meta``, or nothing that matters."""
        flow = self.functions.of(module, function)
        later_on = [later for later in following(flow, step) if flow.inside(later, "try", "finally") is None]
        calls = self.functions.calls(module, function)
        if any(later.kind != "return" and works(calls, later) for later in later_on):
            return "work"
        ends = [later for later in later_on if later.kind == "return" and later.value not in ("", "#None")]
        if all(meta is not None and _returns(function, end, meta) for end in ends):
            return ""
        schemes = {self.backends.scheme(one) for task in tasks for one in self.belonging.of(task)}
        return "result" if schemes <= KEYED_BACKENDS | {_FIRST_COMES, ""} else ""

    def _given(
        self, module: Module, function: Function, call: Call
    ) -> tuple[list[Task], dict[str, Value]] | None:
        """The tasks that a call is about, and its arguments by name; ``None`` if it sets no state."""
        names = _PARAMETERS.get(call.leaf())
        value = function.value_of(call) if names is not None else None
        if names is None or value is None or value.open_ended():
            return None
        chain = call.chain
        if call.leaf() == "store_result":
            if not chain.endswith(".backend.store_result"):
                return None
            chain = chain.removesuffix(".backend.store_result") + ".update_state"
        tasks = self.retry_calls.tasks_of(module, function, chain)
        if tasks is None or (tasks and all(map(self._has_no_run, tasks))):
            return None
        if any(self.task_options.has_own(task, call.leaf()) for task in tasks):
            return None
        arguments = dict(zip(names, value.items, strict=False))
        for name, item in value.keywords:
            arguments["meta" if name == "result" else name] = item
        return tasks, arguments

    def _has_no_run(self, task: Task) -> bool:
        """Whether nothing sends a task, or code calls it as a function where others send theirs."""
        return self.unsent.is_unsent(task) or self.sent.is_called_instead(task)

    def _is_own(self, call: Call, arguments: dict[str, Value]) -> bool:
        """Whether the state is that of the running task, not of one that is named."""
        given = arguments.get("task_id")
        if given is None or (given.kind == "constant" and given.data is None):
            return call.leaf() == "update_state"
        return given.chain.endswith(".request.id")

    def _state(self, module: Module, value: Value | None) -> str:
        """A state by its name: a string, or one of the constants of ``celery.states``."""
        if value is None:
            return ""
        if value.kind == "name" and value.chain[:1] != "%":
            entity = self.project.resolve(module, value.chain)
            if entity.kind == "external" and entity.name.startswith(_STATES):
                return entity.name.removeprefix(_STATES)
        return self.project.text(module, value) or ""

    def _raises_after(self, module: Module, flow: Flow, function: Function, step: Step) -> bool:
        """Whether the function may raise after a statement: then the task does not end with a result."""
        calls = self.functions.calls(module, function)
        around = [outer for outer in flow.ancestors(step) if outer.kind == "with"]
        for later in [*following(flow, step), *around]:
            if later.kind == "raise":
                return True
            for number in later.calls:
                if calls[number].leaf() in _LEAVING or self._raises(module, calls[number]):
                    return True
        return False

    def _raises(self, module: Module, call: Call) -> bool:
        """Whether a function of the project raises one of Celery's signals to the worker."""
        target = self.graph.target(module, call.chain)
        if target is None:
            return False
        steps = self.functions.of(*target).steps
        return any(
            chain.endswith(_UNSTORED) for step in steps if step.kind == "raise" for chain in step.chains
        )

    def _ignores_results(self, tasks: list[Task]) -> bool:
        """Whether the result of a task is not stored, or that cannot be told."""
        return any(
            self.in_force.results_ignored(task) or self.task_options.get(task, "ignore_result") is not None
            for task in tasks
        )

    # ------------------------------------------------------------------ progress, replace

    @facts
    def unthrottled(self) -> list[UnthrottledProgress]:
        """The states that are stored for every item of a ``for`` loop, under no condition."""
        found = []
        for state in self.calls:
            flow = self.functions.of(state.module, state.function)
            loop = in_loop(flow, state.step)
            if loop is None or loop.kind != "for":
                continue
            conditional = False
            for outer in flow.ancestors(state.step):
                if outer.number == loop.number:
                    break
                conditional = conditional or outer.kind in ("if", "match", "case", "handler")
            skips = any(
                step.kind == "continue" and step.number < state.step.number for step in flow.below(loop)
            )
            if not conditional and not skips:
                found.append(UnthrottledProgress(state, loop))
        return found

    @facts
    def replacements(self) -> list[Replacement]:
        """The calls of a task's ``replace`` whose line does not show that the task ends there."""
        found = []
        for module, function in self.project.calling(".replace"):
            if not function.name:
                continue
            flow = self.functions.of(module, function)
            for call in self.functions.calls(module, function):
                if not call.chain.endswith(".replace") or not call.is_statement:
                    continue
                step = flow.step_of(call)
                if step is None or step.kind != "expr" or self._is_expected(flow, step):
                    continue
                tasks = self.retry_calls.tasks_of(module, function, call.chain)
                if tasks is not None and not any(self.task_options.has_own(t, "replace") for t in tasks):
                    found.append(Replacement(module, call))
        return found

    def _is_expected(self, flow: Flow, step: Step) -> bool:
        """Whether a handler around a statement is for the exception that ``replace`` raises."""
        return any(
            chain.rpartition(".")[2] == "Ignore"
            for attempt in flow.attempts(step)
            for handler in flow.body(attempt, "handler")
            for chain in handler.chains
        )


def _returns(function: Function, end: Step, meta: Value) -> bool:
    """Whether a statement returns this very value."""
    if meta.kind == "name":
        return end.value == meta.chain
    values = (value for value in function.returns if value.span.line == end.span.line)
    return any(value.shape() == meta.shape() for value in values)


def _stores_again(call: Call, chain: str) -> bool:
    """Whether a call stores a state of the same task as that of this chain does."""
    return call.chain == chain and all(each.keyword != "task_id" for each in call.takes)

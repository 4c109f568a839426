"""Soft time limits: handlers that swallow one, and handlers for one that cannot come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from celery_lint.analysis.limits.terminations import Terminations
from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import Handler, Handlers, in_loop, is_tried
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.waiting import Waiting
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pool
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once
from celery_lint.project.memory import Remembered

_SOFT = "SoftTimeLimitExceeded"
_FULL_NAMES = frozenset(
    f"{module}.{_SOFT}" for module in ("celery.exceptions", "billiard.exceptions", "billiard")
)
_WITHOUT = ("threads", "solo", "gevent", "eventlet")
_ENFORCING = ("prefork", "processes")
# What catches the exception of a soft limit.
_NAMES = frozenset({"BaseException", "Exception", _SOFT})
# Calls that hand a message to a broker, or a value to a store: a limit hardly ever arrives in one.
_QUICK = frozenset(
    {"apply_async", "delay", "expire", "lpush", "publish", "rpush", "send_task", "set", "setex", "xadd"}
)
# What keeps one row of a database: a function of nothing else is over before anybody can stop it.
_BRIEF = _QUICK | {"add", "commit", "flush", "get", "refresh", "rollback"}
_LEAVING = frozenset({"break", "return", "raise"})


class SwallowedLimit(NamedTuple):
    """A handler, or a context manager, that swallows the one exception by which a soft limit ends a task.

    ``onward`` is what goes on then: ``loop``, ``step`` (the next one of the same kind, at ``where``),
    ``caller`` (the loop around the call at ``where``) or ``outer``: the task itself, whose handler for the
    limit at ``where`` gets nothing.
    """

    handler: Handler
    limit: Place
    onward: Literal["loop", "step", "caller", "outer"]
    where: Place | None


class DeadLimitHandler(NamedTuple):
    """A handler for a soft time limit that cannot come: none is set, or no pool (``pool``) enforces it."""

    body: Body
    step: Step
    pool: Pool | None


class SoftLimits:
    """The soft time limits that meet the handlers of tasks."""

    def __init__(self, known: Known) -> None:
        self.handlers = known.of(Handlers)
        self.project = known.project
        self.workers = known.of(Workers)
        self.bodies = known.of(Bodies)
        self.task_options = known.of(TaskOptions)
        self.in_force = known.of(OptionsInForce)
        self.functions = known.project.functions
        self.waiting = known.of(Waiting)
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.tasks = known.of(Tasks)
        self.time_limits = known.of(TimeLimits)
        self.terminations = known.of(Terminations)
        self._keeping = Remembered(self._is_keeping)

    @facts
    def swallowed(self) -> list[SwallowedLimit]:
        """The handlers after which a loop, or the next step, goes on although the time is over."""
        found: list[SwallowedLimit] = []
        bodies = [(body, [body.task]) for body in self.bodies.all]
        for body, tasks in [*bodies, *self.bodies.callees]:
            if body.function.is_async or body.role == "callee":
                here = self._in_the_thread.get(body.key, [])
                tasks = [task for task in tasks if task in here]
            limited = next((task for task in tasks if self._limit(task) is not None), None)
            limit = self._limit(limited) if limited is not None else None
            if limited is None or limit is None:
                continue
            found.extend(self._of_body(body._replace(task=limited), limit))
        return found

    def _of_body(self, body: Body, limit: Place) -> Iterator[SwallowedLimit]:
        """Those of one body; a function that does one item is told once, at the first of its handlers."""
        swallowing = list(self._swallowing(body))
        for handler in swallowing:
            onward = self._onward(handler, swallowing)
            if onward is not None:
                yield SwallowedLimit(handler, limit, *onward)
                if onward[0] == "caller":
                    return

    @once
    def _in_the_thread(self) -> dict[Key, list[Task]]:
        """The functions, coroutines too, that tasks with a limit run in their own thread, with the tasks.

        In a coroutine on the loop of another thread, or a function of an executor, the limit never arrives.
        """
        found: dict[Key, dict[Key, Task]] = {}
        for task in self.tasks.product:
            if task.function is None or self._limit(task) is None:
                continue
            receiver = self.graph.receiver(task)
            for module, function in [(self.graph.home(task), task.function), *self.graph.around(task)]:
                for inner_module, inner in self.graph.here(module, function, receiver):
                    found.setdefault((inner_module.path, inner.qualname), {})[task.key] = task
        for run in self.runs.all:
            here = found.get((run.module.path, run.function.qualname), {})
            for way in run.reached if run.kind not in ("bridge", "apart") else ():
                if way.task.key not in here:
                    continue
                for module, function in self.runs.handed_over(run, way):
                    for inner_module, inner in self.graph.here(module, function):
                        found.setdefault((inner_module.path, inner.qualname), {})[way.task.key] = way.task
        return {key: list(tasks.values()) for key, tasks in found.items()}

    def _limit(self, task: Task) -> Place | None:
        """Where the soft limit of a task is set, if a pool may enforce it."""
        elsewhere = self.workers.running(_WITHOUT, [task]) is not None
        if elsewhere and self.workers.running(_ENFORCING, [task]) is None:
            return None
        if self.workers.only(_WITHOUT, [task]) is not None:
            return None
        return self.time_limits.soft_limit(task)

    def _swallowing(self, body: Body) -> Iterator[Handler]:
        """The handlers and context managers of a body that keep the limit while something waits."""
        for handler in (*self.handlers.handlers_in(body), *self.handlers.managers_in(body, _NAMES)):
            if handler.everything or handler.earlier & {_SOFT} or not self._takes_time(handler):
                continue
            if not handler.raises or not self.handlers.raises(body, handler.step, _NAMES):
                yield handler

    def _takes_time(self, handler: Handler) -> bool:
        """Whether what is tried holds its thread up for something; to send a message hardly does."""
        body, flow = handler.body, handler.body.flow
        waits = self.waiting.blocks if body.function.is_async else self.waiting.waits
        calls = self.functions.calls(body.module, body.function)
        return any(
            calls[number].leaf() not in _QUICK
            and waits(body.module, calls[number])
            and not self._keeps(body.module, calls[number])
            and not self._is_brief(body.module, calls[number])
            for step in flow.below(handler.attempt)
            if is_tried(flow, handler.attempt, step) and self._arrives(body, step, handler.step)
            for number in step.calls
        )

    def _is_brief(self, module: Module, call: Call) -> bool:
        """Whether a call leads to a function that keeps one row, and perhaps sends a message, and no more."""
        target = self.graph.target(module, call.chain)
        if target is None:
            return False
        waiting = [
            inner.leaf()
            for inner_module, function in self.graph.closure(*target)
            for inner in self.functions.calls(inner_module, function)
            if self.waiting.waits(inner_module, inner)
            and self.graph.target(inner_module, inner.chain) is None
        ]
        return "commit" in waiting and _BRIEF.issuperset(waiting)

    def _arrives(self, body: Body, step: Step, end: Step | None) -> bool:
        """Whether a limit in a statement comes as far as a handler, or out of the function (``None``)."""
        inner = self.handlers.catcher(body, step, _NAMES)
        while inner is not None and inner is not end:
            if inner.kind == "with" or not self.handlers.raises(body, inner, _NAMES):
                return False
            inner = self.handlers.catcher(body, body.flow.steps[inner.parent], _NAMES)
        return inner is end

    def _keeps(self, module: Module, call: Call) -> bool:
        """Whether the function that a call leads to swallows the limit itself, wherever it waits."""
        target = self.graph.target(module, call.chain)
        body = self._bodies.get((target[0].path, target[1].qualname)) if target is not None else None
        if body is None:
            return False
        return self._keeping.of(body.key, body)

    def _is_keeping(self, body: Body) -> bool:
        """Whether nothing leaves a function when the time is over while it waits."""
        return not any(
            self._arrives(body, step, None)
            for step in body.flow.steps
            for number in step.calls
            if self.waiting.waits(body.module, self.functions.calls(body.module, body.function)[number])
        )

    @once
    def _bodies(self) -> dict[Key, Body]:
        """The functions with a ``try``, tasks and what they call."""
        return {**self.bodies.by_key, **{body.key: body for body, _ in self.bodies.callees}}

    def _onward(
        self, handler: Handler, swallowing: Sequence[Handler]
    ) -> tuple[Literal["loop", "step", "caller", "outer"], Place | None] | None:
        """What goes on once a handler has swallowed the limit, and where that stands."""
        body, flow, attempt = handler.body, handler.body.flow, handler.attempt
        inner = flow.below(handler.step) if handler.step is not attempt else []
        if in_loop(flow, attempt) is not None:
            return None if any(step.kind in ("break", "return") for step in inner) else ("loop", None)
        own = self.task_options.get(body.task, "soft_time_limit")
        if own is not None and not any(step.kind == "return" for step in inner):
            for other in swallowing:
                if self._follows(flow, attempt, other.attempt):
                    return "step", body.place(other.attempt)
        outer = self._waiting_for_it(body, attempt)
        if outer is not None:
            return "outer", body.place(outer)
        if body.role == "callee" and not any(step.kind == "raise" for step in flow.after(attempt)):
            where = self._repeated.get(body.key)
            return ("caller", where) if where is not None else None
        return None

    def _waiting_for_it(self, body: Body, attempt: Step) -> Step | None:
        """The handler for the limit that stands around a ``try``, in the same function."""
        current = attempt
        for around in body.flow.ancestors(attempt):
            if around.kind == "try" and current.role == "body":
                for handler in body.flow.body(around, "handler"):
                    if any(self._is_soft(body, chain) for chain in handler.chains):
                        return handler
            current = around
        return None

    def _follows(self, flow: Flow, first: Step, second: Step) -> bool:
        """Whether one of two statements always comes after the other."""
        if first.parent != second.parent or first.role != second.role or first.number >= second.number:
            return False
        around = flow.steps[first.parent] if first.parent >= 0 else None
        between = [s for s in flow.body(around, first.role) if first.number < s.number < second.number]
        return not any(s.kind in _LEAVING for each in between for s in (each, *flow.below(each)))

    @once
    def _repeated(self) -> dict[Key, Place]:
        """The functions that tasks call in a loop that nothing but its end ends, and where."""
        found: dict[Key, Place] = {}
        keys = {*self.graph.reached, *self.bodies.by_key, *self.runs.task_coroutines}
        for module, function in self.project.modules.functions_at(sorted(keys)):
            if not (function.has("for") or function.has("while")):
                continue
            flow = self.functions.of(module, function)
            for call in self.functions.calls(module, function):
                step = flow.step_of(call) if not call.in_lambda else None
                loop = in_loop(flow, step) if step is not None else None
                if loop is None or any(inner.kind in _LEAVING for inner in flow.below(loop)):
                    continue
                target = self.graph.target(module, call.chain)
                if target is not None:
                    found.setdefault((target[0].path, target[1].qualname), module.place(call.span))
        return found

    @facts
    def dead(self) -> list[DeadLimitHandler]:
        """The handlers that wait for a limit which cannot come."""
        if self._raised_by_hand or self.terminations.raise_soft_limits:
            return []
        found: list[DeadLimitHandler] = []
        for body in self.bodies.all:
            for step in body.flow.steps:
                if step.kind == "handler" and len(step.chains) == 1 and self._is_soft(body, step.value):
                    found.extend(self._dead(body, step))
        return found

    def _dead(self, body: Body, step: Step) -> Iterator[DeadLimitHandler]:
        own = self.task_options.get(body.task, "soft_time_limit")
        if own is not None and not (own[1].kind == "constant" and own[1].data is None):
            return  # a limit that no pool enforces is told where it is set
        pool = self.workers.only(_WITHOUT, [body.task])
        if pool is not None:
            if not self.in_force.settings_of(body.task, "task_soft_time_limit"):
                yield DeadLimitHandler(body, step, pool)
        elif not self.time_limits.soft_limit_possible(body.task):
            yield DeadLimitHandler(body, step, None)

    def _is_soft(self, body: Body, chain: str) -> bool:
        if not chain.endswith(_SOFT):
            return False
        return self.project.resolve(body.module, chain).name in _FULL_NAMES

    @once
    def _raised_by_hand(self) -> bool:
        """Whether the project raises the exception of a soft limit itself."""
        return any(
            step.kind == "raise" and step.value.removesuffix("()").endswith(_SOFT)
            for module, function in self.project.stating(_SOFT)
            if any(name.endswith(_SOFT) for name in module.imports.values())
            for step in self.functions.of(module, function).steps
        )

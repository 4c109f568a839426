"""Soft time limits: handlers that swallow one, and handlers for one that cannot come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import Handler, Handlers, in_loop, is_tried
from celery_lint.inventory.code.waiting import Waiting
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts, once

_SOFT = "SoftTimeLimitExceeded"
_FULL_NAMES = frozenset(
    f"{module}.{_SOFT}" for module in ("celery.exceptions", "billiard.exceptions", "billiard")
)
_WITHOUT = ("threads", "solo", "gevent", "eventlet")


class SwallowedLimit(NamedTuple):
    """A handler in a loop that swallows the one exception by which a soft limit ends a task."""

    handler: Handler
    limit: Place


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
        self.pools = known.of(Pools)
        self.bodies = known.of(Bodies)
        self.task_options = known.of(TaskOptions)
        self.settings = known.of(Settings)
        self.functions = known.project.functions
        self.waiting = known.of(Waiting)
        self.time_limits = known.of(TimeLimits)

    @facts
    def swallowed(self) -> list[SwallowedLimit]:
        """The handlers after which a loop goes on although its time is over."""
        if self.pools.only(*_WITHOUT):
            return []
        found: list[SwallowedLimit] = []
        for handler in self.handlers.handlers:
            found.extend(self._swallowed(handler, [handler.body.task]))
        for body, tasks in self.bodies.callees:
            if not body.function.is_async:
                for handler in self.handlers.handlers_in(body):
                    found.extend(self._swallowed(handler, tasks))
        return found

    def _swallowed(self, handler: Handler, tasks: Sequence[Task]) -> Iterator[SwallowedLimit]:
        """The fact about a handler, with the first of the tasks that a soft limit holds for."""
        if handler.body.role == "coroutine" or handler.everything or handler.raises:
            return
        if handler.earlier & {_SOFT} or not self._goes_on(handler):
            return
        for task in tasks:
            limit = self.time_limits.soft_limit(task)
            if limit is not None:
                yield SwallowedLimit(handler._replace(body=handler.body._replace(task=task)), limit)
                return

    def _goes_on(self, handler: Handler) -> bool:
        """Whether a loop of the body goes on after the handler, and what it tries waits for something."""
        flow = handler.body.flow
        loop = in_loop(flow, handler.attempt)
        if loop is None:
            return False
        inner = flow.below(handler.step)
        if any(step.kind in ("break", "return") for step in inner):
            return False
        calls = self.functions.calls(handler.body.module, handler.body.function)
        return any(
            self.waiting.waits(handler.body.module, calls[number])
            for step in flow.below(handler.attempt)
            if is_tried(flow, handler.attempt, step)
            for number in step.calls
        )

    @facts
    def dead(self) -> list[DeadLimitHandler]:
        """The handlers that wait for a limit which cannot come."""
        if self._raised_by_hand:
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
        if self.pools.only(*_WITHOUT):
            if not self.settings.named("task_soft_time_limit"):
                yield DeadLimitHandler(body, step, self.pools.known[0])
        elif not self.time_limits.soft_limit_possible(body.task):
            yield DeadLimitHandler(body, step, None)

    def _is_soft(self, body: Body, chain: str) -> bool:
        if not chain.endswith(_SOFT):
            return False
        return self.project.resolve(body.module, chain).name in _FULL_NAMES

    @once
    def _raised_by_hand(self) -> bool:
        """Whether the project raises the exception of a soft limit itself."""
        for module in self.project.product_modules():
            if not any(name.endswith(_SOFT) for name in module.imports.values()):
                continue
            for function in module.functions.values():
                if function.states(_SOFT) and any(
                    step.kind == "raise" and step.value.removesuffix("()").endswith(_SOFT)
                    for step in self.functions.of(module, function).steps
                ):
                    return True
        return False

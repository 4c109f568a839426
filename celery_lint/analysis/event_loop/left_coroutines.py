"""Coroutines that a soft time limit leaves behind on their event loop."""

from __future__ import annotations

from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.known import Known, facts

_LIMIT = "SoftTimeLimitExceeded"
# What a helper that cleans up after an interrupted coroutine does.
_CANCELS = frozenset({"cancel", "all_tasks"})


class LeftCoroutine(NamedTuple):
    """A run that a soft time limit of the task ends without ending the coroutine.

    ``limit`` is where the limit is set, ``clean_up`` the ``async with`` or ``finally`` that does not run.
    """

    run: LoopRun
    task: Task
    limit: Place
    clean_up: Place
    pool: Pool


class LeftCoroutines:
    """The coroutine runs that do not survive a soft time limit cleanly."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.pools = known.of(Pools)
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.workers = known.of(Workers)
        self.time_limits = known.of(TimeLimits)

    @facts
    def all(self) -> list[LeftCoroutine]:
        """One for each run, with the first task that a soft limit holds for."""
        if not self.pools.all.known:
            return []
        found = []
        for run in self.runs.all:
            if run.kind in ("new", "current", "kept") and run.coroutines and not self._cancels(run):
                left = next((left for way in run.reached if (left := self._left(run, way))), None)
                if left is not None:
                    found.append(left)
        return found

    def _cancels(self, run: LoopRun) -> bool:
        """Whether the function of the run cancels what was interrupted, or catches the limit itself."""
        calls = self.functions.calls(run.module, run.function)
        if any(call.leaf() in _CANCELS for call in calls):
            return True
        for callee in self.graph.callees(run.module, run.function):
            helper = callee.function
            if callee.is_called and not helper.is_async and helper.may_call(*_CANCELS):
                return True
        flow = self.functions.of(run.module, run.function)
        step = flow.step_of(run.call)
        around = flow.ancestors(step) if step is not None else ()
        return any(
            chain.endswith(_LIMIT)
            for ancestor in around
            if ancestor.kind == "try"
            for handler in flow.body(ancestor, "handler")
            for chain in handler.chains
        )

    def _left(self, run: LoopRun, way: Reached) -> LeftCoroutine | None:
        pool = self.workers.running(("prefork",), [way.task])
        limit = self.time_limits.soft_limit(way.task) if pool is not None else None
        if pool is None or limit is None:
            return None
        for module, function in self.runs.handed_over(run, way):
            clean_up = self._clean_up(module, function, run.kind != "new")
            if clean_up is not None:
                return LeftCoroutine(run, way.task, limit, clean_up, pool)
        return None

    def _clean_up(self, module: Module, function: Function, resumed: bool) -> Place | None:
        """What a coroutine does at its end whatever happens: leave a context, run a ``finally``.

        A coroutine that nobody resumes runs a ``finally`` up to its first ``await``, when it is collected.
        """
        flow = self.functions.of(module, function)
        for step in flow.steps:
            if step.kind == "with" and step.waits:
                return module.place(step.span)
            if step.kind == "try":
                last = [s for direct in flow.body(step, "finally") for s in (direct, *flow.below(direct))]
                if any(resumed or inner.waits for inner in last):
                    return module.place(step.span)
        return None

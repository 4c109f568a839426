"""Disposals in a row of which the first one may be interrupted, so that the others are skipped.

SQLAlchemy logs what goes wrong with single connections and goes on, so that a disposal alone raises nothing.
What interrupts it was tried on a worker: a soft time limit under ``asyncio.run`` (which cancels what it runs,
where ``run_until_complete`` leaves it standing and ``async_to_sync`` runs it in a thread to its end), and
whoever waits for it with a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from celery_lint.analysis.resources.disposals.order import DisposalOrder
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.awaited_disposals import EngineDisposal
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# These cancel what is awaited inside, or what they are given, when its time is over or another fails.
_LIMITING = frozenset({"wait_for", "timeout", "timeout_at", "fail_after", "move_on_after"})
_GROUPING = frozenset({"TaskGroup", "create_task_group"})
_CANCELLING = _LIMITING | _GROUPING
_DISPOSE = "dispose"
_EVERYTHING = frozenset({"~Exception", "~BaseException"})


class UnguardedDisposal(NamedTuple):
    """A disposal that another one stands behind, and what may interrupt it: where, and in words."""

    first: EngineDisposal
    second: EngineDisposal
    place: Place
    why: str


class UnguardedDisposals:
    """The disposals of several engines in one list of statements of a ``finally``."""

    def __init__(self, known: Known) -> None:
        self.order = known.of(DisposalOrder)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.runs = known.of(Runs)
        self.workers = known.of(Workers)
        self.limits = known.of(TimeLimits)

    @facts
    def all(self) -> list[UnguardedDisposal]:
        """The first of each list of statements that something may interrupt."""
        found: list[UnguardedDisposal] = []
        for chain in self.order.chains:
            seen: set[tuple[int, ...]] = set()
            known = [each for each in chain.disposals if each.block and each.resolved]
            for first, second in pairwise(sorted(known, key=lambda each: each.block)):
                if first.block != second.block or first.block in seen or first.engines == second.engines:
                    continue
                interrupted = self._interrupted(chain.module, chain.function, first)
                if interrupted is not None:
                    seen.add(first.block)
                    found.append(UnguardedDisposal(first, second, *interrupted))
        return found

    def _interrupted(
        self, module: Module, function: Function, first: EngineDisposal
    ) -> tuple[Place, str] | None:
        """What may interrupt a disposal, and how it does so."""
        raised = self._raised(first)
        if raised is not None:
            return raised, "this may raise"
        here = self._limited_here(module, function, first)
        if here is not None:
            return here, "this cancels what takes too long"
        for run in self.runs.all:
            if self._leads_to(run.coroutines, module, function):
                place = self._limit(run)
                if place is not None:
                    return place, "this soft time limit cancels the coroutine"
                place = next(self._cancelled(run, module, function), None)
                if place is not None:
                    return place, "this may cancel it"
        return None

    def _raised(self, disposal: EngineDisposal) -> Place | None:
        """The statement of a function of the project around ``dispose()`` that may raise."""
        if disposal.by is None:
            return None
        for module, function in self.project.modules.functions_at([disposal.by]):
            flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
            for step in flow.steps:
                awaited = (calls[number] for number in step.calls if calls[number].is_awaited)
                raises = step.kind == "raise" or any(call.leaf() != _DISPOSE for call in awaited)
                if raises and not _is_caught(flow, step):
                    return module.place(step.span)
        return None

    def _limit(self, run: LoopRun) -> Place | None:
        """The soft time limit of a task that reaches the run, where it cancels what is run."""
        if run.kind != "run" or not run.runner.endswith(".run"):
            return None
        for way in run.reached:
            limit = self.limits.soft_limit(way.task) if self.workers.forks([way.task]) else None
            if limit is not None:
                return limit
        return None

    def _leads_to(
        self, coroutines: tuple[tuple[Module, Function], ...], module: Module, function: Function
    ) -> bool:
        return any((module, function) in self.graph.deep_closure(*each) for each in coroutines)

    def _cancelled(self, run: LoopRun, module: Module, function: Function) -> Iterator[Place]:
        """What cancels a coroutine on the way to a function."""
        ways = [pair for each in run.coroutines for pair in self.graph.deep_closure(*each)]
        for home, outer in [(run.module, run.function), *ways]:
            if outer is function or not outer.may_call(*_CANCELLING):
                continue
            flow, calls = self.functions.of(home, outer), self.functions.calls(home, outer)
            for call in calls:
                if call.leaf() not in _CANCELLING:
                    continue
                step = flow.step_of(call)
                inside = [call]
                if step is not None and step.kind == "with":
                    inside = [calls[number] for inner in flow.below(step) for number in inner.calls]
                if any(self._comes_to(home, outer, each, module, function) for each in inside):
                    yield home.place(call.span)

    def _comes_to(
        self, home: Module, outer: Function, call: Call, module: Module, function: Function
    ) -> bool:
        """Whether a call, or what it is given, runs a function."""
        given = [self.graph.target(home, call.chain)]
        for argument in call.takes:
            given += self.graph.arguments(home, outer, argument)
        return any(target is not None and self._leads_to((target,), module, function) for target in given)

    def _limited_here(self, module: Module, function: Function, first: EngineDisposal) -> Place | None:
        """The block with a limit that a disposal stands in."""
        if not function.may_call(*_LIMITING):
            return None
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        made = next((call for call in calls if call.span == first.place.span), None)
        step = flow.step_of(made) if made is not None else None
        for outer in flow.ancestors(step) if step is not None else ():
            entered = (calls[number] for number in outer.calls) if outer.kind == "with" else ()
            if any(call.leaf() in _LIMITING for call in entered):
                return module.place(outer.span)
        return None


def _is_caught(flow: Flow, step: Step) -> bool:
    """Whether whatever a statement raises ends in a handler of its function."""
    return any(
        not handler.chains or not _EVERYTHING.isdisjoint(handler.chains)
        for attempt in flow.attempts(step)
        for handler in flow.body(attempt, "handler")
        if not flow.ends(flow.body(handler)) or flow.body(handler)[-1].kind != "raise"
    )

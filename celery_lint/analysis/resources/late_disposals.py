"""Engines that are disposed of on another loop than the one that their connections belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import Loops
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.resources import Resources
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts


class LateDisposal(NamedTuple):
    """A run of ``engine.dispose()`` on a new loop, after the run that used the engine."""

    engine: str
    place: Place
    used: Place


class LateDisposals:
    """The disposals that come after the loop of the connections is closed."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.resources = known.of(Resources)
        self.loops = known.of(Loops)

    @facts
    def all(self) -> list[LateDisposal]:
        """Every such run in the functions that tasks reach."""
        found: list[LateDisposal] = []
        for module, function, _ in self.graph.synchronous:
            if function.may_call("dispose"):
                found += self._of_function(module, function)
        return found

    def _of_function(self, module: Module, function: Function) -> Iterator[LateDisposal]:
        calls = self.functions.calls(module, function)
        for call in calls:
            engine = self.resources.disposed_by(module, call)
            if engine is None or engine.origin is None or call.parent < 0 or call.is_awaited:
                continue
            around = calls[call.parent]
            late = self._run(module, function, around)
            if late is None:
                continue
            for earlier in calls:
                if earlier.span[:2] >= around.span[:2]:
                    continue
                used = self._use(module, function, earlier, engine.origin)
                run = self._run(module, function, earlier) if used is not None else None
                if used is not None and run is not None and not _on_one_loop(run, late, function):
                    yield LateDisposal(engine.origin[1], module.place(around.span), used)
                    break

    def _run(self, module: Module, function: Function, call: Call) -> LoopRun | None:
        """The run that a call is or leads to, if it is on a loop made for it, in a pool of processes."""
        run = self._leads_to(module, function, call)
        if run is None or run.kind not in ("run", "new", "bridge") or not self.loops.renews(run):
            return None
        return run if self.loops.pool_of(run, "gevent", "eventlet", "threads") is None else None

    def _leads_to(self, module: Module, function: Function, call: Call) -> LoopRun | None:
        """The run that a call is, or that the helper makes which it calls."""
        target = self.graph.target(module, call.chain)
        for run in self.runs.all:
            if run.module is module and run.function is function and run.call.number == call.number:
                return run
            if target is not None and run.helper and run.function is target[1]:
                return run
        return None

    def _use(self, module: Module, function: Function, call: Call, engine: Key) -> Place | None:
        """Where the coroutine that a call runs uses an engine."""
        for argument in call.takes[:2]:
            for target in self.runs.coroutine_functions(module, function, argument):
                for inner_module, inner in self.graph.deep_closure(*target):
                    for inner_call in self.functions.calls(inner_module, inner):
                        resource = self.resources.used_by(inner_module, inner_call)
                        if resource is not None and resource.key == engine and resource.pooled:
                            return inner_module.place(inner_call.span)
        return None


def _on_one_loop(one: LoopRun, other: LoopRun, function: Function) -> bool:
    """Whether a function runs two coroutines on one loop that it makes."""
    return one.kind == other.kind == "new" and one.function is other.function is function

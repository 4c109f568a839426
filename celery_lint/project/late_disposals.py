"""Engines that are disposed of on another loop than the one that their connections belong to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from celery_lint.model.facts import Call, Function, Module, Place
from celery_lint.project.event_loops import LoopRun
from celery_lint.project.sharing import Sharing


class LateDisposal(NamedTuple):
    """A run of ``engine.dispose()`` on a new loop, after the run that used the engine."""

    engine: str
    place: Place
    used: Place


class LateDisposals:
    """The disposals that come after the loop of the connections is closed."""

    def __init__(self, sharing: Sharing) -> None:
        self.sharing = sharing
        self.project = sharing.project
        self.loops = sharing.event_loops
        self.calls = sharing.event_loops.calls

    @cached_property
    def all(self) -> list[LateDisposal]:
        """Every such run in the functions that tasks reach."""
        found: list[LateDisposal] = []
        with self.project.asking("hint"):
            for module, function, _ in self.loops.synchronous:
                if "dispose\t" in function.packed_calls:
                    found += self._of_function(module, function)
        return found

    def _of_function(self, module: Module, function: Function) -> Iterator[LateDisposal]:
        calls = self.calls.calls(module, function)
        for call in calls:
            engine = self.loops.resources.disposed_by(module, call)
            if engine is None or engine.origin is None or call.parent < 0 or "a" in call.flags:
                continue
            around = calls[call.parent]
            if not self._has_its_own_loop(module, function, around):
                continue
            for earlier in calls:
                if earlier.span[:2] < around.span[:2] and earlier.number != call.number:
                    used = self._use(module, function, earlier, engine.origin)
                    if used is not None and self._has_its_own_loop(module, function, earlier):
                        yield LateDisposal(engine.origin[1], module.place(around.span), used)
                        break

    def _has_its_own_loop(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a call runs its argument on a loop made for it, in a pool where that is all there is."""
        run = self._run(module, function, call)
        if run is None or run.kind not in ("run", "new", "bridge") or not self.sharing.renews(run):
            return False
        if run.kind == "new" and run.function is function:
            return False  # several runs on one loop that the function makes
        return self.sharing.pool_of(run, "gevent", "eventlet", "threads") is None

    def _run(self, module: Module, function: Function, call: Call) -> LoopRun | None:
        """The run that a call is, or that the helper makes which it calls."""
        target = self.calls.target(module, call.chain)
        for run in self.sharing.runs:
            if run.module is module and run.function is function and run.call.number == call.number:
                return run
            if target is not None and run.helper and run.function is target[1]:
                return run
        return None

    def _use(self, module: Module, function: Function, call: Call, engine: tuple[str, str]) -> Place | None:
        """Where the coroutine that a call runs uses an engine."""
        for argument in call.arguments[:2]:
            target = self.loops.coroutine_function(module, function, argument)
            if target is None:
                continue
            for inner_module, inner in self.calls.closure(*target):
                for inner_call in self.calls.calls(inner_module, inner):
                    resource = self.loops.resources.used_by(inner_module, inner_call)
                    if resource is not None and resource.key == engine and resource.pooled:
                        return inner_module.place(inner_call.span)
        return None

"""The event loops that runs leave to the next: which are made anew, which are shared, and in which pool."""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.pools import Pool
from celery_lint.inventory.workers.running import Workers
from celery_lint.libraries.asyncio import RUN_THREADSAFE
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once

SEVERAL_LOOPS = ("gevent", "eventlet", "threads")


class Submission(NamedTuple):
    """A coroutine that a plain function of a task hands to a loop in another thread; ``loop`` if known."""

    module: Module
    function: Function
    call: Call
    reached: tuple[Reached, ...]
    loop: Entity
    coroutines: tuple[tuple[Module, Function], ...]


class Loops:
    """The loops of a project's coroutine runs."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.workers = known.of(Workers)
        self.runs = known.of(Runs)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def pool_of(self, run: LoopRun, *names: str) -> Pool | None:
        """The pool of these names that runs the tasks of a run."""
        return self.workers.running(names, (reached.task for reached in run.reached))

    def renews(self, run: LoopRun) -> bool:
        """Whether every call of a run has an event loop of its own."""
        if run.kind in ("new", "bridge"):
            return True
        return run.kind == "run" and not (run.adaptive and self._beside_the_thread(run))

    def _beside_the_thread(self, run: LoopRun) -> bool:
        """Whether the same function runs coroutines on the loop of the thread, and this is for exceptions.

        A loop that is running already runs none of them: `get_running_loop().run_until_complete` fails.
        """
        return any(
            other.function is run.function
            and other.kind == "current"
            and not other.call.chain.endswith("get_running_loop().run_until_complete")
            for other in self.runs.all
        )

    @once
    def across(self) -> list[LoopRun]:
        """The runs after which the next task of the process has another loop."""
        return [
            run
            for run in self.runs.all
            if self.renews(run) or (run.kind == "current" and self.pool_of(run, *SEVERAL_LOOPS))
        ]

    def loop_of(self, run: LoopRun) -> Entity:
        """The loop, or runner, that a run calls a method of."""
        return self.project.resolve(run.module, run.call.chain.rpartition(".")[0])

    @once
    def submissions(self) -> list[Submission]:
        """The coroutines that tasks hand to a loop of another thread."""
        found = []
        for module, function, reached in self.graph.synchronous:
            if not function.may_call("run_coroutine_threadsafe"):
                continue
            for call in self.functions.calls(module, function):
                if call.leaf() != "run_coroutine_threadsafe" or len(call.takes) < 2:
                    continue
                entity = self.project.resolve(module, call.chain)
                if entity.kind == "external" and entity.name in RUN_THREADSAFE:
                    found.append(self._submission(module, function, call, reached))
        return found

    def _submission(
        self, module: Module, function: Function, call: Call, reached: Sequence[Reached]
    ) -> Submission:
        _, coroutines = self.runs.coroutines_of(module, function, call, False, reached)
        given = call.argument(1, "loop")
        chain = given.chain
        if given.kind == "call":
            chain = f"{self.functions.calls(module, function)[given.number].chain}()"
        loop = self.project.resolve(module, chain)
        return Submission(module, function, call, tuple(reached), loop, tuple(coroutines))

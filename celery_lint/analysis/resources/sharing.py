"""Engines and clients of one worker process that coroutines on several event loops use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from celery_lint.inventory.code.graph import Reached
from celery_lint.inventory.code.runs import EventLoops, LoopRun, Use
from celery_lint.inventory.resources.resources import Resource
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.libraries.asyncio import RUN_THREADSAFE
from celery_lint.model.facts import Call, Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts

Story = tuple[tuple[Place, str], ...]

_SEVERAL_LOOPS = ("gevent", "eventlet", "threads")


class SharedClient(NamedTuple):
    """A client that a run leaves bound to its loop when another comes. ``pool``: because of that pool."""

    run: LoopRun
    use: Use
    pool: Pool | None


class SharedEngine(NamedTuple):
    """An async engine that the loops of several threads use at the same time, whatever its pool class."""

    resource: Resource
    pool: Pool
    runs: tuple[LoopRun, ...]


class Owner(NamedTuple):
    """Something that runs coroutines on a loop of its own: ``label`` for people, ``kept`` for the process."""

    loop: Key
    label: str
    kept: bool
    place: Place
    tasks: tuple[Task, ...]
    engines: tuple[Use, ...]


class EngineOfOwners(NamedTuple):
    """A pooled engine that several owners of loops use in one worker process."""

    resource: Resource
    owners: tuple[Owner, ...]


class Submission(NamedTuple):
    """A coroutine that a plain function of a task hands to a loop in another thread; ``loop`` if known."""

    module: Module
    function: Function
    call: Call
    reached: tuple[Reached, ...]
    loop: Entity
    engines: tuple[Use, ...]


class Sharing:
    """What the coroutine runs of a project share."""

    def __init__(self, known: Known) -> None:
        self.event_loops = known.of(EventLoops)
        self.project = known.project
        self.pools = known.of(Pools)
        self.queues = known.of(Queues)
        self.flows = known.project.flows

    # ------------------------------------------------------------------ runs and their loops

    def pool_of(self, run: LoopRun, *names: str) -> Pool | None:
        """The pool of these names that runs the tasks of a run."""
        return self.pools.running(names, self.queues.of(reached.task for reached in run.reached))

    def renews(self, run: LoopRun) -> bool:
        """Whether every call of a run has an event loop of its own."""
        if run.kind in ("new", "bridge"):
            return True
        return run.kind == "run" and not (run.adaptive and self._beside_the_thread(run))

    def _beside_the_thread(self, run: LoopRun) -> bool:
        """Whether the same function runs coroutines on the loop of the thread, and this is for exceptions."""
        return any(other.function is run.function and other.kind == "current" for other in self.runs)

    @cached_property
    def runs(self) -> list[LoopRun]:
        """All coroutine runs."""
        return self.event_loops.runs

    @cached_property
    def across(self) -> list[LoopRun]:
        """The runs after which the next task of the process has another loop."""
        return [
            run
            for run in self.runs
            if self.renews(run) or (run.kind == "current" and self.pool_of(run, *_SEVERAL_LOOPS))
        ]

    def loop_of(self, run: LoopRun) -> Entity:
        """The loop, or runner, that a run calls a method of."""
        with self.project.asking("hint"):
            return self.project.resolve(run.module, run.call.chain.rpartition(".")[0])

    # ------------------------------------------------------------------ clients and engines

    @facts
    def clients(self) -> list[SharedClient]:
        """The clients that ``asyncio.run`` has nothing to do with: its own are told where it is called."""
        found: dict[Place, SharedClient] = {}
        for run in self.across:
            if run.kind == "run" and not run.adaptive:
                continue
            pool = None if self.renews(run) else self.pool_of(run, *_SEVERAL_LOOPS)
            for use in run.uses:
                if use.resource.kind == "client":
                    found.setdefault(use.place, SharedClient(run, use, pool))
        return list(found.values())

    @facts
    def engines(self) -> list[SharedEngine]:
        """The engines that several threads share although they are disposed of, or pool nothing."""
        found: dict[Key, SharedEngine] = {}
        for run in self.runs:
            plain = run.kind == "run" and not run.adaptive
            pool = self.pool_of(run, "threads") if run.kind in ("run", "new", "bridge", "current") else None
            if pool is None or plain:
                continue
            told = {use.resource.key for use in run.uses}
            for use in run.engines:
                key = use.resource.key
                if key not in told:
                    known = found.get(key) or SharedEngine(use.resource, pool, ())
                    found[key] = known._replace(runs=(*known.runs, run))
        return list(found.values())

    # ------------------------------------------------------------------ owners

    @cached_property
    def submissions(self) -> list[Submission]:
        """The coroutines that tasks hand to a loop of another thread."""
        found = []
        with self.project.asking("hint"):
            for module, function, reached in self.event_loops.synchronous:
                if not function.may_call("run_coroutine_threadsafe"):
                    continue
                for call in self.flows.calls(module, function):
                    if call.leaf() != "run_coroutine_threadsafe" or len(call.takes) < 2:
                        continue
                    entity = self.project.resolve(module, call.chain)
                    if entity.kind == "external" and entity.name in RUN_THREADSAFE:
                        found.append(self._submission(module, function, call, reached))
        return found

    def _submission(
        self, module: Module, function: Function, call: Call, reached: Sequence[Reached]
    ) -> Submission:
        _, coroutines = self.event_loops.coroutines_of(module, function, call, "kept", reached)
        engines, _ = self.event_loops.uses_of(coroutines, (module, function), reached, call)
        given = call.argument(1, "loop")
        chain = given.chain
        if given.kind == "call":
            chain = f"{self.flows.calls(module, function)[given.number].chain}()"
        loop = self.project.resolve(module, chain)
        return Submission(module, function, call, tuple(reached), loop, engines)

    @facts
    def divided(self) -> list[EngineOfOwners]:
        """The pooled engines with several owners, where no single run is to blame and the pool is known."""
        owners = list(self._owners()) if self.pools.known else []
        found = []
        for key, resource in self._pooled(owners).items():
            mine = [owner for owner in owners if any(use.resource.key == key for use in owner.engines)]
            kept = next((owner for owner in mine if owner.kept), None)
            if kept is None:
                continue
            others = [o for o in mine if o.loop != kept.loop and self._meet(kept, o)]
            if others:
                found.append(EngineOfOwners(resource, (kept, *others)))
        return found

    def _pooled(self, owners: list[Owner]) -> dict[Key, Resource]:
        found = {}
        for owner in owners:
            for use in owner.engines:
                if use.resource.pooled:
                    found[use.resource.key] = use.resource
        return found

    def _meet(self, one: Owner, other: Owner) -> bool:
        """Whether the tasks of two owners may share a process: unless their queues say otherwise."""
        here, there = self.queues.of(one.tasks), self.queues.of(other.tasks)
        return not (here and there and here.isdisjoint(there))

    def _owners(self) -> Iterator[Owner]:
        sets_loops = False
        for run in self.runs:
            sets_loops = sets_loops or run.function.may_call("set_event_loop")
        for run in self.runs:
            if not run.engines or self.pool_of(run, *_SEVERAL_LOOPS) is not None:
                continue
            tasks = tuple(reached.task for reached in run.reached)
            if run.kind == "apart":
                yield Owner(("", "run_async"), run.runner, True, run.place, tasks, run.engines)
            elif run.kind == "kept":
                origin = self.loop_of(run).origin
                if origin is not None:
                    yield Owner(origin, origin[1], True, run.place, tasks, run.engines)
            elif run.kind == "current" and not sets_loops:
                yield Owner(("", ""), "get_event_loop", True, run.place, tasks, run.engines)
            elif self.renews(run):
                told = {use.resource.key for use in run.uses}
                engines = tuple(use for use in run.engines if use.resource.key not in told)
                loop_of_run = run.module.path, str(run.call.span.line)
                yield Owner(loop_of_run, run.runner, False, run.place, tasks, engines)
        for given in self.submissions:
            if given.loop.origin is not None and self._alone(given):
                tasks = tuple(reached.task for reached in given.reached)
                place = given.module.place(given.call.span)
                loop = given.loop.origin
                yield Owner(loop, loop[1], True, place, tasks, given.engines)

    def _alone(self, given: Submission) -> bool:
        """Whether the pool of a submission has one thread, as its owner believes."""
        queues = self.queues.of(reached.task for reached in given.reached)
        return self.pools.running(("gevent", "eventlet"), queues) is None

"""Engines and clients of one worker process that coroutines on several event loops use."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from celery_lint.inventory.code.loops import OF_THE_THREAD, SEVERAL_LOOPS, Loops, Submission
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.resources import Resource
from celery_lint.inventory.resources.uses import Use, Uses
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.inventory.workers.running import Workers
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

Story = tuple[tuple[Place, str], ...]


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


class Sharing:
    """What the coroutine runs of a project share."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.pools = known.of(Pools)
        self.queues = known.of(Queues)
        self.workers = known.of(Workers)
        self.uses = known.of(Uses)
        self.loops = known.of(Loops)
        self.runs = known.of(Runs)

    # ------------------------------------------------------------------ clients and engines

    @facts
    def clients(self) -> list[SharedClient]:
        """The clients that ``asyncio.run`` has nothing to do with: its own are told where it is called."""
        found = []
        for run in self.loops.across:
            if run.is_plain:
                continue
            pool = None if self.loops.renews(run) else self.loops.pool_of(run, *SEVERAL_LOOPS)
            for use in self.uses.of(run).outliving:
                if use.resource.kind == "client" and use.resource.cause not in self.uses.told:
                    found.append(SharedClient(run, use, pool))
        return found

    @facts
    def engines(self) -> list[SharedEngine]:
        """The engines that several threads share although they are disposed of, or pool nothing."""
        found: dict[Key, SharedEngine] = {}
        for run in self.runs.all:
            plain = run.is_plain
            pool = (
                self.loops.pool_of(run, "threads")
                if run.kind in ("run", "new", "bridge", *OF_THE_THREAD)
                else None
            )
            if pool is None or plain:
                continue
            told = {use.resource.key for use in self.uses.of(run).outliving}
            for use in self.uses.of(run).engines:
                key = use.resource.key
                if key not in told:
                    known = found.get(key) or SharedEngine(use.resource, pool, ())
                    found[key] = known._replace(runs=(*known.runs, run))
        return list(found.values())

    # ------------------------------------------------------------------ owners

    @facts
    def divided(self) -> list[EngineOfOwners]:
        """The pooled engines with several owners, where no single run is to blame and the pool is known."""
        owners = list(self._owners()) if self.pools.all.known else []
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
        for run in self.runs.all:
            sets_loops = sets_loops or run.function.may_call("set_event_loop")
        for run in self.runs.all:
            if not self.uses.of(run).engines or self.loops.pool_of(run, *SEVERAL_LOOPS) is not None:
                continue
            tasks = tuple(reached.task for reached in run.reached)
            if run.kind == "apart":
                yield Owner(("", "run_async"), run.runner, True, run.place, tasks, self.uses.of(run).engines)
            elif run.kind == "kept":
                origin = self.loops.loop_of(run).origin
                if origin is not None:
                    yield Owner(origin, origin[1], True, run.place, tasks, self.uses.of(run).engines)
            elif run.kind in OF_THE_THREAD and not sets_loops and not self._needs_a_running(run):
                yield Owner(("", ""), "get_event_loop", True, run.place, tasks, self.uses.of(run).engines)
            elif self.loops.renews(run):
                told = {use.resource.key for use in self.uses.of(run).outliving}
                engines = tuple(use for use in self.uses.of(run).engines if use.resource.key not in told)
                loop_of_run = run.module.path, str(run.call.span.line)
                yield Owner(loop_of_run, run.runner, False, run.place, tasks, engines)
        for given in self.loops.submissions:
            if given.loop.origin is not None and self._alone(given):
                tasks = tuple(reached.task for reached in given.reached)
                place = given.module.place(given.call.span)
                loop = given.loop.origin
                yield Owner(loop, loop[1], True, place, tasks, self._used_by(given))

    def _needs_a_running(self, run: LoopRun) -> bool:
        """Whether a run takes a loop only where one is running, which none is in the body of a task."""
        flow = self.functions.of(run.module, run.function)
        step = flow.step_of(run.call)
        around = [step, *flow.ancestors(step)] if step is not None else []
        guarded = any(
            outer.kind == "if"
            and outer.value.endswith(".is_running()")
            and inner.role == ("else" if outer.asks_in_the_negative else "body")
            for inner, outer in pairwise(around)
        )
        name = self.project.resolve(run.module, run.call.chain).name
        asking = {call.leaf() for call in self.functions.calls(run.module, run.function)}
        makes = not asking.isdisjoint(("get_event_loop", "new_event_loop"))
        return guarded or (name.startswith("asyncio.get_running_loop()") and not makes)

    def _used_by(self, given: Submission) -> tuple[Use, ...]:
        runner = given.module, given.function
        return self.uses.among(given.coroutines, runner, given.reached, given.call).engines

    def _alone(self, given: Submission) -> bool:
        """Whether the pool of a submission has one thread, as its owner believes."""
        tasks = (reached.task for reached in given.reached)
        return self.workers.running(("gevent", "eventlet"), tasks) is None

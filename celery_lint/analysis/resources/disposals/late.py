"""Engines that are disposed of on another loop than the one that their connections belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.loops import Loops
from celery_lint.inventory.code.runners import Runners
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.code.sites import Sites
from celery_lint.inventory.resources.emptied import AROUND_TASKS, Emptied
from celery_lint.inventory.resources.resources import Resources
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once

# Kinds of runs with a loop of their own.
_NEW = frozenset({"run", "new", "bridge"})


class LateDisposal(NamedTuple):
    """A run of ``engine.dispose()`` on a new loop, after the run that used the engine.

    ``early``: it stands before the use, and closes what the run before has left. ``plain``: it is no run at
    all, but a call of the engine's synchronous side, which waits for nothing where no coroutine runs; then
    ``part`` is what the call is made on: ``.sync_engine``, ``.pool``.
    """

    engine: str
    place: Place
    used: Place
    kind: Literal["", "early", "plain"] = ""
    part: str = ""


class LateDisposals:
    """The disposals that come after the loop of the connections is closed."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runs = known.of(Runs)
        self.runners = known.of(Runners)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.resources = known.of(Resources)
        self.loops = known.of(Loops)
        self.emptied = known.of(Emptied)
        self.sites = known.of(Sites)

    @facts
    def all(self) -> list[LateDisposal]:
        """Every such run in the functions that tasks reach."""
        found: list[LateDisposal] = []
        for module, function, _ in self.graph.synchronous:
            if function.may_call("dispose"):
                found += self._of_function(module, function)
        return [*found, *self._at_the_start(), *self._around_tasks(), *self._in_plain_code()]

    @once
    def _disposing(self) -> bool:
        return any(self.project.calling(".dispose"))

    def _at_the_start(self) -> Iterator[LateDisposal]:
        """The disposals with which coroutines begin, for the sake of the loop that is gone."""
        found: dict[Place, LateDisposal] = {}
        for run in self.runs.all:
            for module, function in run.coroutines:
                if self._disposing and self._is_new(run):
                    first = self._first_of(module, function)
                    if first is not None and first[0] not in self.emptied.before(w.task for w in run.reached):
                        found.setdefault(first[1].place, first[1])
        yield from found.values()

    def _first_of(self, module: Module, function: Function) -> tuple[Key, LateDisposal] | None:
        """The engine that a coroutine disposes of once, if it is used after that alone."""
        closure = self.graph.deep_closure(module, function)
        disposals: list[tuple[Module, Function, Call, Key]] = []
        for inner_module, inner in closure:
            for call in self.functions.calls(inner_module, inner) if inner.may_call(".dispose") else ():
                engine = self.resources.disposed_by(inner_module, call)
                if engine is not None and engine.origin is not None:
                    disposals.append((inner_module, inner, call, engine.origin))
        if len(disposals) != 1:
            return None
        home_module, home, disposal, key = disposals[0]
        if not disposal.is_awaited or _keeps_open(disposal):
            return None
        used = self._use_in(closure, key)
        if home is not function:
            helper = self._call_of(module, function, home_module, home)
            flow = self.functions.of(home_module, home)
            step = flow.step_of(disposal)
            if helper is None or step is None or any(flow.ancestors(step)):
                return None  # perhaps, or after something
            disposal = helper
        before = [call for call in self.functions.calls(module, function) if call.number < disposal.number]
        if used is None or disposal.in_finally or disposal.in_handler:
            return None
        if any(self._may_use(module, call, key) for call in before):
            return None
        return key, LateDisposal(key[1], module.place(disposal.span), used, "early")

    def _call_of(self, module: Module, function: Function, home: Module, helper: Function) -> Call | None:
        """The only call that a coroutine makes of a helper, if it waits for that."""
        found = [
            call
            for call in self.functions.calls(module, function)
            if self.graph.target(module, call.chain) == (home, helper)
        ]
        return found[0] if len(found) == 1 and found[0].is_awaited else None

    def _may_use(self, module: Module, call: Call, engine: Key) -> bool:
        """Whether a call uses an engine, or a function that it leads to."""
        if self._uses(module, call, engine):
            return True
        target = self.graph.target(module, call.chain)
        if target is None:
            return call.chain[:1] == "%" and call.is_awaited
        return self._use_in(self.graph.deep_closure(*target), engine) is not None

    def _around_tasks(self) -> Iterator[LateDisposal]:
        """The disposals that a handler runs before or after every task."""
        for module, function in self.project.calling(".dispose"):
            if function.decorators and _is_around_tasks(function):
                yield from self._of_handler(module, function)

    def _of_handler(self, module: Module, function: Function) -> Iterator[LateDisposal]:
        calls = self.functions.calls(module, function)
        for call in calls:
            engine = self.resources.disposed_by(module, call)
            if engine is None or engine.origin is None or call.parent < 0 or _keeps_open(call):
                continue
            runner = self.runners.of(module, function, calls[call.parent])
            used = self._used_on_new_loops(engine.origin)
            if runner is not None and runner[0] in _NEW and used is not None:
                place = module.place(calls[call.parent].span)
                yield LateDisposal(engine.origin[1], place, used, "early")

    def _in_plain_code(self) -> Iterator[LateDisposal]:
        """The calls of ``engine.sync_engine.dispose()`` around tasks, and in what tasks call."""
        running: set[Key] | None = None
        for module, function in self.project.calling(".dispose"):
            for call in self.functions.calls(module, function) if not function.is_async else ():
                if call.leaf() != "dispose" or call.in_lambda or _keeps_open(call):
                    continue
                chain = call.chain.rpartition(".")[0]
                engine = self.resources.bound.engine_around(module, chain)
                if engine is None or engine.origin is None or self.resources.disposed_by(module, call):
                    continue
                running = running or {site.key for site in self.sites.all} | self.emptied.handling
                if (module.path, function.qualname) not in running:
                    continue
                used = self._left_by_runs(engine.origin)
                if used is not None:
                    place = module.place(call.span)
                    yield LateDisposal(engine.origin[1], place, used, "plain", _part_of(chain))

    def _left_by_runs(self, engine: Key) -> Place | None:
        """Where a run uses an engine whose connections it leaves in the pool."""
        for run in self.runs.all:
            for coroutine in run.coroutines:
                closure = self.graph.deep_closure(*coroutine)
                used = self._use_in(closure, engine)
                if used is not None and not any(
                    engine in self.resources.released_in(*inner, self.functions.calls) for inner in closure
                ):
                    return used
        return None

    def _used_on_new_loops(self, engine: Key) -> Place | None:
        for run in self.runs.all:
            for coroutine in run.coroutines if self._is_new(run) else ():
                used = self._use_in(self.graph.deep_closure(*coroutine), engine)
                if used is not None:
                    return used
        return None

    def is_left_by(self, module: Module, function: Function, engine: Key) -> bool:
        """Whether a run on a loop of its own that fails in a function leaves connections for the next run.

        They are in the pool, and their loop is closed.
        """
        return any(
            (module, function) in closure and self._use_in(closure, engine) is not None
            for run in self.runs.all
            if self._is_new(run) and engine not in self.emptied.before(way.task for way in run.reached)
            for closure in (self.graph.deep_closure(*coroutine) for coroutine in run.coroutines)
        )

    def _is_new(self, run: LoopRun) -> bool:
        """Whether a run is on a loop made for it, in a pool of processes."""
        if run.kind not in _NEW or not self.loops.renews(run):
            return False
        return self.loops.pool_of(run, "gevent", "eventlet", "threads") is None

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
                if earlier.span.start >= around.span.start:
                    continue
                used = self._use(module, function, earlier, engine.origin)
                run = self._run(module, function, earlier) if used is not None else None
                if used is not None and run is not None and not _on_one_loop(run, late, function):
                    yield LateDisposal(engine.origin[1], module.place(around.span), used)
                    break

    def _run(self, module: Module, function: Function, call: Call) -> LoopRun | None:
        """The run that a call is or leads to, if it is on a loop made for it, in a pool of processes."""
        run = self._leads_to(module, function, call)
        return run if run is not None and self._is_new(run) else None

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
                used = self._use_in(self.graph.deep_closure(*target), engine)
                if used is not None:
                    return used
        return None

    def _use_in(self, closure: Iterable[tuple[Module, Function]], engine: Key) -> Place | None:
        for module, function in closure:
            for call in self.functions.calls(module, function):
                if call.leaf() != "dispose" and self._uses(module, call, engine):
                    return module.place(call.span)
        return None

    def _uses(self, module: Module, call: Call, engine: Key) -> bool:
        resource = self.resources.used_by(module, call)
        return resource is not None and resource.key == engine and resource.pooled is True


def _keeps_open(disposal: Call) -> bool:
    """Whether it leaves the connections alone: `dispose(close=False)` only forgets them."""
    return disposal.argument(0, "close").is_false


def _part_of(chain: str) -> str:
    """What stands behind the engine in ``engine.sync_engine.pool``, with its dots."""
    return "".join(f".{part}" for part in chain.split(".") if part in ("sync_engine", "pool"))


def _is_around_tasks(function: Function) -> bool:
    return any(decorator.chain.startswith(AROUND_TASKS) for decorator in function.decorators)


def _on_one_loop(one: LoopRun, other: LoopRun, function: Function) -> bool:
    """Whether a function runs two coroutines on one loop that it makes."""
    return one.kind == other.kind == "new" and one.function is other.function is function

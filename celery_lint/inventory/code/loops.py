"""The event loops that runs leave to the next: which are made anew, which are shared, and in which pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runners import LOOP_MAKERS
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.pools import Pool
from celery_lint.inventory.workers.running import Workers
from celery_lint.libraries.asyncio import RUN_THREADSAFE
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.project import Project

SEVERAL_LOOPS = ("gevent", "eventlet", "threads")
#: The kinds of runs that keep the loop of their thread.
OF_THE_THREAD = ("current", "nested")
#: Sent in each process of a prefork worker, and by a solo one, before the first task. By no other pool.
PROCESS_BEGINS = "celery.signals.worker_process_init."


class Submission(NamedTuple):
    """A coroutine that a plain function of a task hands to a loop in another thread; ``loop`` if known."""

    module: Module
    function: Function
    call: Call
    reached: tuple[Reached, ...]
    loop: Entity
    coroutines: tuple[tuple[Module, Function], ...]


class Handler(NamedTuple):
    """A function that a signal calls; ``sender`` is the chain of the only one that it does so for, if any."""

    module: Module
    function: Function
    sender: str


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
        if run.kind == "run" and self.stands_in(run):
            return False
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

    def stands_in(self, run: LoopRun) -> bool:
        """Whether a run is for places where nobody has made the loop that the process keeps.

        ``if LOOP is None: return asyncio.run(main)`` before ``LOOP.run_until_complete(main)``: no task comes
        to it in workers that send the signal whose handler makes that loop.
        """
        if run.kind != "run":
            return False
        key = (run.module.path, run.function.qualname)
        kept = self._kept.get(key)
        if not kept or self.pool_of(run, *SEVERAL_LOOPS) is not None:
            return False
        flow = self.functions.of(run.module, run.function)
        step = flow.step_of(run.call)
        made = [loop for loop in kept if loop in self._made_for_the_process]
        return bool(made) and step is not None and _depends_on(flow, step, made)

    @once
    def _kept(self) -> dict[Key, list[Key]]:
        """The loops of modules that functions run coroutines on, or hand them to."""
        found: dict[Key, list[Key]] = {}
        for run in self.runs.all:
            loop = self.loop_of(run).origin if run.kind == "kept" else None
            if loop is not None:
                found.setdefault((run.module.path, run.function.qualname), []).append(loop)
        for given in self.submissions:
            if given.loop.origin is not None:
                key = (given.module.path, given.function.qualname)
                found.setdefault(key, []).append(given.loop.origin)
        return found

    @once
    def _made_for_the_process(self) -> set[Key]:
        """The loops of modules that a handler makes when a process of a worker begins."""
        beginning = {
            (home.path, inner.qualname)
            for module in self.project.product_modules()
            for handler in signal_handlers(self.project, module, PROCESS_BEGINS)
            for home, inner in self.graph.deep_closure(*handler)
        }
        found = set()
        for path, name in {loop for loops in self._kept.values() for loop in loops}:
            module = self.project.modules[path]
            for value in module.bindings.get(name, ()):
                maker = self.functions.around(module, value) if value.kind == "call" else None
                if maker is None or (path, maker.qualname) not in beginning:
                    continue
                if self.project.value_entity(module, value).name in LOOP_MAKERS:
                    found.add((path, name))
        return found

    @once
    def across(self) -> list[LoopRun]:
        """The runs after which the next task of the process has another loop."""
        return [
            run
            for run in self.runs.all
            if self.renews(run) or (run.kind in OF_THE_THREAD and self.pool_of(run, *SEVERAL_LOOPS))
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


def signal_handlers(project: Project, module: Module, signal: str) -> Iterator[tuple[Module, Function]]:
    """What a module makes handlers of signals, by how their dotted path begins."""
    for handler in handlers_of(project, module, signal):
        yield handler.module, handler.function


def handlers_of(project: Project, module: Module, signal: str) -> Iterator[Handler]:
    """The same, with whose signals they are for."""
    for function in module.functions.decorated():
        connected = [each for each in function.decorators if each.chain.startswith(signal)]
        if connected:
            sender = connected[0].keyword("sender")
            yield Handler(module, function, sender.chain if sender is not None else "")
    own = module.functions.get("")
    if own is None or not own.may_call("connect"):
        return
    for call in project.functions.calls(module, own):
        if call.leaf() != "connect" or not call.argument(0).chain:
            continue
        if project.resolve(module, call.chain).name.startswith(signal):
            handler = project.resolve(module, call.argument(0).chain)
            body = handler.function()
            if body is not None and handler.module is not None:
                yield Handler(handler.module, body, call.argument(1, "sender").chain)


def _depends_on(flow: Flow, step: Step, loops: Sequence[Key]) -> bool:
    """Whether an ``if`` around a statement, or before it, asks for one of these loops."""
    above = {step.number, *(outer.number for outer in flow.ancestors(step))}
    levels = {(each.parent, each.role) for each in flow.steps if each.number in above}
    names = {name for _, name in loops}
    for each in flow.steps[: step.number + 1]:
        if names.isdisjoint([load.lstrip("!@=[").rpartition(".")[2] for load in each.loads]):
            continue
        if each.kind == "if" and (each.number in above or (each.parent, each.role) in levels):
            return True
        if each.kind == "assign":
            names.update(each.stores)  # `loop = LOOP`
    return False

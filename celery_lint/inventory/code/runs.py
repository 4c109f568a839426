"""What runs a coroutine, on whose loop, for which task, and what outlives that loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.async_to_sync import AsyncToSync
from celery_lint.inventory.code.graph import LAYERS, CallGraph, Reached
from celery_lint.inventory.code.runners import RUNNIFIED, RunKind, Runners
from celery_lint.inventory.tasks.task import Task, reached_from
from celery_lint.libraries.asyncio import PORTALS
from celery_lint.libraries.celery import TASK_BODIES
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once

#: These take a coroutine, or a function that makes one, for another to run.
HANDING_ON = frozenset({"partial", "wait_for", "shield", "gather", "create_task", "ensure_future"})
_NESTED = 4
_RUN_LEAVES = frozenset({"run", "run_until_complete", "run_async"}) | {
    name.rpartition(".")[2] for name in PORTALS
}
_MAKING = ("async_to_sync", "AsyncToSync", "runnify")
#: Runners that make a function, which then runs the coroutine.
_MADE = frozenset({"async_to_sync", RUNNIFIED})


class LoopRun(NamedTuple):
    """A call that runs a coroutine from synchronous code that tasks reach.

    ``kind`` is ``run`` (a loop made and closed by ``asyncio.run`` and its like), ``nested`` (``asyncio.run``
    where nest_asyncio keeps the thread's loop), ``new`` (a loop of its own by ``new_event_loop``),
    ``current`` (the thread's loop, made when missing and kept), ``given`` (a loop that is a parameter),
    ``kept`` (a loop kept for the process, ``shared`` if a module or a class holds it), ``apart`` (the loop of
    the process in a thread or greenlet of its own, as ``celery_lint.runtime`` keeps one) or ``bridge``
    (``async_to_sync``). ``helper`` says that the coroutine is a parameter. ``adaptive`` says that the
    function first asks whether a loop is running already, ``aside`` that a task may then not come to the run.
    ``coroutines`` are the functions whose coroutines it runs, as far as they can be seen.
    """

    kind: RunKind
    runner: str
    module: Module
    function: Function
    call: Call
    shared: bool
    helper: bool
    adaptive: bool
    aside: bool
    reached: tuple[Reached, ...]
    coroutines: tuple[tuple[Module, Function], ...]

    @property
    def is_plain(self) -> bool:
        """Whether a task comes to it and each time makes a loop and closes it, as ``asyncio.run`` does."""
        return self.kind == "run" and not self.aside

    @property
    def place(self) -> Place:
        """The run call itself."""
        return self.module.place(self.call.span)

    def related(self, ways: Sequence[Reached] | None = None) -> tuple[tuple[Place, str], ...]:
        """The tasks that reach the run; or those of them that it is told of."""
        told = self.reached if ways is None else ways
        return reached_from(way.task for way in told if way.task.function is not self.function)


class Runs:
    """All coroutine runs of a project that tasks reach."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.async_to_sync = known.of(AsyncToSync)
        self.runners = known.of(Runners)
        self.functions = known.project.functions

    @facts
    @asking("hint")
    def all(self) -> list[LoopRun]:
        """The coroutine runs, by path and position."""
        found = []
        words = (*_RUN_LEAVES, *_MAKING, *self.async_to_sync.names)
        for module, function, reached in self.graph.synchronous:
            for call in self.functions.calls(module, function) if function.mentions(*words) else ():
                leaf = call.leaf()
                made = any(name in call.chain for name in _MAKING)
                if leaf in _RUN_LEAVES or made or leaf in self.async_to_sync.names:
                    run = self._run(module, function, call, reached)
                    if run is not None and call.number not in self.graph.unreached.calls(module, function):
                        found.append(run)
        return sorted(found, key=lambda run: (run.module.path, run.call.span))

    def _run(self, module: Module, function: Function, call: Call, reached: list[Reached]) -> LoopRun | None:
        runner = self.runners.of(module, function, call)
        if runner is None or (not call.takes and runner[1] not in _MADE):
            return None
        kind, name = runner
        helper, coroutines = self.coroutines_of(module, function, call, name in _MADE, reached)
        adaptive = self.runners.asks_for_loop(module, function)
        shared = kind == "kept" and self.project.resolve(module, call.chain).origin is not None
        return LoopRun(
            kind,
            name,
            module,
            function,
            call,
            shared,
            helper,
            adaptive,
            kind == "run" and self.runners.may_pass_by(module, function, call),
            tuple(reached),
            tuple(coroutines),
        )

    def coroutines_of(
        self, module: Module, function: Function, call: Call, bridged: bool, reached: Sequence[Reached]
    ) -> tuple[bool, list[tuple[Module, Function]]]:
        """Whether a run gets its coroutine from outside, and the functions whose coroutines it runs.

        ``bridged`` says that it is a call of what ``async_to_sync`` or ``runnify`` has made.
        """
        first = call.argument(0)
        if bridged:
            target = self.async_to_sync.target(module, call)
            if target is not None:
                return False, [target]
            first = self.async_to_sync.argument(module, function, call)
        first = self._innermost(module, function, first)
        name = self._parameter(module, function, first)
        if function.takes(name):
            return True, list(self._handed_over(reached))
        targets = list(self._of_receivers(module, function, first, reached))
        targets = targets or list(self.coroutine_functions(module, function, first))
        if targets:
            if function.name == "__call__" and any(self._runs_its_task(*target) for target in targets):
                targets += self._functions_around(reached)
            return self._with_awaited(module, function, first, targets, reached)
        outer = self._outer_with(module, function, name)
        if function.name == "__call__" or outer is not None:
            # A decorator, or a base class, runs the coroutine of the task that it stands around.
            found = self._functions_around(reached)
            if outer is not None:  # or it is called there: `plain(load)(pk)`
                tasks = list({way.task.key: way.task for way in reached if way.through is not None}.values())
                found += [pair for task in tasks for pair in self._filling(task, outer, name, LAYERS)]
            return True, found
        return False, []

    def _of_receivers(
        self, module: Module, function: Function, given: Argument, reached: Sequence[Reached]
    ) -> Iterator[tuple[Module, Function]]:
        """The coroutine methods that a method runs of its own object, in the classes that the objects are of.

        A base class runs ``self.work()``, and each class that derives from it says what the work is.
        """
        chain = given.chain.removesuffix("()")
        if given.kind == "call":
            chain = self.functions.calls(module, function)[given.number].chain
        owner, _, name = chain.rpartition(".")
        if not function.owner or owner != f":{function.owner}()":
            return
        seen: set[Key] = set()
        for way in reached:
            receiver = way.through.receiver if way.through is not None else self.graph.receiver(way.task)
            found = self.project.attribute(receiver, name) if receiver is not None else None
            method = found.function() if found is not None else None
            if found is None or found.module is None or method is None or not method.is_async:
                continue
            if (found.module.path, method.qualname) not in seen:
                seen.add((found.module.path, method.qualname))
                yield found.module, method

    def _functions_around(self, reached: Sequence[Reached]) -> list[tuple[Module, Function]]:
        """The coroutine functions of the tasks around which a function stands."""
        around = [way.task for way in reached if way.through is None]
        own = ((self.graph.home(task), task.function) for task in around)
        return [(home, inner) for home, inner in own if inner is not None and inner.is_async]

    def _runs_its_task(self, module: Module, function: Function) -> bool:
        """Whether a method of a class of tasks awaits the body of its own task: ``await self.run(...)``."""
        return function.may_call("run") and any(
            call.is_awaited and self.project.resolve(module, call.chain).name in TASK_BODIES
            for call in self.functions.calls(module, function)
            if call.leaf() == "run"
        )

    def _with_awaited(
        self,
        module: Module,
        function: Function,
        given: Argument,
        targets: list[tuple[Module, Function]],
        reached: Sequence[Reached],
    ) -> tuple[bool, list[tuple[Module, Function]]]:
        """The coroutine functions that a run is given, and those whose coroutines they get and await."""
        helper = False
        for inner in self._awaited(module, function, given):
            if function.takes(self._parameter(module, function, inner)):
                helper = True
            else:
                targets += self.coroutine_functions(module, function, inner)
        return helper, [*targets, *self._handed_over(reached)] if helper else targets

    def _awaited(self, module: Module, function: Function, given: Argument) -> Iterator[Argument]:
        """What a call gives a coroutine function that awaits it: ``timed(load(pk))``."""
        if given.kind != "call":
            return
        call = self.functions.calls(module, function)[given.number]
        for home, target in self.graph.arguments(module, function, given):
            awaited = self.awaited_parameters(home, target) if target.is_async else set()
            filled = target.filled() if awaited else []
            for name in awaited:
                inner = call.argument(filled.index(name) if name in filled else len(filled), name)
                yield self._innermost(module, function, inner)

    def awaited_parameters(self, module: Module, function: Function) -> set[str]:
        """The parameters that a coroutine function awaits, itself or through ``wait_for`` and its like."""
        found = {step.value for step in self.functions.of(module, function).steps if step.waits}
        for call in self.functions.calls(module, function):
            if call.is_awaited and call.leaf() in HANDING_ON:
                found.add(self._innermost(module, function, call.argument(0)).chain)
        return {parameter.name for parameter in function.parameters if f"%{parameter.name}" in found}

    def _innermost(self, module: Module, function: Function, given: Argument) -> Argument:
        """What is run in the end: the ``load(pk)`` in ``wait_for(load(pk), 5)``, also if it has a name."""
        for _ in range(_NESTED):
            if given.kind == "call":
                inner: Call | None = self.functions.calls(module, function)[given.number]
            elif given.chain.endswith("()") and leaf_of_chain(given.chain) in HANDING_ON:
                calls = self.functions.calls(module, function)
                made = [call for call in calls if f"{call.chain}()" == given.chain]
                inner = made[0] if len(made) == 1 else None
            else:
                return given
            if inner is None or inner.leaf() not in HANDING_ON or not inner.takes:
                return given
            if self.graph.target(module, inner.chain) is not None:  # the project has one of its own
                return given
            given = inner.argument(0)
        return given

    def handed_over(self, run: LoopRun, way: Reached) -> list[tuple[Module, Function]]:
        """The coroutine functions of a run that one of its tasks is the reason for."""
        if not run.helper and not run.function.owner:
            return list(run.coroutines)
        _, found = self.coroutines_of(run.module, run.function, run.call, run.runner in _MADE, [way])
        return found

    def _outer_with(self, module: Module, function: Function, name: str) -> Function | None:
        """The function around this one, if it has a parameter of this name."""
        outer = module.functions.get(function.parent) if function.parent else None
        known = outer.parameters if outer is not None and name else ()
        return outer if any(parameter.name == name for parameter in known) else None

    def _parameter(self, module: Module, function: Function, given: Argument) -> str:
        """The local name that an argument is, or calls."""
        chain = given.chain
        if given.kind == "call":
            chain = self.functions.calls(module, function)[given.number].chain
        return chain[1:].rstrip("()") if chain[:1] == "%" else ""

    def _handed_over(self, reached: Sequence[Reached]) -> Iterator[tuple[Module, Function]]:
        """The coroutine functions that callers hand to a helper."""
        seen: set[Key] = set()
        for way in reached:
            if way.through is None:
                continue
            for caller_module, caller, call in self.graph.callers(way.task, way.through.function):
                for argument in call.takes[:2]:
                    for target in self._given(way.task, caller_module, caller, argument, LAYERS):
                        if (target[0].path, target[1].qualname) not in seen:
                            seen.add((target[0].path, target[1].qualname))
                            yield target

    def _given(
        self, task: Task, module: Module, function: Function, given: Argument, depth: int
    ) -> Iterator[tuple[Module, Function]]:
        """The coroutine functions behind an argument, also if the function only hands it on."""
        given = self._innermost(module, function, given)
        found = list(self.coroutine_functions(module, function, given))
        yield from found
        name = self._parameter(module, function, given)
        if not found and function.takes(name):
            yield from self._filling(task, function, name, depth)
        elif not found and self._outer_with(module, function, name) is not None:
            yield from self._decorated_with(task, function)
        for inner in self._awaited(module, function, given) if depth else ():
            yield from self._given(task, module, function, inner, depth - 1)

    def _decorated_with(self, task: Task, function: Function) -> Iterator[tuple[Module, Function]]:
        """The coroutine function of a task, if the function is what a decorator has put around it."""
        own = task.function
        if own is not None and own.is_async and any(f is function for _, f in self.graph.around(task)):
            yield self.graph.home(task), own

    def _filling(
        self, task: Task, function: Function, name: str, depth: int
    ) -> Iterator[tuple[Module, Function]]:
        """The coroutine functions that the callers of a function give to one of its parameters."""
        filled = function.filled()
        position = filled.index(name) if name in filled else len(filled)
        for module, caller, call in self.graph.callers(task, function) if depth else ():
            yield from self._given(task, module, caller, call.argument(position, name), depth - 1)

    def coroutine_functions(
        self, module: Module, function: Function, given: Argument
    ) -> Iterator[tuple[Module, Function]]:
        """The coroutine functions that an argument is, calls, or binds with ``partial``.

        Several, where a dictionary of the module says which.
        """
        yield from self.graph.arguments(module, function, self._innermost(module, function, given))

    def callers(self, reached: Sequence[Reached]) -> list[tuple[Module, Function, Call]]:
        """The functions that call the helpers through which tasks are reached, with the calls."""
        return [
            caller
            for way in reached
            if way.through is not None
            for caller in self.graph.callers(way.task, way.through.function)
        ]

    @once
    @asking("hint")
    def task_coroutines(self) -> dict[Key, list[Task]]:
        """The functions that run inside the coroutines of tasks."""
        found: dict[Key, list[Task]] = {}
        for run in self.all:
            for module, function in run.coroutines:
                for inner_module, inner in self.graph.deep_closure(module, function):
                    known = found.setdefault((inner_module.path, inner.qualname), [])
                    for reached in run.reached:
                        if reached.task not in known:
                            known.append(reached.task)
        return found

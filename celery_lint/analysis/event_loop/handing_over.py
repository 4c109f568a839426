"""Leaving a coroutine to others: to a thread, to a library, to the ``except`` of a failed run."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.loop_code import LoopCode, catches
from celery_lint.diagnostics import Span
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.asyncio import ASKING_FOR_LOOP, CURRENT_LOOP, RUN_THREADSAFE
from celery_lint.libraries.threads import THREAD, THREAD_SUBMITS
from celery_lint.model.arguments import ABSENT, Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

# Classes of libraries whose `run_sync` runs a coroutine on the event loop of the calling thread.
_LIBRARIES = {
    "pydantic_ai.Agent().run_sync": "Agent",
    "pydantic_ai.agent.Agent().run_sync": "Agent",
    "agents.Runner.run_sync": "Runner",
    "agents.run.Runner.run_sync": "Runner",
}


class ThreadBridge(NamedTuple):
    """A call that hands a coroutine, or what runs one, to a thread of its own.

    ``runner`` is what the thread runs, and ``target`` the function that this is, if it is the project's.
    """

    module: Module
    function: Function
    call: Call
    runner: str
    target: Key | None
    reached: tuple[Reached, ...]


class MaskedError(NamedTuple):
    """An ``except`` meant for a missing event loop around the run of a coroutine, which it runs again."""

    module: Module
    function: Function
    handler: Step
    run: Call


class NestedRun(NamedTuple):
    """A coroutine run in a plain function that a task's coroutine calls, while its loop is running.

    ``caller`` is where the coroutine calls it.
    """

    module: Module
    function: Function
    call: Call
    runner: str
    caller: Place
    task: Task


# Who looks at the loop knows whether it runs.
_LOOKING = frozenset({"is_running", "get_running_loop", "_get_running_loop"})


class IdleLoop(NamedTuple):
    """A coroutine that plain code hands to the current loop of its own thread: nothing runs that loop."""

    module: Module
    asked: Call
    sent: Call
    reached: tuple[Reached, ...]

    @property
    def place(self) -> Place:
        """Where the loop is asked for."""
        return self.module.place(self.asked.span)


class LibraryRun(NamedTuple):
    """A library's ``run_sync`` in a plain function that tasks reach. ``shared``: on a module's own object."""

    module: Module
    function: Function
    call: Call
    name: str
    shared: bool
    reached: tuple[Reached, ...]


class HandingOver:
    """The ways in which plain functions of tasks let others run their coroutines."""

    def __init__(self, known: Known) -> None:
        self.code = known.of(LoopCode)
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.runs = known.of(Runs)
        self.tasks = known.of(Tasks)

    # ------------------------------------------------------------------ threads

    @facts
    def bridges(self) -> list[ThreadBridge]:
        """The runs that are handed to a thread, by path and position."""
        found = []
        for module, function, reached, calls in self.code.calls(".submit", "threading.Thread"):
            for call in calls:
                given = ABSENT
                if call.leaf() == "submit" and self.code.name(module, call.chain) in THREAD_SUBMITS:
                    given = call.argument(0, "fn")
                elif call.leaf() == "Thread" and self.code.name(module, call.chain) == THREAD:
                    given = call.argument(1, "target")
                runner = self._runner_given(module, function, given, calls)
                if runner is not None:
                    found.append(ThreadBridge(module, function, call, *runner, reached))
        return sorted(found, key=lambda bridge: (bridge.module.path, bridge.call.span))

    @once
    def bridging(self) -> set[Key]:
        """The functions with such calls, those that they start, and those that hand coroutines to a loop."""
        found = {(bridge.module.path, bridge.function.qualname) for bridge in self.bridges}
        for module, function, _, _ in self.code.calls("run_coroutine_threadsafe"):
            found.add((module.path, function.qualname))
        return found | {bridge.target for bridge in self.bridges if bridge.target is not None}

    def _runner_given(
        self, module: Module, function: Function, given: Argument, calls: list[Call]
    ) -> tuple[str, Key | None] | None:
        """What a thread is to run, if that runs a coroutine on a loop of its own."""
        if given.kind == "call":
            inner = calls[given.number]
            if inner.leaf() == "partial" and inner.takes:
                return self._runner_given(module, function, inner.argument(0), calls)
            if not inner.in_lambda:
                return None
            runs = self.code.runs(module, function, inner.made_by_a_lambda())
            return (_runner_label(inner), None) if runs else None
        if not given.chain:
            return None
        if self.code.name(module, given.chain) == "asyncio.run":
            return "asyncio.run", None
        target = self.graph.target(module, given.chain)
        if target is None or target[1].is_async:
            return None
        if any(self.code.runs(*target, call) for call in self.functions.calls(*target)):
            return target[1].name, (target[0].path, target[1].qualname)
        return None

    @facts
    def idle(self) -> list[IdleLoop]:
        """The coroutines that are handed to a loop which only the waiting thread could run."""
        found = []
        for module, function, reached, calls in self.code.calls("run_coroutine_threadsafe"):
            if any(call.leaf() in _LOOKING for call in calls) or _runs_elsewhere(calls):
                continue
            flow = self.functions.of(module, function)
            current = [call for call in calls if self.code.name(module, call.chain) in CURRENT_LOOP]
            for call in calls:
                if self.code.name(module, call.chain) in RUN_THREADSAFE and not call.in_lambda:
                    given = call.argument(1, "loop")
                    for asked in current:
                        if not asked.in_handler and _is_given(flow, asked, call, given):
                            found.append(IdleLoop(module, asked, call, reached))
        return found

    # ------------------------------------------------------------------ errors that are taken for others

    @facts
    def masked(self) -> list[MaskedError]:
        """The handlers that take a coroutine's error for a missing loop, by path and position."""
        found = []
        for module, function, _, calls in self.code.calls(".run_until_complete", words=["asyncio.run"]):
            if not function.may_call("submit") and len(calls) < 2:
                continue
            flow = self.functions.of(module, function)
            for step in flow.steps:
                if step.kind != "try":
                    continue
                handler = next((h for h in flow.body(step, "handler") if catches(h)), None)
                if handler is None or any(below.kind == "raise" for below in flow.below(handler)):
                    continue
                again = {
                    self._coroutine(call, calls)
                    for call in self.code.runs_among(module, flow, handler, "body", calls)
                }
                for call in self._tried(module, flow, step, calls):
                    if self._coroutine(call, calls) in again - {""}:
                        found.append(MaskedError(module, function, handler, call))
                        break
        return sorted(found, key=lambda error: (error.module.path, error.handler.span))

    def _tried(self, module: Module, flow: Flow, step: Step, calls: list[Call]) -> Iterator[Call]:
        """The calls in the body of a ``try`` that run a coroutine, here or in a thread."""
        for call in self.code.runs_among(module, flow, step, "body", calls):
            if not call.chain.endswith("get_running_loop().run_until_complete"):
                inner = flow.step_of(call)
                if inner is not None and flow.inside(inner, "try", "body") == step:
                    yield call
        body = {n for direct in flow.body(step) for s in (direct, *flow.below(direct)) for n in s.calls}
        inside = [call for call in calls if call.number in body]
        if any(call.leaf() == "result" for call in inside):
            for call in inside:
                handed = self.code.name(module, call.chain)
                if handed == "asyncio.run_coroutine_threadsafe" or handed in THREAD_SUBMITS:
                    yield call

    def _coroutine(self, call: Call, calls: list[Call]) -> str:
        """The coroutine that a call runs or hands on, as far as two of them can be compared."""
        given = call.argument(0)
        if call.leaf() == "submit" and given.kind == "call":
            return self._coroutine(calls[given.number], calls)  # `submit(lambda: asyncio.run(coroutine))`
        if call.leaf() == "submit":
            given = call.argument(1)
        return calls[given.number].chain if given.kind == "call" else given.chain

    # ------------------------------------------------------------------ libraries

    @facts
    def library_runs(self) -> list[LibraryRun]:
        """The runs that a library makes on the thread's loop, by path and position."""
        found = []
        for module, function, reached, calls in self.code.calls(".run_sync"):
            for call in calls:
                if call.leaf() != "run_sync" or call.chain[:1] in "%~" or call.in_lambda:
                    continue
                entity = self.project.resolve(module, call.chain)
                name = _LIBRARIES.get(entity.name.replace("[]", ""))
                if entity.kind != "external" or name is None:
                    continue
                shared = self._is_shared(module, entity, call)
                found.append(LibraryRun(module, function, call, f"{name}.run_sync", shared, reached))
        return sorted(found, key=lambda run: (run.module.path, run.call.span))

    def _is_shared(self, module: Module, entity: Entity, call: Call) -> bool:
        if entity.origin is not None:
            return True
        given = call.argument(0)
        return bool(given.chain) and self.project.resolve(module, given.chain).origin is not None

    # ------------------------------------------------------------------ a run inside a run

    @facts
    def nested(self) -> list[NestedRun]:
        """The runs that start while the loop of the task's own coroutine runs, by path and position."""
        told = {(run.module.path, run.call.span) for run in self.runs.all if run.kind == "run"}
        found: dict[tuple[str, Span], NestedRun] = {}
        for (path, qualname), tasks in self.runs.task_coroutines.items():
            caller_module = self.project.modules[path]
            caller = caller_module.functions[qualname]
            if not caller.is_async:
                continue
            callees = self.graph.callees(caller_module, caller)
            for callee in callees:
                module, function = callee.module, callee.function
                if function.is_async or function.is_generator or callee.call.in_lambda:
                    continue
                if callee.call.leaf() != function.name or callee.call.is_decorator:
                    continue
                if (module.path, function.qualname) in self.tasks.by_function:
                    continue  # a task that is called like a function is told at that call
                for call in self._unguarded_runs(module, function):
                    place = caller_module.place(callee.call.span)
                    run = NestedRun(module, function, call, _runner_label(call), place, tasks[0])
                    if (module.path, call.span) not in told:
                        found.setdefault((module.path, call.span), run)
        if not found or self.code.nests:
            return []
        return sorted(found.values(), key=lambda run: (run.module.path, run.call.span))

    def _unguarded_runs(self, module: Module, function: Function) -> Iterator[Call]:
        """The runs of a function that does not ask whether a loop is running already."""
        if not function.mentions(".run") or not is_product_path(module.path):
            return
        if function.name in self.project.configuration.async_helpers:
            return
        calls = self.functions.calls(module, function)
        if any(call.leaf() in ASKING_FOR_LOOP for call in calls):
            return
        flow = self.functions.of(module, function)
        for call in calls:
            if call.in_lambda or call.in_main or not self.code.runs(module, function, call):
                continue
            step = flow.step_of(call)
            if step is not None and not any(above.kind in ("try", "if") for above in flow.ancestors(step)):
                yield call


def _runner_label(call: Call) -> str:
    return "asyncio.run" if call.leaf() == "run" else "run_until_complete"


def _runs_elsewhere(calls: list[Call]) -> bool:
    """Whether a function lets a thread run its loop, whichever that is."""
    return any(
        given.chain.endswith(".run_forever") and not call.in_handler for call in calls for given in call.takes
    )


def _is_given(flow: Flow, asked: Call, call: Call, given: Argument) -> bool:
    """Whether an argument is what another call has given, at once or by a name."""
    if given.kind == "call":
        return given.number == asked.number
    bound, step = flow.step_of(asked), flow.step_of(call)
    if bound is None or step is None or bound.kind != "assign" or len(bound.stores) != 1:
        return False
    return bound.name in step.loads and given.chain.removesuffix("()").endswith(("_event_loop", bound.name))

"""Coroutines of tasks: those that are made and lost, and what blocks the loop inside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.analysis.event_loop.given_objects import GivenObjects
from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.code.coroutine_values import CoroutineValues
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.unawaited import (
    Unawaited,
    is_for_plain_functions,
    is_lost,
    is_only_returned,
    made_names,
    may_be_lost,
    may_fit,
)
from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.asyncio import ASKING_FOR_LOOP, SYNC_TO_ASYNC
from celery_lint.libraries.data import DATA_WORDS
from celery_lint.libraries.network import BLOCKING
from celery_lint.libraries.sqlalchemy import (
    ASYNC_MAKERS,
    ASYNC_SESSIONS,
    SYNC_ENGINES,
    SYNC_MAKERS,
    SYNC_SESSIONS,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

_AWAITABLES = frozenset(
    f"asyncio.{name}"
    for name in (
        "sleep",
        "wait",
        "wait_for",
        "to_thread",
        "open_connection",
        "create_subprocess_exec",
        "create_subprocess_shell",
    )
)
_ASYNC_SESSIONS = ASYNC_SESSIONS | ASYNC_MAKERS
_SESSION_METHODS = frozenset(
    {"commit", "rollback", "flush", "execute", "refresh", "delete", "close", "scalar", "scalars", "merge"}
)


class LostCoroutine(NamedTuple):
    """A call that makes a coroutine which nobody awaits.

    ``how``: ``dropped`` (nobody gets it, or only a name that is never read), ``kept`` (a value that nobody
    can await is made with it) or ``returned`` (a task returns it as its result). ``owner``: the object of
    which the coroutine function is a method, by its name outside of the function or by what makes it.
    """

    module: Module
    function: Function
    call: Call
    name: str
    how: Literal["dropped", "kept", "returned"]
    task: Task
    owner: str = ""

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)


class BlockingCall(NamedTuple):
    """A call inside the coroutine of a task that holds up its event loop."""

    module: Module
    call: Call
    name: str
    task: Task

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)


class SyncSession(NamedTuple):
    """A synchronous database session opened in the coroutine of a task that also uses an async one."""

    module: Module
    call: Call
    name: str
    task: Task

    @property
    def place(self) -> Place:
        """The call that opens it."""
        return self.module.place(self.call.span)


class Inside(NamedTuple):
    """An ``async def`` that runs inside the coroutine of a task, and the kinds of runs that lead to it.

    ``is_outermost``: a run is given it, and nothing of the run comes after it.
    """

    module: Module
    function: Function
    task: Task
    kinds: frozenset[str]
    is_outermost: bool


class Closure(NamedTuple):
    """A coroutine that runs of this kind are given, the first task of those, and what it leads to.

    ``functions`` are the asynchronous ones, its own among them.
    """

    kind: str
    task: Task
    coroutine: tuple[Module, Function]
    functions: tuple[tuple[Module, Function], ...]


class Coroutines:
    """What tasks do with coroutines, apart from running them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.runs = known.of(Runs)
        self.unawaited = known.of(Unawaited)
        self.values = known.of(CoroutineValues)
        self.given = known.of(GivenObjects)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.task_options = known.of(TaskOptions)
        self.resources = known.of(Resources)
        self.pools = known.of(Pools)

    @once
    @asking("hint")
    def inside(self) -> list[Inside]:
        """The ``async def`` functions that run inside coroutines of tasks."""
        found: dict[Key, Inside] = {}
        for closure in self.closures:
            for number, (module, function) in enumerate(closure.functions):
                key = (module.path, function.qualname)
                known = found.get(key) or Inside(module, function, closure.task, frozenset(), True)
                outermost = known.is_outermost and number == 0
                found[key] = known._replace(kinds=known.kinds | {closure.kind}, is_outermost=outermost)
        return list(found.values())

    @once
    @asking("hint")
    def closures(self) -> list[Closure]:
        """The coroutines that runs are given."""
        found: dict[tuple[str, Key], Closure] = {}
        for run in self.runs.all:
            for way in run.reached:
                for module, function in self.runs.handed_over(run, way):
                    key = (run.kind, (module.path, function.qualname))
                    if key not in found:
                        led_to = self.graph.deep_closure(module, function)
                        functions = tuple([pair for pair in led_to if pair[1].is_async])
                        found[key] = Closure(run.kind, way.task, (module, function), functions)
        return list(found.values())

    def explore(self) -> None:
        """Follow what tasks call for nothing, or return: a file that has it as ``async def`` is read."""
        for module, function, _ in self.graph.synchronous:
            if (module.path, function.qualname) not in self.tasks.by_function:
                continue
            for call in self.functions.calls(module, function):
                if call.chain[:1] not in "%~" and self._goes_nowhere(module, function, call):
                    self.project.resolve(module, call.chain)
        self._explore_holders()

    @asking("hint")
    def _explore_holders(self) -> None:
        for module, call in self._holders:
            self.project.resolve(module, call.chain)

    def words(self) -> set[Pair]:
        """What makes a file worth reading that gets a coroutine as a value: it may hold classes of data."""
        return set(DATA_WORDS) if self._holders else set()

    @once
    def _holders(self) -> list[tuple[Module, Call]]:
        """The calls in tasks that get a coroutine which is bound to a name."""
        found = []
        for module, function, _ in self.graph.synchronous:
            if (module.path, function.qualname) in self.tasks.by_function:
                calls = self.functions.calls(module, function)
                for call in calls:
                    if may_be_lost(call) and call.is_bound and self._coroutine(module, call):
                        made = f"{call.chain}()"
                        found += [(module, other) for other in calls if other.hands_on(made)]
        return found

    def _goes_nowhere(self, module: Module, function: Function, call: Call) -> bool:
        """Whether what a call gives is dropped, never read, handed to whoever called, or to another call."""
        if call.is_statement or call.is_returned:
            return True
        if not may_be_lost(call):
            return False
        flow = self.functions.of(module, function)
        if is_lost(flow, call) or is_only_returned(flow, call):
            return True
        made = f"{call.chain}()"
        step = flow.step_of(call)
        valued = f"={step.name}" if step is not None else ""
        return any(other.hands_on(made) for other in self.functions.calls(module, function)) or any(
            valued in other.loads for other in flow.steps
        )

    # ------------------------------------------------------------------ never awaited

    @facts
    def lost(self) -> list[LostCoroutine]:
        """The coroutines that task code makes and drops, or returns."""
        found: list[LostCoroutine] = []
        for module, function, reached in self.graph.synchronous:
            found.extend(self._lost(module, function, [way.task for way in reached]))
            found.extend(self._returned(module, function))
        for view in self.inside:
            found.extend(self._lost(view.module, view.function, [view.task]))
        return found

    def _lost(self, module: Module, function: Function, tasks: list[Task]) -> Iterator[LostCoroutine]:
        calls, task = self.functions.calls(module, function), tasks[0]
        for call in calls:
            if not may_be_lost(call):
                continue
            name = self._coroutine(module, call)
            flow = self.functions.of(module, function) if name else None
            if flow is None or ("." not in call.chain and name in made_names(flow)):
                continue  # that name may mean something else here
            if is_for_plain_functions(flow, calls, call):
                continue
            owner = call.chain.rpartition(".")[0]
            if self.given.contradict(module, function, owner, tasks):
                continue
            lost = is_lost(flow, call)
            if lost or self.values.is_one(module, flow, call, self._gives_a_result(module, function)):
                if not owner.endswith("()") and self.project.resolve(module, owner).kind != "instance":
                    owner = ""
                yield LostCoroutine(module, function, call, name, "dropped" if lost else "kept", task, owner)

    def _coroutine(self, module: Module, call: Call) -> str:
        """The name of the coroutine function that a call calls, or nothing."""
        if call.chain[:1] == "%":
            return ""
        entity = self.project.resolve(module, call.chain)
        function = entity.function()
        if function is not None and entity.module is not None:
            bound = self.project.resolve(module, call.chain.rpartition(".")[0]).kind == "instance"
            made = self.unawaited.makes_coroutine(entity.module, function) and may_fit(function, call, bound)
            return function.name if made else ""
        if entity.kind == "external":
            owner, _, leaf = entity.name.rpartition(".")
            if leaf.endswith("()") and entity.name[:-2] in SYNC_TO_ASYNC:
                return leaf_of_chain(call.chain).removesuffix("()")
            session = leaf in _SESSION_METHODS and owner.endswith("()") and owner[:-2] in _ASYNC_SESSIONS
            return leaf if session or entity.name in _AWAITABLES else ""
        return ""

    def _returned(self, module: Module, function: Function) -> Iterator[LostCoroutine]:
        task = self.tasks.by_function.get((module.path, function.qualname))
        if task is None or not self._gives_a_result(module, function):
            return
        for call in self.functions.calls(module, function):
            flow = self.functions.of(module, function)
            if not call.in_finally and (call.is_returned or call.is_bound) and is_only_returned(flow, call):
                name = self._coroutine(module, call)
                calls = self.functions.calls(module, function)
                owner = call.chain.rpartition(".")[0]
                if not name or is_for_plain_functions(flow, calls, call):
                    continue
                if not self.given.contradict(module, function, owner, [task]):
                    yield LostCoroutine(module, function, call, name, "returned", task)

    def _gives_a_result(self, module: Module, function: Function) -> bool:
        """Whether what a function returns is the result of a task, which nobody awaits before."""
        task = self.tasks.by_function.get((module.path, function.qualname))
        if task is None or task.inner_decorators or task.wrapper is not None or task.class_ is not None:
            return False
        if self.pools.awaits_tasks or self.task_options.has_own_call(task):
            return False
        calls = self.functions.calls(module, function)
        return not any(call.leaf() in ASKING_FOR_LOOP for call in calls)

    # ------------------------------------------------------------------ blocking

    @facts
    def blocking(self) -> list[BlockingCall]:
        """The calls that hold up the event loop of a task."""
        found: list[BlockingCall] = []
        for view in self.inside:
            for call in self.functions.calls(view.module, view.function):
                if call.chain[:1] in "%~" or call.in_lambda:
                    continue
                entity = self.project.resolve(view.module, call.chain)
                if entity.kind == "external" and entity.name in BLOCKING:
                    found.append(BlockingCall(view.module, call, entity.name, view.task))
        return found

    # ------------------------------------------------------------------ sessions

    @facts
    def sync_sessions(self) -> list[SyncSession]:
        """The synchronous sessions in coroutines of tasks that also use asynchronous ones."""
        found: dict[tuple[str, Span], SyncSession] = {}
        for _, task, _, functions in self.closures:
            if not any(self._uses_async(*pair) for pair in functions):
                continue
            for module, function in functions:
                call = self._opens_sync(module, function)
                if call is not None:
                    fact = SyncSession(module, call, call.leaf(), task)
                    found.setdefault((module.path, call.span), fact)
        return list(found.values())

    def _uses_async(self, module: Module, function: Function) -> bool:
        for call in self.functions.calls(module, function):
            if call.chain[:1] in "%~":
                continue
            if self.resources.disposed_by(module, call) is not None:
                return True
            entity = self.project.resolve(module, call.chain)
            if entity.kind == "external" and entity.name in _ASYNC_SESSIONS:
                return True
        return False

    def _opens_sync(self, module: Module, function: Function) -> Call | None:
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            if call.chain[:1] in "%~" or call.in_lambda or call.is_decorator:
                continue
            entity = self.project.resolve(module, call.chain)
            if entity.kind == "external" and self._is_sync(entity):
                step = flow.step_of(call)
                if step is None or step.kind != "with" or not step.waits:
                    return call
        return None

    def _is_sync(self, entity: Entity) -> bool:
        """Whether calling an entity opens a synchronous session or connection."""
        owner, _, leaf = entity.name.rpartition(".")
        if entity.name in SYNC_SESSIONS or (leaf in ("begin", "connect") and owner in SYNC_ENGINES):
            return True
        value, module = entity.value, entity.module
        if entity.name not in SYNC_MAKERS or value is None or module is None:
            return False
        bind = value.first() or value.keyword("bind")
        return bind is not None and self.project.value_entity(module, bind).name in SYNC_ENGINES

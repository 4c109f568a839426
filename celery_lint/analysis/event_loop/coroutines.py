"""Coroutines of tasks: those that are made and lost, and what blocks the loop inside them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.unawaited import (
    is_lost,
    is_only_returned,
    made_names,
    makes_coroutine,
    may_be_lost,
)
from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.asyncio import ASKING_FOR_LOOP, CURRENT_LOOP, RUNNING_LOOP, SPAWNERS
from celery_lint.libraries.network import BLOCKING
from celery_lint.libraries.sqlalchemy import (
    ASYNC_MAKERS,
    ASYNC_SESSIONS,
    SYNC_ENGINES,
    SYNC_MAKERS,
    SYNC_SESSIONS,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

# The loops of these runs end, or stand still, when the coroutine has returned.
_ENDING = frozenset({"run", "new", "bridge"})
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
_LOOPS = frozenset(f"{asked}()" for asked in CURRENT_LOOP | RUNNING_LOOP)


class LostCoroutine(NamedTuple):
    """A call that makes a coroutine which nobody awaits.

    ``how``: ``dropped`` (nobody gets it, or only a name that is never read) or ``returned`` (a task returns
    it as its result).
    """

    module: Module
    call: Call
    name: str
    how: str
    task: Task

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)


class LostBackground(NamedTuple):
    """An asyncio task that is started inside the coroutine of a Celery task and that nobody waits for."""

    module: Module
    call: Call
    task: Task

    @property
    def place(self) -> Place:
        """The call that starts it."""
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
    """An ``async def`` that runs inside the coroutine of a task, and the kinds of runs that lead to it."""

    module: Module
    function: Function
    task: Task
    kinds: frozenset[str]


class Coroutines:
    """What tasks do with coroutines, apart from running them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.task_options = known.of(TaskOptions)
        self.resources = known.of(Resources)
        self.pools = known.of(Pools)

    @once
    def inside(self) -> list[Inside]:
        """The ``async def`` functions that run inside coroutines of tasks."""
        found: dict[Key, Inside] = {}
        for kind, task, closure in self._closures:
            for module, function in closure:
                key = (module.path, function.qualname)
                known = found.get(key) or Inside(module, function, task, frozenset())
                found[key] = known._replace(kinds=known.kinds | {kind})
        return list(found.values())

    @once
    def _closures(self) -> list[tuple[str, Task, list[tuple[Module, Function]]]]:
        """For every coroutine of a run: the kind of run, a task, the asynchronous functions it leads to."""
        found: dict[tuple[str, Key], tuple[str, Task, list[tuple[Module, Function]]]] = {}
        for run in self.runs.all:
            for way in run.reached:
                for module, function in self.runs.handed_over(run, way):
                    key = (run.kind, (module.path, function.qualname))
                    if key not in found:
                        closure = [
                            pair for pair in self.graph.deep_closure(module, function) if pair[1].is_async
                        ]
                        found[key] = (run.kind, way.task, closure)
        return list(found.values())

    def explore(self) -> None:
        """Follow what tasks call for nothing, or return: a file that has it as ``async def`` is read."""
        for module, function, _ in self.graph.synchronous:
            if (module.path, function.qualname) not in self.tasks.by_function:
                continue
            for call in self.functions.calls(module, function):
                if call.chain[:1] not in ":%~" and self._goes_nowhere(module, function, call):
                    self.project.resolve(module, call.chain)

    def _goes_nowhere(self, module: Module, function: Function, call: Call) -> bool:
        """Whether what a call gives is dropped, never read, or handed to whoever called."""
        if call.is_statement or call.is_returned:
            return True
        if not may_be_lost(call):
            return False
        flow = self.functions.of(module, function)
        return is_lost(flow, call) or is_only_returned(flow, call)

    # ------------------------------------------------------------------ never awaited

    @facts
    def lost(self) -> list[LostCoroutine]:
        """The coroutines that task code makes and drops, or returns."""
        found: list[LostCoroutine] = []
        for module, function, reached in self.graph.synchronous:
            found.extend(self._lost(module, function, reached[0].task))
            found.extend(self._returned(module, function))
        for view in self.inside:
            found.extend(self._lost(view.module, view.function, view.task))
        return found

    def _lost(self, module: Module, function: Function, task: Task) -> Iterator[LostCoroutine]:
        for call in self.functions.calls(module, function):
            if not may_be_lost(call):
                continue
            name = self._coroutine(module, call)
            flow = self.functions.of(module, function) if name else None
            if flow is not None and is_lost(flow, call) and name not in made_names(flow):
                yield LostCoroutine(module, call, name, "dropped", task)

    def _coroutine(self, module: Module, call: Call) -> str:
        """The name of the coroutine function that a call calls, or nothing."""
        if call.chain[:1] == "%":
            return ""
        entity = self.project.resolve(module, call.chain)
        function = entity.function()
        if function is not None and entity.module is not None:
            return function.name if makes_coroutine(entity.module, function) else ""
        if entity.kind == "external":
            owner, _, leaf = entity.name.rpartition(".")
            session = leaf in _SESSION_METHODS and owner.endswith("()") and owner[:-2] in _ASYNC_SESSIONS
            return leaf if session or entity.name in _AWAITABLES else ""
        return ""

    def _returned(self, module: Module, function: Function) -> Iterator[LostCoroutine]:
        task = self.tasks.by_function.get((module.path, function.qualname))
        if task is None or task.inner_decorators or task.wrapper is not None or task.class_ is not None:
            return
        if self.pools.awaits_tasks or self.task_options.has_own_call(task):
            return
        calls = self.functions.calls(module, function)
        if any(call.leaf() in ASKING_FOR_LOOP for call in calls):
            return
        for call in calls:
            if call.is_returned and not (call.is_awaited or call.in_lambda or call.in_finally):
                name = self._coroutine(module, call)
                if name:
                    yield LostCoroutine(module, call, name, "returned", task)

    # ------------------------------------------------------------------ in the background

    @facts
    def background(self) -> list[LostBackground]:
        """The asyncio tasks that end with the loop of the Celery task that started them."""
        found: list[LostBackground] = []
        for view in self.inside:
            if not view.kinds <= _ENDING:
                continue
            for call in self.functions.calls(view.module, view.function):
                if may_be_lost(call) and self._spawns(view.module, call) and self._forgotten(view, call):
                    found.append(LostBackground(view.module, call, view.task))
        return found

    def _spawns(self, module: Module, call: Call) -> bool:
        if call.leaf() not in ("create_task", "ensure_future", "gather") or call.chain[:1] in "%~":
            return False
        name = self.project.resolve(module, call.chain).name
        return name in SPAWNERS or (name.endswith(".create_task") and name[: -len(".create_task")] in _LOOPS)

    def _forgotten(self, view: Inside, call: Call) -> bool:
        """Whether nothing waits for what a call starts, as far as its own function shows."""
        flow = self.functions.of(view.module, view.function)
        step = flow.step_of(call)
        if step is None or not is_lost(flow, call):
            return False
        started = self.graph.argument(view.module, view.function, call.argument(0))
        waits = [later for later in flow.steps[step.number + 1 :] if later.waits]
        if started is None:
            # Nobody can tell how long it runs: it may be done before what is awaited next.
            return not waits
        if any(inner.kind == "while" and inner.is_endless for inner in self.functions.of(*started).steps):
            return False  # a heartbeat: meant to end with the rest
        return not any(self._share(view, step, later) for later in waits)

    def _share(self, view: Inside, start: Step, later: Step) -> bool:
        """Whether a later ``await`` may wait for the work: by an object made here or a parameter's method."""
        names = set(start.loads) & set(later.loads)
        if names & made_names(self.functions.of(view.module, view.function)):
            return True
        calls = self.functions.calls(view.module, view.function)
        chains = [calls[number].chain for number in later.calls]
        return any(chain.startswith(f"%{name}.") for name in names for chain in chains)

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
        found: dict[tuple[str, tuple[int, ...]], SyncSession] = {}
        for _, task, closure in self._closures:
            if not any(self._uses_async(*pair) for pair in closure):
                continue
            for module, function in closure:
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

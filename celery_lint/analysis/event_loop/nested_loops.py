"""Asyncio called from the wrong side: where no loop runs, and where one runs already."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutines import Coroutines
from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.inventory.code.runners import SUPPRESS
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.code.unawaited import is_lost, may_be_lost
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pools
from celery_lint.libraries.asyncio import ASKING_FOR_LOOP
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

# Each of them asks for the running loop of its thread.
_NEED_A_LOOP = {
    f"asyncio.{module}{name}": name
    for module in ("", "tasks.", "events.")
    for name in ("create_task", "all_tasks", "current_task", "get_running_loop")
}
_FUTURES = {
    f"asyncio.{module}{name}": name for module in ("", "tasks.") for name in ("ensure_future", "gather")
}
#: What needs a running event loop, by dotted path.
OF_A_RUNNING_LOOP = frozenset({*_NEED_A_LOOP, *_FUTURES})
_LEAVES = frozenset([*_NEED_A_LOOP.values(), *_FUTURES.values()])
# Who asks whether a loop is running, or has one of its own, knows what it does.
_ASKING = ASKING_FOR_LOOP - {"get_running_loop"}
_OWN_LOOPS = frozenset({*_ASKING, "new_event_loop", "set_event_loop", "run_until_complete"})
_CONDITIONS = frozenset({"if", "match", "while", "handler", "try"})
_CATCHING = frozenset({"~RuntimeError", "RuntimeError", "builtins.RuntimeError"})
# These run the loop in another thread, so that one may be running in this.
_ELSEWHERE = frozenset({"BlockingPortal.call", "tortoise.run_async"})
_DIRECT = ("run", "apply", "__call__")


class LooplessCall(NamedTuple):
    """A call of asyncio that needs a running event loop, in the synchronous code of a task."""

    module: Module
    call: Call
    name: str
    task: Task

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)


class DirectCall(NamedTuple):
    """A task that runs an event loop of its own, called like a function inside an ``async def``.

    Or another plain function that tasks call too, by its name.
    """

    module: Module
    function: Function
    call: Call
    task: Task
    run: LoopRun
    helper: str = ""

    @property
    def place(self) -> Place:
        """The call of the task."""
        return self.module.place(self.call.span)


class LoopPatch(NamedTuple):
    """A call of ``nest_asyncio.apply`` in a process that runs tasks."""

    module: Module
    call: Call

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)


class Direct(NamedTuple):
    """A plain function that tasks run on their own thread, called step by step and never handed on."""

    module: Module
    function: Function
    tasks: tuple[Task, ...]


class NestedLoops:
    """Which side of an event loop the calls of a project stand on."""

    def __init__(self, known: Known) -> None:
        self.coroutines = known.of(Coroutines)
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.pools = known.of(Pools)

    @once
    def direct(self) -> dict[Key, Direct]:
        """The functions that tasks call, on the way of calls that ask for no running loop."""
        found: dict[Key, Direct] = {}
        if self.pools.awaits_tasks:
            return found
        for task in self.tasks.all:
            if task.function is None or task.function.is_async or task.inner_decorators:
                continue
            start = self._start(task)
            if start is None or not is_product_path(task.module.path):
                continue
            for module, function in self._called(*start):
                key = (module.path, function.qualname)
                known = found.get(key) or Direct(module, function, ())
                found[key] = known._replace(tasks=(*known.tasks, task))
        return found

    def _start(self, task: Task) -> tuple[Module, Function] | None:
        assert task.function is not None
        if task.module.functions.get(task.function.qualname) is task.function:
            return task.module, task.function
        return None

    def _called(self, module: Module, function: Function) -> list[tuple[Module, Function]]:
        seen = {(module.path, function.qualname): (module, function)}
        level = [(module, function)]
        for _ in range(LAYERS):
            following = []
            for current_module, current in level:
                if self._asks(current_module, current):
                    continue
                for callee in self.graph.callees(current_module, current):
                    key = (callee.module.path, callee.function.qualname)
                    called = callee.call.leaf() == callee.function.name
                    if (
                        key in seen
                        or not called
                        or callee.function.is_async
                        or callee.call.in_lambda
                        or callee.call.is_decorator
                    ):
                        continue
                    seen[key] = (callee.module, callee.function)
                    following.append(seen[key])
            level = following
        return list(seen.values())

    def _asks(self, module: Module, function: Function) -> bool:
        """Whether a function asks for a running loop in a way that allows for there being none, or one."""
        for call in self.functions.calls(module, function):
            if call.leaf() in _ASKING:
                return True
            if call.leaf() == "get_running_loop" and (
                call.in_try or self._is_let_pass(module, function, call)
            ):
                return True
        return False

    def _is_let_pass(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a `with suppress(RuntimeError)` stands around a call."""
        flow = self.functions.of(module, function) if function.has("with") else None
        step = flow.step_of(call) if flow is not None else None
        return (
            flow is not None
            and step is not None
            and any(SUPPRESS in outer.chains for outer in flow.ancestors(step) if outer.kind == "with")
        )

    # ------------------------------------------------------------------ no loop runs

    @facts
    def loopless(self) -> list[LooplessCall]:
        """The calls that need a running loop where there is none."""
        found: list[LooplessCall] = []
        for view in self.direct.values():
            if view.function.mentions(*_LEAVES) and not self._asks(*view[:2]):
                found.extend(self._loopless(view))
        return found

    def _loopless(self, view: Direct) -> Iterator[LooplessCall]:
        module, function, tasks = view
        own_task = any(task.function is function for task in tasks)
        calls = self.functions.calls(module, function)
        owns_loop = any(call.leaf() in _OWN_LOOPS for call in calls)
        flow = self.functions.of(module, function)
        for call in calls:
            if call.leaf() not in _LEAVES or call.chain[:1] in "%~:" or not _is_made_here(call):
                continue
            name = self.project.resolve(module, call.chain).name
            step = flow.step_of(call)
            if step is None or (not own_task and _is_conditional(flow, step)):
                continue
            if name in _NEED_A_LOOP:
                if call.leaf() == "create_task" or not call.takes:
                    yield LooplessCall(module, call, _NEED_A_LOOP[name], tasks[0])
            elif name in _FUTURES:
                given = call.parent >= 0 and calls[call.parent].chain == "asyncio.run" and call.is_argument
                lost = may_be_lost(call) and is_lost(flow, call)
                if given or (lost and not owns_loop and not call.keyword("loop")):
                    yield LooplessCall(module, call, _FUTURES[name], tasks[0])

    # ------------------------------------------------------------------ one runs already

    @facts
    def nested(self) -> list[DirectCall]:
        """The tasks with a loop of their own that an ``async def`` outside tasks calls like functions."""
        running = self._running_tasks
        if not running:
            return []
        names = {task.function.name for task, _ in running.values() if task.function is not None}
        names |= {qualname.rpartition(".")[2] for _, qualname in self._running}
        inside = {(view.module.path, view.function.qualname) for view in self.coroutines.inside}
        found: list[DirectCall] = []
        for module, function in self.project.holding(*names):
            if function.is_async and (module.path, function.qualname) not in inside:
                found.extend(self._nested(module, function))
        return found

    @once
    def _running_tasks(self) -> dict[Key, tuple[Task, LoopRun]]:
        """The tasks that run an event loop on the thread that calls them."""
        found: dict[Key, tuple[Task, LoopRun]] = {}
        if any("nest_asyncio" in module.imports.values() for module in self.project.product_modules()):
            return found
        for run in self._own_runs:
            for task in self.direct[run.module.path, run.function.qualname].tasks:
                found.setdefault((task.module.path, task.qualname), (task, run))
        return found

    @once
    def _own_runs(self) -> list[LoopRun]:
        """The runs in the thread of the caller that nothing guards."""
        found = []
        for run in self.runs.all:
            view = self.direct.get((run.module.path, run.function.qualname))
            if view is None or run.adaptive or run.call.in_lambda or self._asks(run.module, run.function):
                continue
            if run.runner not in _ELSEWHERE and not self._catches(run) and not self._decides(run, view):
                found.append(run)
        return found

    @once
    def _running(self) -> dict[Key, LoopRun]:
        """The plain functions that tasks call and that, whenever they are called, run an event loop."""
        level: dict[Key, LoopRun] = {}
        for run in self._own_runs:
            view = self.direct[run.module.path, run.function.qualname]
            if not any(task.function is run.function for task in view.tasks):
                level.setdefault((run.module.path, run.function.qualname), run)
        found: dict[Key, LoopRun] = {}
        for _ in range(LAYERS):
            found |= level
            leaves = {qualname.rpartition(".")[2] for _, qualname in level}
            level = {
                (view.module.path, view.function.qualname): run
                for view in self.direct.values()
                if view.function.may_call(*leaves) and (view.module.path, view.function.qualname) not in found
                for run in self._led_to(view, level)
            }
        return found

    def _led_to(self, view: Direct, runs: dict[Key, LoopRun]) -> Iterator[LoopRun]:
        """The run that a function comes to by a call that stands under no condition."""
        if any(task.function is view.function for task in view.tasks) or self._asks(*view[:2]):
            return
        flow = self.functions.of(view.module, view.function)
        for callee in self.graph.callees(view.module, view.function):
            run = runs.get((callee.module.path, callee.function.qualname))
            step = flow.step_of(callee.call) if run is not None and callee.is_called else None
            if run is not None and step is not None and not callee.call.in_lambda:
                around = [ancestor.kind for ancestor in flow.ancestors(step)]
                if _CONDITIONS.isdisjoint(around):
                    yield run
                    return

    def _decides(self, run: LoopRun, view: Direct) -> bool:
        """Whether a function that is no task may run the loop only where none is running."""
        flow = self.functions.of(run.module, run.function)
        step = flow.step_of(run.call)
        own_task = any(task.function is run.function for task in view.tasks)
        return step is None or (not own_task and _is_conditional(flow, step, frozenset({"if", "match"})))

    def _catches(self, run: LoopRun) -> bool:
        """Whether a run stands in a ``try`` that says what to do where a loop is running."""
        flow = self.functions.of(run.module, run.function)
        step = flow.step_of(run.call)
        around = flow.inside(step, "try", "body") if step is not None else None
        while around is not None:
            for handler in flow.body(around, "handler"):
                if _CATCHING & set(handler.chains):
                    return True
            around = flow.inside(around, "try", "body")
        return False

    def _nested(self, module: Module, function: Function) -> Iterator[DirectCall]:
        for call in self.functions.calls(module, function):
            if call.chain[:1] in "%~" or call.in_lambda or call.is_decorator:
                continue
            entity = self.project.resolve(module, call.chain)
            task = self.tasks.of(entity)
            if task is None and entity.kind == "function" and entity.module is not None:
                key = (entity.module.path, entity.name)
                run = self._running.get(key)
                if run is not None:
                    helper = entity.name.rpartition(".")[2]
                    yield DirectCall(module, function, call, self.direct[key].tasks[0], run, helper)
                continue
            owner, _, leaf = call.chain.rpartition(".")
            if task is None and leaf in _DIRECT and owner:
                task = self.tasks.of(self.project.resolve(module, owner))
            known = self._running_tasks.get((task.module.path, task.qualname)) if task is not None else None
            if task is not None and known is not None and task.class_ is None:
                yield DirectCall(module, function, call, task, known[1])

    # ------------------------------------------------------------------ nest_asyncio

    @facts
    def patches(self) -> list[LoopPatch]:
        """The calls of ``nest_asyncio.apply`` in modules of tasks, and in modules that these import."""
        found: list[LoopPatch] = []
        patching = [
            module
            for module in self.project.product_modules()
            if any(name.partition(".")[0] == "nest_asyncio" for name in module.imports.values())
        ]
        if not patching:
            return found
        near = self._near_tasks()
        for module in patching:
            for function in module.functions.holding("nest_asyncio.apply"):
                at_import = not function.name and module.path in near
                if at_import or (module.path, function.qualname) in self.graph.deeply_reached:
                    for call in self.functions.calls(module, function):
                        if call.chain == "nest_asyncio.apply" and not call.in_main:
                            found.append(LoopPatch(module, call))
        return found

    def _near_tasks(self) -> set[str]:
        """The modules that define tasks, and those that they import."""
        own = {task.module.path for task in self.tasks.product}
        near = set(own)
        for path in own:
            module = self.project.modules[path]
            for imported in [*module.imports.values(), *module.star_imports]:
                located = self.project.imports.locate(imported, path)
                if located is not None:
                    near.add(located.path)
        return near


def _is_conditional(flow: Flow, step: Step, conditions: frozenset[str] = _CONDITIONS) -> bool:
    """Whether a statement stands under a condition, or after one that may have left the function."""
    if any(ancestor.kind in conditions for ancestor in flow.ancestors(step)):
        return True
    for other in flow.steps[: step.number]:
        asked = flow.inside(other, "if", "body") if other.kind in ("return", "raise") else None
        if asked is not None and (asked.calls or any(map(_speaks_of_loops, asked.loads))):
            return True
    return False


def _speaks_of_loops(name: str) -> bool:
    """Whether a name may say if a loop is running: `if not pks: return` has nothing to do with that."""
    return any(word in name.lower() for word in ("loop", "async", "sync", "running", "coro", "await"))


def _is_made_here(call: Call) -> bool:
    """Whether a call is made as its line says: not for a lambda, not under a guard, not to be awaited."""
    return not (call.in_try or call.is_awaited or call.in_lambda or call.is_decorator)

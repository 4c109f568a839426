"""What is handed to a run of a coroutine, and what the coroutine may not do there."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutines import Coroutines
from celery_lint.analysis.event_loop.plain_values import PlainValues
from celery_lint.diagnostics import Span
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.code.unawaited import is_left_alone, is_refusal_caught, makes_coroutine
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.asyncio import RUN_ASYNC, RUN_THREADSAFE
from celery_lint.model.arguments import ABSENT, Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once

# These take a coroutine as their first argument, and nothing that makes one.
_TAKING = (
    frozenset(
        f"asyncio.{name}"
        for name in (
            "run",
            "Runner().run",
            "run_coroutine_threadsafe",
            "create_task",
            "ensure_future",
            "wait_for",
            "shield",
            "new_event_loop().run_until_complete",
            "get_event_loop().run_until_complete",
        )
    )
    | {"uvloop.run"}
    | RUN_ASYNC
)
_LEAVES = frozenset(name.rpartition(".")[2] for name in _TAKING)
_TASK_RETRIES = frozenset({"celery.current_task.retry", "celery._state.current_task.retry"})
#: Runners that take a coroutine function, and make the coroutine themselves.
_OF_FUNCTIONS = ("anyio", "trio", "asyncer", "BlockingPortal")


class GivenFunction(NamedTuple):
    """A coroutine function where its coroutine is needed. ``place`` is the call that is given it.

    ``made`` is where a plain function is called instead, or defined, that gives nothing to be awaited.
    """

    module: Module
    call: Call
    name: str
    taker: str
    made: Place | None = None

    @property
    def place(self) -> Place:
        """The call that is given the function."""
        return self.module.place(self.call.span)


class LostRetry(NamedTuple):
    """A ``retry`` in a coroutine that runs where its task's request is not seen."""

    module: Module
    call: Call
    runner: str
    run: Place
    task: Task

    @property
    def place(self) -> Place:
        """The call of ``retry``."""
        return self.module.place(self.call.span)


class _Elsewhere(NamedTuple):
    """A run of coroutines on another thread or greenlet than the task's own."""

    runner: str
    place: Place
    task: Task
    coroutines: tuple[tuple[Module, Function], ...]


class CoroutineRuns:
    """Questions about what is run, over all runs of coroutines that tasks reach."""

    def __init__(self, known: Known) -> None:
        self.coroutines = known.of(Coroutines)
        self.plain_values = known.of(PlainValues)
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.runs = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.task_options = known.of(TaskOptions)

    # ------------------------------------------------------------------ a function for a coroutine

    @facts
    def given(self) -> list[GivenFunction]:
        """The coroutine functions that are handed over uncalled."""
        found: list[GivenFunction] = []
        pairs = [(module, function) for module, function, _ in self.graph.synchronous]
        pairs += [(view.module, view.function) for view in self.coroutines.inside]
        for module, function in pairs:
            found.extend(self._given(module, function))
        return found

    def _given(self, module: Module, function: Function) -> Iterator[GivenFunction]:
        calls = self.functions.calls(module, function)
        for call in calls:
            if call.chain[:1] != "%" and any(given.kind == "call" for given in call.takes[:2]):
                taken = self._taken(module, call)
                made = self._plain(module, calls[taken.number].chain if taken.kind == "call" else "")
                if made is not None and not self._is_caught(module, function, call):
                    yield GivenFunction(module, call, made[1].name, call.leaf(), made[0].place(made[1].span))
            if call.chain[:1] == "%" or not any(given.chain for given in call.takes):
                continue
            chain = self._taken(module, call).chain
            if chain and chain[:1] not in ("%", "~"):
                target = self.project.resolve(module, chain)
                handed = target.function()
                if (
                    handed is not None
                    and target.module is not None
                    and makes_coroutine(target.module, handed)
                    and not self._is_caught(module, function, call)
                ):
                    yield GivenFunction(module, call, handed.name, call.leaf())

    def _is_caught(self, module: Module, function: Function, call: Call) -> bool:
        return is_refusal_caught(self.functions.of(module, function), call)

    def _plain(self, module: Module, chain: str) -> tuple[Module, Function] | None:
        """The function of the project behind a chain, if it certainly gives nothing to be awaited."""
        target = self.graph.target(module, chain)
        return target if target is not None and self.plain_values.gives(*target) else None

    def _taken(self, module: Module, call: Call) -> Argument:
        """The argument that a call takes as a coroutine."""
        if call.leaf() in _LEAVES:
            entity = self.project.resolve(module, call.chain)
            if entity.kind == "external":
                return call.argument(0) if entity.name in _TAKING else ABSENT
        target = self.graph.target(module, call.chain)
        if target is None:
            return ABSENT
        position, name = self._helpers.get((target[0].path, target[1].qualname), (-1, ""))
        return call.argument(position, name) if position >= 0 else ABSENT

    @once
    def _helpers(self) -> dict[Key, tuple[int, str]]:
        """The functions that run a parameter as a coroutine and do nothing else with it: which one."""
        found: dict[Key, tuple[int, str]] = {}
        for run in self.runs.all:
            name = run.call.argument(0).local
            if not run.helper or not name or run.kind == "bridge":
                continue
            names = [parameter.name for parameter in run.function.parameters]
            if name in names and self._only_runs(run, name):
                position = names.index(name) - (1 if run.function.owner else 0)
                found[(run.module.path, run.function.qualname)] = (position, name)
        return found

    def _only_runs(self, run: LoopRun, name: str) -> bool:
        parameter = next(p for p in run.function.parameters if p.name == name)
        if (
            parameter.kind != "positional"
            or "Callable" in parameter.annotation
            or run.runner.startswith(_OF_FUNCTIONS)
        ):
            return False
        if any(call.chain.startswith(f"%{name}") for call in self.functions.calls(run.module, run.function)):
            return False
        flow = self.functions.of(run.module, run.function)
        if not is_left_alone(run.module, run.function) or is_refusal_caught(flow, run.call):
            return False  # who decorates a helper, or catches its refusal, may make a coroutine of anything
        return not any(
            name in step.stores or (name in step.loads and step.kind in ("if", "match"))
            for step in flow.steps
        )

    # ------------------------------------------------------------------ retry

    @facts
    def lost_retries(self) -> list[LostRetry]:
        """The retries that find no request, because their coroutine runs on another thread."""
        found: dict[tuple[str, Span], LostRetry] = {}
        for run in self._elsewhere():
            for coroutine in run.coroutines:
                for module, function in self.graph.deep_closure(*coroutine):
                    if function.is_async and function.mentions("retry"):
                        for call in self.functions.calls(module, function):
                            if self._is_retry_of(run.task, module, function, call):
                                fact = LostRetry(module, call, run.runner, run.place, run.task)
                                found.setdefault((module.path, call.span), fact)
        return list(found.values())

    def _is_retry_of(self, task: Task, module: Module, function: Function, call: Call) -> bool:
        """Whether a call is ``retry`` of this task: by its first parameter, its name or ``current_task``."""
        owner, _, leaf = call.chain.rpartition(".")
        if leaf != "retry" or not owner:
            return False
        if owner.startswith("%"):
            return owner in self._names_of(task, module, function)
        entity = self.project.resolve(module, owner)
        if self.tasks.of(entity) is task:
            return True
        if task.class_ is not None and entity.kind == "instance":
            bases = self.project.bases(Entity("class", task.class_.qualname, task.module))
            return any(base.kind == "class" and base[1:3] == entity[1:3] for base in bases)
        return self.project.resolve(module, call.chain).name in _TASK_RETRIES

    def _names_of(self, task: Task, module: Module, function: Function) -> list[str]:
        """The parameters that hold the task in a coroutine: its own, or one that it hands itself to."""
        first = task.function.parameters[:1] if task.function is not None else ()
        if not first or task.class_ is not None or task.function is None or not self._is_bound(task):
            return []
        own = f"%{first[0].name}"
        if module is task.module and function.qualname.startswith(f"{task.qualname}/"):
            return [own]
        found = []
        for call in self.functions.calls(task.module, task.function):
            if call.leaf() in (function.name, "async_to_sync"):
                for position, given in enumerate(call.positional[: len(function.parameters)]):
                    if given.chain == own:
                        found.append(f"%{function.parameters[position].name}")
        return found

    def _is_bound(self, task: Task) -> bool:
        option = self.task_options.get(task, "bind")
        return option is not None and option[1].data is True

    def _elsewhere(self) -> Iterator[_Elsewhere]:
        """The runs of coroutines on other threads."""
        for run in self.runs.all:
            if run.kind in ("apart", "bridge") and not run.adaptive:
                for way in run.reached:
                    coroutines = self.runs.handed_over(run, way)
                    yield _Elsewhere(run.runner, run.place, way.task, tuple(coroutines))
        for module, function, reached in self.graph.synchronous:
            if function.mentions("run_coroutine_threadsafe") or function.mentions("asyncio.run"):
                yield from self._threaded(module, function, reached)

    def _threaded(self, module: Module, function: Function, reached: list[Reached]) -> Iterator[_Elsewhere]:
        for call in self.functions.calls(module, function):
            if call.leaf() == "run_coroutine_threadsafe":
                if self.project.resolve(module, call.chain).name not in RUN_THREADSAFE:
                    continue
                runner, given = "run_coroutine_threadsafe", call
            elif call.leaf() == "submit" and call.argument(0).chain == "asyncio.run" and len(call.takes) == 2:
                if any(
                    other.chain.endswith("get_running_loop")
                    for other in self.functions.calls(module, function)
                ):
                    continue  # only where a loop is running, which is never so in a worker
                runner, given = "asyncio.run", call.of_what_it_is_given()
            else:
                continue
            for way in reached:
                _, coroutines = self.runs.coroutines_of(module, function, given, False, [way])
                yield _Elsewhere(runner, module.place(call.span), way.task, tuple(coroutines))

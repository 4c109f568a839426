"""Where async engines are disposed of."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.late import LateDisposals
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runners import Runners
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.resources.resources import Resources
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.sqlalchemy import SYNC_ENGINES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts

_EVERYTHING = frozenset({"~BaseException", "builtins.BaseException"})
_ORDINARY = frozenset({"~Exception", "builtins.Exception"})
# A handler may come to its end without what stands in other statements.
_SEEN_THROUGH = frozenset({"try", "with"})


class Disposal(NamedTuple):
    """A call of ``dispose`` on an async engine.

    ``tasks`` are those whose coroutine runs it; ``first_action``: the function awaits nothing before;
    ``keeps_none``: the engine has a ``NullPool``, so nothing is left open without it. ``kept`` is the name
    by which a module keeps the engine. ``is_last``: the process of a script ends behind it.
    """

    module: Module
    function: Function
    call: Call
    engine: str
    tasks: tuple[Task, ...]
    first_action: bool
    guarded: bool
    keeps_none: bool
    kept: Key | None
    is_last: bool

    @property
    def place(self) -> Place:
        """The dispose call."""
        return self.module.place(self.call.span)


class SkippedDisposal(NamedTuple):
    """The first disposal of an engine in a function that only its good path reaches, for these tasks.

    ``fails``: the engine is kept, and gives the next run connections of the loop that is closed.
    """

    place: Place
    engine: str
    tasks: tuple[Task, ...]
    fails: bool = False


class Disposals:
    """The calls of ``dispose`` in the product."""

    def __init__(self, known: Known) -> None:
        self.graph = known.of(CallGraph)
        self.project = known.project
        self.functions = known.project.functions
        self.resources = known.of(Resources)
        self.runs = known.of(Runs)
        self.late = known.of(LateDisposals)
        self.runners = known.of(Runners)

    @facts
    def all(self) -> list[Disposal]:
        """Every ``dispose`` of an async engine in the product."""
        found = []
        for module, function in self.project.holding("dispose"):
            calls = self.functions.calls(module, function)
            for call in calls:
                engine = self.resources.disposed_by(module, call)
                if engine is not None and not self._may_be_plain(module, function, call, engine):
                    found.append(self._disposal(module, function, calls, call, engine))
        return found

    def _may_be_plain(self, module: Module, function: Function, call: Call, engine: Entity) -> bool:
        """Whether a branch disposes of an engine that another branch has made as one without ``await``."""
        if call.is_awaited or engine.origin is None:
            return False
        path, name = engine.origin
        home = self.project.modules[path]
        plain = any(
            self.project.value_entity(home, value).name in SYNC_ENGINES
            for value in home.bindings.get(name, ())
        )
        flow = self.functions.of(module, function) if plain else None
        step = flow.step_of(call) if flow is not None else None
        return (
            flow is not None
            and step is not None
            and any(outer.kind in ("if", "case") for outer in flow.ancestors(step))
        )

    def _keeps_none(self, module: Module, function: Function, call: Call, engine: Entity) -> bool:
        """Whether an engine of the module, or one that the function makes, keeps no connection."""
        made = call.chain.rpartition(".")[0].removesuffix("()")
        calls = [other for other in self.functions.calls(module, function) if other.chain == made]
        if len(calls) == 1 and (value := function.value_of(calls[0])) is not None:
            engine = engine._replace(value=value, module=module)
        return self.resources.bound.pooled(engine) is False

    def _disposal(
        self, module: Module, function: Function, calls: list[Call], call: Call, engine: Entity
    ) -> Disposal:
        before = [
            other
            for other in calls
            if other.number < call.number and (other.is_awaited or other.is_context_manager)
        ]
        guarded = any(
            other.chain == call.chain
            and (other.in_finally or other.is_context_manager or self._in_any_case(module, function, other))
            for other in calls
        ) or any("push_async_callback" in other.chain or "callback" in other.leaf() for other in calls)
        tasks = tuple(self.runs.task_coroutines.get((module.path, function.qualname), ()))
        keeps_none = self._keeps_none(module, function, call, engine)
        kept = engine.origin
        last = not tasks and not call.is_awaited and self._is_last(module, function, call)
        name = call.receiver
        return Disposal(module, function, call, name, tasks, not before, guarded, keeps_none, kept, last)

    def _is_last(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a script calls the function last, and that does no more behind the call."""
        flow = self.functions.of(module, function)
        step, top = flow.step_of(call), module.functions.get("")
        if step is None or top is None or (module.path, function.qualname) in self.graph.deeply_reached:
            return False
        if any(later.waits or self._calls_more(module, function, later) for later in flow.after(step)):
            return False
        begun = False
        for made in self.functions.calls(module, top):
            target = self.graph.target(module, made.chain) if made.in_main else None
            if target is not None:
                begun = target[1] is function
        return begun

    def _calls_more(self, module: Module, function: Function, step: Step) -> bool:
        """Whether a statement calls functions of the project."""
        calls = self.functions.calls(module, function)
        return any(self.graph.target(module, calls[number].chain) is not None for number in step.calls)

    def _in_any_case(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a call stands in a handler of everything, or in one of every error that hands it on."""
        flow = self.functions.of(module, function) if call.in_handler else None
        step = flow.step_of(call) if flow is not None else None
        if flow is None or step is None:
            return False
        around = None
        for outer in flow.ancestors(step):
            if outer.kind == "handler":
                around = outer
                break
            if outer.kind not in _SEEN_THROUGH or step.role not in ("body", "finally"):
                return False
            step = outer
        if around is None:
            return False
        if _EVERYTHING.issuperset(around.chains[:1]):
            return True
        hands_on = any(inner.kind == "raise" for inner in flow.body(around))
        return hands_on and not _ORDINARY.isdisjoint(around.chains)

    @facts
    def skipped(self) -> list[SkippedDisposal]:
        """The disposals that are skipped when what stands before them raises, once for each engine."""
        found: dict[tuple[str, str, str], SkippedDisposal] = {}
        for one in self.all:
            if not one.tasks or not one.function.is_async or one.first_action:
                continue
            if one.guarded or one.keeps_none:
                continue
            if one.call.is_awaited and not one.call.in_finally:
                key = (one.module.path, one.function.qualname, one.engine)
                if key not in found:
                    fails = one.kept is not None and self.late.is_left_by(one.module, one.function, one.kept)
                    found[key] = SkippedDisposal(one.place, one.engine, one.tasks, fails)
        return [*found.values(), *self._after_runs()]

    def _after_runs(self) -> Iterator[SkippedDisposal]:
        """The runs of a disposal in plain functions, after the run of the work."""
        closing = {
            (one.module.path, one.function.qualname): one
            for one in self.all
            if one.first_action and one.call.is_awaited and one.function.is_async
        }
        words = {"dispose", *(one.function.name for one in closing.values())}
        for module, function, reached in self.graph.synchronous:
            if function.may_call(".run_until_complete") and function.mentions(*words):
                skipped = self._after_run(module, function, closing)
                if skipped is not None:
                    yield SkippedDisposal(*skipped, tuple(way.task for way in reached))

    def _after_run(
        self, module: Module, function: Function, closing: dict[Key, Disposal]
    ) -> tuple[Place, str] | None:
        """The disposal that a function runs on the loop of the work, unless a ``finally`` has one."""
        found: tuple[Place, str] | None = None
        worked = False
        for call in self.functions.calls(module, function):
            if call.leaf() != "run_until_complete" or self.runners.of(module, function, call) is None:
                continue
            engine = self._disposed_by(module, function, call, closing)
            if not engine:
                worked = True
            elif call.in_finally:
                return None
            elif worked and found is None and not call.in_handler:
                found = module.place(call.span), engine
        return found

    def _disposed_by(
        self, module: Module, function: Function, call: Call, closing: dict[Key, Disposal]
    ) -> str:
        """The engine that the coroutine of a run disposes of, and does nothing before."""
        given = call.argument(0)
        if given.kind != "call":
            return ""
        inner = self.functions.calls(module, function)[given.number]
        if self.resources.disposed_by(module, inner) is not None:
            return inner.receiver
        target = self.graph.target(module, inner.chain)
        known = closing.get((target[0].path, target[1].qualname)) if target is not None else None
        return known.engine if known is not None else ""

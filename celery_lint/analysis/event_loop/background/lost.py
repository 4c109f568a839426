"""Work that the coroutines of tasks start beside themselves, and that ends with their event loop."""

from __future__ import annotations

from celery_lint.analysis.event_loop.background.afterwards import Afterwards
from celery_lint.analysis.event_loop.background.lasting import Lasting
from celery_lint.analysis.event_loop.coroutines import Closure, Coroutines, Inside
from celery_lint.inventory.code.decided.given import Given
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.unawaited import is_lost, made_names, may_be_lost
from celery_lint.inventory.code.walks import Walks
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.asyncio import CURRENT_LOOP, IN_A_THREAD, RUNNING_LOOP, SPAWNERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# The loops of these runs end, or stand still, when the coroutine has returned.
_ENDING = frozenset({"run", "new", "bridge"})
_LOOPS = frozenset(f"{asked}()" for asked in CURRENT_LOOP | RUNNING_LOOP)
# This begins before anything is awaited.
_AT_ONCE = "run_in_executor"
_PLAIN = frozenset({"~bool", "~bytes", "~float", "~int", "~str"})
# These wait for what they are given.
_GATHERING = frozenset({"gather", "wait", "as_completed", "wait_for", "run_until_complete"})


class LostBackground(NamedTuple):
    """An asyncio task that is started inside the coroutine of a Celery task and that nobody waits for."""

    module: Module
    call: Call
    task: Task

    @property
    def place(self) -> Place:
        """The call that starts it."""
        return self.module.place(self.call.span)


class Background:
    """What is started in coroutines of tasks and that nobody waits for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.coroutines = known.of(Coroutines)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.lasting = known.of(Lasting)
        self.afterwards = known.of(Afterwards)
        self.walks = known.of(Walks)
        self._behind: dict[Key, dict[Key, int]] = {}
        self._walks: dict[Key, dict[Key, set[Given]]] = {}

    @facts
    def lost(self) -> list[LostBackground]:
        """The asyncio tasks that end with the loop of the Celery task that started them."""
        found: list[LostBackground] = []
        for view in self.coroutines.inside:
            if not view.kinds <= _ENDING:
                continue
            for call in self.functions.calls(view.module, view.function):
                if self._spawns(view.module, call) and self._forgotten(view, call):
                    task = self._loser(view, call)
                    if task is not None:
                        found.append(LostBackground(view.module, call, task))
        return found

    def _loser(self, view: Inside, call: Call) -> Task | None:
        """The first task whose run ends before the work does, if one of its runs starts it at all."""
        started = self.graph.argument(view.module, view.function, call.argument(0))
        length = self.afterwards.longest(*started) if started is not None else 0
        if started is not None and not length:
            return None  # it is done before the loop ends, which comes to it first
        behind = self.afterwards.behind(view.module, view.function, call)
        key = (view.module.path, view.function.qualname)
        for closure in self.coroutines.closures:
            if (view.module, view.function) in closure.functions and closure.kind in _ENDING:
                remaining = self._remaining(closure).get(key, 0) + behind
                if (started is None or remaining <= length) and self._is_open(closure, view, call):
                    return closure.task
        return None

    def _remaining(self, closure: Closure) -> dict[Key, int]:
        """How often the run of a coroutine waits behind each that it leads to."""
        module, function = closure.coroutine
        key = (module.path, function.qualname)
        if key not in self._behind:
            self._behind[key] = self.afterwards.remaining(self.graph.deep_closure(module, function))
        return self._behind[key]

    def _is_open(self, closure: Closure, view: Inside, call: Call) -> bool:
        """Whether a coroutine comes to a call with what it gives on the way: `f(None)` to no `if x:`."""
        module, function = closure.coroutine
        key = (module.path, function.qualname)
        if key not in self._walks:
            self._walks[key] = self.walks.of(self.walks.starts(module, function, ()))
        given = self._walks[key].get((view.module.path, view.function.qualname), {()})
        return not all(self.walks.skips(view.module, view.function, call, each) for each in given)

    def _spawns(self, module: Module, call: Call) -> bool:
        if call.leaf() not in ("create_task", "ensure_future", "gather") or call.chain[:1] in "%~":
            return False
        name = self.project.resolve(module, call.chain).name
        return name in SPAWNERS or (name.endswith(".create_task") and name[: -len(".create_task")] in _LOOPS)

    def _forgotten(self, view: Inside, call: Call) -> bool:
        """Whether nothing waits for what a call starts, as far as its own function shows."""
        flow = self.functions.of(view.module, view.function)
        step = flow.step_of(call)
        if step is None or not (self._is_dropped(flow, call) or self._is_kept_aside(view, flow, call)):
            return False
        made = [c for c in self.functions.calls(view.module, view.function) if c.parent == call.number]
        if made and all(c.leaf() == _AT_ONCE for c in made) and len(made) == len(call.positional):
            return False
        started = self.graph.argument(view.module, view.function, call.argument(0))
        waits = [later for later in flow.steps[step.number + 1 :] if later.waits]
        if started is None or self._is_thread(*started):
            # Nobody can tell how long it runs: it may be done before what is awaited next, here or outside.
            # A thread that has begun goes on.
            lasting = any(self.lasting.is_lasting(view.module, each) for each in made)
            return not waits and view.is_outermost and not lasting
        if self.lasting.lasts(*started):
            return False  # a heartbeat, a listener: meant to end with the rest
        if self._is_given_plain_values(view, call, started[1]):
            return True
        return not any(self._share(view, step, later) for later in waits)

    def _is_given_plain_values(self, view: Inside, call: Call, started: Function) -> bool:
        """Whether a function says that all that it gets are texts and numbers: nobody can wait by them."""
        given = call.argument(0)
        if given.kind != "call" or started.owner:
            return False
        made = self.functions.calls(view.module, view.function)[given.number]
        places = started.filled()
        if made.is_open_ended or len(made.positional) > len(places):
            return False
        names = {*places[: len(made.positional)], *(each.keyword for each in made.takes if each.keyword)}
        return all(each.annotation in _PLAIN for each in started.parameters if each.name in names)

    def _is_thread(self, module: Module, function: Function) -> bool:
        """Whether a coroutine awaits nothing but one thread, at its end."""
        waits = [step for step in self.functions.of(module, function).steps if step.waits]
        calls = self.functions.calls(module, function)
        names = [self.project.resolve(module, calls[n].chain).name for step in waits for n in step.calls[:1]]
        return len(waits) == len(names) == 1 and (
            names[0] in IN_A_THREAD or names[0].endswith(f".{_AT_ONCE}")
        )

    def _share(self, view: Inside, start: Step, later: Step) -> bool:
        """Whether a later ``await`` may wait for the work: by an object made here or a parameter's method."""
        names = set(start.loads) & set(later.loads)
        if names & made_names(self.functions.of(view.module, view.function)):
            return True
        calls = self.functions.calls(view.module, view.function)
        chains = [calls[number].chain for number in later.calls]
        return any(chain.startswith(f"%{name}.") for name in names for chain in chains)

    def _is_dropped(self, flow: Flow, call: Call) -> bool:
        return may_be_lost(call) and is_lost(flow, call)

    def _is_kept_aside(self, view: Inside, flow: Flow, call: Call) -> bool:
        """Whether what a call gives is only put into a set that nobody waits for, and may leave it when done.

        The set keeps the work from being collected, and the loop ends all the same.
        """
        step = flow.step_of(call)
        calls = self.functions.calls(view.module, view.function)
        if call.is_argument and call.parent >= 0:
            return self._keeps(view, calls[call.parent])
        if step is None or not call.is_bound or step.kind != "assign" or len(step.stores) != 1:
            return False
        work, kept = f"{call.chain}()", False
        for other in flow.steps:
            if step.name not in other.loads or other is step:
                continue
            made = [calls[number] for number in other.calls]
            keeping = [inner for inner in made if inner.hands_on(work) and self._keeps(view, inner)]
            told = [inner for inner in made if inner.chain == f"{work}.add_done_callback"]
            if other.kind != "expr" or other.waits or not (keeping or told):
                return False
            kept = kept or bool(keeping)
        return kept

    def _keeps(self, view: Inside, call: Call) -> bool:
        """Whether a call puts something into a set that outlives the function, and nobody waits for it."""
        owner, _, leaf = call.chain.rpartition(".")
        if leaf not in ("add", "append") or owner[:1] != ":":
            return False
        name = owner[1:].partition(".")[0]
        return not any(
            self._waits(view.module, function, function.first() if name.endswith("()") else name)
            for function in view.module.functions.values()
        )

    def _waits(self, module: Module, function: Function, name: str) -> bool:
        """Whether a function goes through what a name holds, or gathers it."""
        if not function.states(name):
            return False
        calls = self.functions.calls(module, function)
        return any(
            name in step.loads
            and (step.kind == "for" or any(calls[number].leaf() in _GATHERING for number in step.calls))
            for step in self.functions.of(module, function).steps
        )

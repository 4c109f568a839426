"""Getting hold of an event loop: asking for the current one, making, setting and closing one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.analysis.event_loop.handing_over import HandingOver
from celery_lint.analysis.event_loop.loop_code import LoopCode, catches
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.libraries.asyncio import CURRENT_LOOP, NEW_LOOP, RUNNING_LOOP, SET_LOOP
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

# Signals that are sent where tasks run, before the first of them or before each.
_OF_PROCESS = ("worker_process_init", "worker_init", "task_prerun")
# Methods of a task's class that Celery calls in its thread when it ends.
_HOOKS = ("on_success", "on_failure", "on_retry", "after_return")
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "print"})
_ASKED_OR_RUNNING = CURRENT_LOOP | RUNNING_LOOP


class LoopRequest(NamedTuple):
    """A ``get_event_loop()`` in a plain function that tasks reach, without a way out if there is no loop.

    ``set_by_task`` says that something on the way of the task sets a loop, ``set_for_process`` that a handler
    of a signal of the process, or an import, does. ``unset_by`` is an ``asyncio.run`` in the same worker
    processes: it leaves the thread without a current loop.
    """

    module: Module
    function: Function
    call: Call
    reached: tuple[Reached, ...]
    set_by_task: bool
    set_for_process: bool
    unset_by: LoopRun | None


class OpenLoop(NamedTuple):
    """An event loop that every call of a function makes and none closes."""

    module: Module
    function: Function
    call: Call
    reached: tuple[Reached, ...]


class ClosedLoop(NamedTuple):
    """A ``close()`` of the thread's current event loop, which stays current.

    ``own`` says that the function closes the loop that it asked for, and so finds it closed the next time.
    Otherwise ``victims`` are the places where tasks of the same worker ask for the current loop, and ``hook``
    the method of the task's class that does so when it ends, if one does.
    """

    module: Module
    function: Function
    call: Call
    own: bool
    victims: tuple[Place, ...]
    reached: tuple[Reached, ...]
    hook: str = ""


class CurrentLoops:
    """What the plain functions of tasks do with the current event loop and with their own."""

    def __init__(self, known: Known) -> None:
        self.code = known.of(LoopCode)
        self.functions = known.project.functions
        self.runs = known.of(Runs)
        self.project = known.project
        self.queues = known.of(Queues)
        self.graph = known.of(CallGraph)
        self.pools = known.of(Pools)
        self.handing_over = known.of(HandingOver)

    # ------------------------------------------------------------------ asking for a loop

    @facts
    def requests(self) -> list[LoopRequest]:
        """The requests for a current loop that nothing guards, by path and position."""
        found = []
        for module, function, reached, calls in self.code.calls("get_event_loop"):
            if any(parameter.name.endswith("loop") for parameter in function.parameters):
                continue  # `loop or asyncio.get_event_loop()`: callers may have one
            flow = self.functions.of(module, function)
            for call in calls:
                if call.in_lambda or self.code.name(module, call.chain) not in CURRENT_LOOP:
                    continue
                idle = module.place(call.span) in self._idle  # told in other words
                if not idle and not self._is_guarded(module, flow, call, calls):
                    set_by_task = any(way.task.key in self._tasks_with_a_loop for way in reached)
                    unset_by = self._unset_by(reached)
                    found.append(
                        LoopRequest(
                            module, function, call, reached, set_by_task, self._set_for_process, unset_by
                        )
                    )
        if not found or self.code.nests or self.pools.awaits_tasks:
            return []
        return sorted(found, key=lambda request: (request.module.path, request.call.span))

    @once
    def _idle(self) -> set[Place]:
        return {loop.place for loop in self.handing_over.idle}

    @once
    def asking(self) -> set[Key]:
        """The functions with such requests."""
        return {(request.module.path, request.function.qualname) for request in self.requests}

    def _is_guarded(self, module: Module, flow: Flow, call: Call, calls: list[Call]) -> bool:
        """Whether a missing loop is dealt with, or the call stands where another run has failed."""
        step = flow.step_of(call)
        if step is None:
            return True
        for ancestor in flow.ancestors(step):
            if ancestor.kind == "with" and any(c.startswith("contextlib.suppress") for c in ancestor.chains):
                return True
            if ancestor.kind != "try":
                continue
            handlers = [each for each in flow.body(ancestor, "handler") if catches(each)]
            if _within(flow, step, ancestor, "body") and any(not _fails(flow, each) for each in handlers):
                return True
            in_handler = _within(flow, step, ancestor, "handler")
            if in_handler and self.code.runs_among(module, flow, ancestor, "body", calls):
                return True
        return False

    @once
    def _setters(self) -> list[tuple[Module, Function, Call]]:
        """The calls that set a loop, in the product."""
        found = []
        for module, function in self.project.calling("set_event_loop"):
            asked = False
            for call in self.functions.calls(module, function):
                name = self.code.name(module, call.chain)
                if name in CURRENT_LOOP and not call.in_try:
                    asked = True  # what comes after it comes too late for it
                elif name in SET_LOOP and not call.argument(0, "loop").is_none and not asked:
                    found.append((module, function, call))
        return found

    @once
    def _tasks_with_a_loop(self) -> set[Key]:
        """The tasks that reach a function that sets a loop."""
        return {
            way.task.key
            for module, function, _ in self._setters
            for way in self.graph.deeply_reached.get((module.path, function.qualname), ())
        }

    @once
    def _set_for_process(self) -> bool:
        """Whether the import of a module sets a loop, or what a signal calls in every process of a worker.

        Another task is no promise: nobody knows whether it has run in this process.
        """
        setters = {(module.path, function.qualname) for module, function, _ in self._setters}
        leaves = {function.name for _, function, _ in self._setters}
        if any(not name for name in leaves):
            return True
        return bool(setters) and any(
            (inner_module.path, inner.qualname) in setters
            for module, function in self._beginnings(leaves)
            for inner_module, inner in self.graph.closure(module, function)
        )

    def _beginnings(self, leaves: set[str]) -> Iterator[tuple[Module, Function]]:
        """The handlers of signals of the process, and the imports that call a function of these names."""
        for module in self.project.product_modules():
            calling = module.functions.calling(".connect", *leaves)
            for function in module.functions.in_order(module.functions.decorated(), calling):
                imported = not function.name and function.may_call(*leaves)
                if imported or any(_is_of_process(value.chain) for value in function.decorators):
                    yield module, function
                for call in self.functions.calls(module, function) if function.may_call(".connect") else ():
                    if call.leaf() == "connect" and _is_of_process(call.chain):
                        yield from self.graph.arguments(module, function, call.argument(0, "receiver"))

    def _unset_by(self, reached: Iterable[Reached]) -> LoopRun | None:
        """An ``asyncio.run`` that runs in the same worker processes: it leaves the thread without a loop."""
        mine = self.queues.of(way.task for way in reached)
        for run in self.runs.all:
            unsets = run.runner == "asyncio.run" and not _has_loop_factory(run.call)
            if unsets and run.is_plain and not run.call.in_handler:
                theirs = self.queues.of(way.task for way in run.reached)
                if mine is not None and theirs is not None and mine & theirs:
                    return run
        return None

    # ------------------------------------------------------------------ making and closing

    @facts
    def open(self) -> list[OpenLoop]:
        """The loops that are made at every call and never closed, by path and position."""
        found = []
        for module, function, reached, calls in self.code.calls("new_event_loop", "uvloop.Loop"):
            names = {call.number: self.code.name(module, call.chain) for call in calls}
            if function.is_generator or not _ASKED_OR_RUNNING.isdisjoint(names.values()):
                continue
            flow = self.functions.of(module, function)
            for call in calls:
                if names[call.number] in NEW_LOOP and self._is_left_open(flow, call, calls, names):
                    found.append(OpenLoop(module, function, call, reached))
        return sorted(found, key=lambda loop: (loop.module.path, loop.call.span))

    def _is_left_open(self, flow: Flow, made: Call, calls: list[Call], names: dict[int, str]) -> bool:
        """Whether a loop is kept in one local name, only ever used by its own methods, and never closed."""
        step = flow.step_of(made)
        if step is None or made.in_lambda:
            return False
        loop = f"{made.chain}()"
        if any(call.leaf() in ("close", "closing") or "%" in call.chain[:1] for call in calls):
            return False
        uses = [call for call in calls if call.chain.startswith(f"{loop}.")]
        if not any(call.leaf() == "run_until_complete" for call in uses):
            return False
        if step.kind != "assign":
            return step.kind in ("expr", "return") and any(call.number in step.calls for call in uses)
        kept = {name for other in flow.steps if other.kind == "global" for name in other.stores}
        if len(step.stores) != 1 or kept.intersection(step.stores) or step.chains != (loop,):
            return False
        for other in flow.steps:
            if step.name in other.loads and not any(
                call.number in other.calls and (call in uses or names[call.number] in SET_LOOP)
                for call in calls
            ):
                return False
        return all(names[call.number] in SET_LOOP or not call.hands_on(loop) for call in calls)

    @facts
    def closed(self) -> list[ClosedLoop]:
        """The loops that are closed and stay current, by path and position."""
        found = []
        for module, function, reached, calls in self.code.calls(".close"):
            flow = self.functions.of(module, function)
            close = next((call for call in calls if self._closes(module, call)), None)
            if close is None or self._is_optional(flow, close):
                continue
            # The loop may come from a helper, which asks for it, or makes and sets it.
            helper = self.graph.target(module, close.chain.removesuffix(".close").removesuffix("()"))
            made = [(module, flow, calls)]
            if helper is not None:
                made.append((helper[0], self.functions.of(*helper), self.functions.calls(*helper)))
            if any(call.leaf() == "is_closed" for _, _, inner in made for call in inner):
                continue
            sets = self._named(made, SET_LOOP)
            if any(call.argument(0, "loop").is_none for _, call in sets):
                continue
            asked = [pair for pair in self._named(made, CURRENT_LOOP) if not pair[1].in_lambda]
            if any(not self._is_optional(*pair) for pair in sets):
                victims, hooked = self._victims(module, function, reached), self._hooked(reached)
                hook = next(iter(hooked), "")
                victims = (*hooked.get(hook, ()), *victims)
                if victims:
                    found.append(ClosedLoop(module, function, close, False, victims, reached, hook))
            elif asked and not self._is_optional(*asked[0]):
                found.append(ClosedLoop(module, function, close, True, (), reached))
        return sorted(found, key=lambda loop: (loop.module.path, loop.call.span))

    def _closes(self, module: Module, call: Call) -> bool:
        """Whether a call closes an event loop that is, or may be, the current one."""
        return call.leaf() == "close" and self.code.name(module, call.chain).endswith("_event_loop().close")

    def _named(
        self, made: list[tuple[Module, Flow, list[Call]]], names: frozenset[str]
    ) -> list[tuple[Flow, Call]]:
        """The calls of these dotted paths in several functions."""
        return [
            (flow, call)
            for module, flow, calls in made
            for call in calls
            if self.code.name(module, call.chain) in names
        ]

    def _is_optional(self, flow: Flow, call: Call) -> bool:
        """Whether a call is made in some runs of its function only."""
        step = flow.step_of(call)
        if step is None or call.in_lambda:
            return True
        return any(
            ancestor.kind in ("if", "for", "while", "handler", "match", "case", "def")
            for ancestor in flow.ancestors(step)
        )

    def _victims(self, owner: Module, closing: Function, reached: tuple[Reached, ...]) -> tuple[Place, ...]:
        """Where other tasks of the same worker ask for the current loop and take what they get."""
        mine = self.queues.of(way.task for way in reached)
        found: list[Place] = []
        for module, function, ways, _ in self.code.calls("get_event_loop"):
            if (module.path, function.qualname) == (owner.path, closing.qualname):
                continue
            theirs = self.queues.of(way.task for way in ways)
            if mine is not None and theirs is not None and mine & theirs:
                found += self._taken(module, function)
        for run in self.handing_over.library_runs:  # they ask for it in the library
            theirs = self.queues.of(way.task for way in run.reached)
            if mine is not None and theirs is not None and mine & theirs:
                found.append(run.module.place(run.call.span))
        return tuple(found)

    def _hooked(self, reached: Iterable[Reached]) -> dict[str, list[Place]]:
        """The same of the methods that Celery calls of the classes of these tasks when one ends, by name."""
        found: dict[str, list[Place]] = {}
        classes = [self.graph.receiver(way.task) for way in reached]
        for name, class_ in ((name, class_) for name in _HOOKS for class_ in classes if class_ is not None):
            method = self.project.attribute(class_, name)
            function = method.function()
            if method.module is not None and function is not None and not function.is_async:
                for module, inner in self.graph.here(method.module, function, class_):
                    if inner.may_call("get_event_loop") and (taken := list(self._taken(module, inner))):
                        found.setdefault(name, taken)
        return found

    def _taken(self, module: Module, function: Function) -> Iterator[Place]:
        """Where a function takes the current loop as it is."""
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        names = [self.code.name(module, call.chain) for call in calls]
        if _checks_or_sets(calls, names):
            return
        for call, name in zip(calls, names, strict=True):
            taken = name in CURRENT_LOOP and not call.in_lambda
            if taken and not self._runs_guarded(module, flow, call, calls):
                yield module.place(call.span)

    def _runs_guarded(self, module: Module, flow: Flow, call: Call, calls: list[Call]) -> bool:
        """Whether the run on a loop that was asked for stands in the same ``try``, with a handler for it.

        One that does nothing but log leaves undone what was to be run.
        """
        step = flow.step_of(call)
        return any(
            around.kind == "try"
            and any(
                catches(handler) and not _only_logs(flow, handler) for handler in flow.body(around, "handler")
            )
            and _within(flow, step, around, "body")
            and self.code.runs_among(module, flow, around, "body", calls)
            for around in (flow.ancestors(step) if step is not None else ())
            if step is not None
        )


def _is_of_process(chain: str) -> bool:
    """Whether a chain connects to a signal that is sent in every process of a worker before its tasks."""
    return any(chain.startswith(f"celery.signals.{name}.") for name in _OF_PROCESS)


def _only_logs(flow: Flow, handler: Step) -> bool:
    """Whether a handler goes on with nothing but a line in a log."""
    steps = flow.body(handler)
    return bool(steps) and all(
        step.kind == "pass"
        or (step.kind == "expr" and leaf_of_chain(step.value).removesuffix("()") in _LOGGING)
        for step in steps
    )


def _fails(flow: Flow, handler: Step) -> bool:
    """Whether all that a handler does ends in an exception: whoever waits for the outcome gets that."""
    leaving = any(step.kind in ("return", "continue", "break") for step in flow.below(handler))
    return not leaving and flow.ends(flow.body(handler))


def _has_loop_factory(call: Call) -> bool:
    return bool(call.keyword("loop_factory"))


def _within(flow: Flow, step: Step, ancestor: Step, role: str) -> bool:
    """Whether a statement stands in this part of a compound one."""
    current = step
    for above in flow.ancestors(step):
        if above.number == ancestor.number:
            return current.role == role
        current = above
    return False


def _checks_or_sets(calls: list[Call], names: list[str]) -> bool:
    """Whether a function looks whether the loop is closed, or sets one of its own."""
    return any(call.leaf() == "is_closed" for call in calls) or any(
        name in SET_LOOP and not call.in_handler for call, name in zip(calls, names, strict=True)
    )

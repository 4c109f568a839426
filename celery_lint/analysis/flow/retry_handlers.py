"""Handlers of ``MaxRetriesExceededError`` that never run, and calculations with a bound that is ``None``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import EVERY_ERROR, in_loop, is_log
from celery_lint.inventory.retries.calls import EXCEEDED, RetryCall, RetryCalls
from celery_lint.inventory.retries.escaping import Escaping
from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_ERRORS = ("Error", "Exception")
# Waiting for another task raises what that one has raised.
_RESULTS = ("apply_async().get", "delay().get", "().AsyncResult().get")
# Words in the names of variables that count attempts.
_ATTEMPTS = frozenset({"attempt", "attempts", "retries", "tries"})
_COUNTED = "retry_count"
_IDLE = frozenset({"break", "continue", "return"})
_WAITING = frozenset({"allow_join_result", "apply", "join", "retry"})


class DeadRetryHandler(NamedTuple):
    """An ``except MaxRetriesExceededError`` that never runs.

    ``kind`` is ``cause`` (the retry in the ``try`` raises its ``exc`` instead), ``sibling`` (the retry is in
    another handler of the same ``try``) or ``automatic`` (the retry happens around the task). ``retry`` is
    the call or option that retries, ``task`` what the function calls the task there.
    """

    kind: Literal["cause", "sibling", "automatic"]
    place: Place
    retry: Place
    task: str = "self"


class NoneCalculated(NamedTuple):
    """A calculation with ``max_retries`` of a task that sets it to ``None``."""

    path: str
    place: Place
    option: Place


class RetryHandlers:
    """What a project does at the end of its retries."""

    def __init__(self, known: Known) -> None:
        self.retries = known.of(Retries)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.in_force = known.of(OptionsInForce)
        self.tasks = known.of(Tasks)
        self.retry_calls = known.of(RetryCalls)
        self.escaping = known.of(Escaping)
        self.kept = known.of(Kept)

    @facts
    def dead(self) -> list[DeadRetryHandler]:
        """The handlers that never run."""
        found: list[DeadRetryHandler] = []
        for module, function in self.project.stating(EXCEEDED):
            found.extend(self._dead_in(module, function))
        return found

    def holds(self, place: Place) -> bool:
        """Whether a place lies in a handler that never runs."""
        lines = self._dead_lines.get(place.path, ())
        return any(first <= place.span.line <= last for first, last in lines)

    @once
    def _dead_lines(self) -> dict[str, list[tuple[int, int]]]:
        """From which line to which the bodies of those handlers go, by path."""
        found: dict[str, list[tuple[int, int]]] = {}
        for path, span in [dead.place for dead in self.dead]:
            module = self.project.modules[path]
            function = self.functions.around(module, Value("unknown", span))
            flow = self.functions.of(module, function) if function is not None else None
            for step in flow.steps if flow is not None else ():
                if step.kind == "handler" and step.span == span and flow is not None:
                    inside = [inner.span for inner in flow.below(step)]
                    lines = inside[0].line, max(each.end_line for each in inside)
                    found.setdefault(path, []).append(lines)
        return found

    def _dead_in(self, module: Module, function: Function) -> Iterator[DeadRetryHandler]:
        flow = self.functions.of(module, function)
        calls = [call for call in self.retry_calls.all if call.module is module and call.function is function]
        for step in flow.steps:
            if step.kind != "handler" or not step.chains or not all(map(_is_exceeded, step.chains)):
                continue
            attempt = flow.steps[step.parent]
            if _only_logs(flow, step) and not _goes_on(flow, step, attempt):
                continue
            inside = [call for call in calls if _part(flow, call.step, attempt) == "body"]
            beside = [call for call in calls if _part(flow, call.step, attempt) == "handler"]
            if self._retries_unseen(module, function, flow, attempt, inside):
                continue
            if not all(self._is_reached(flow, call) for call in inside or beside):
                continue  # nothing is retried, so nothing is given up
            if inside and _is_counted(flow, inside):
                continue  # the end of the retries is seen to
            place = module.place(step.span)
            if inside:
                the_same = _is_no_other(flow, step, attempt)
                if not the_same and all(self._raises_its_cause(call) for call in inside):
                    yield DeadRetryHandler("cause", place, inside[0].place, _owner(inside[0]))
            elif beside:
                if flow.steps[_top(flow, beside[0].step, attempt).number] is not step:
                    yield DeadRetryHandler("sibling", place, beside[0].place)
            else:
                option = self._automatic(module, function, attempt)
                if option is not None:
                    yield DeadRetryHandler("automatic", place, option)

    def _is_reached(self, flow: Flow, call: RetryCall) -> bool:
        """Whether the handlers around a retry, if any, may ever catch something."""
        around = flow.ancestors(call.step) if call.step is not None else ()
        return all(
            self.escaping.is_reached(call.module, call.function, outer)
            for outer in around
            if outer.kind == "handler"
        )

    def _raises_its_cause(self, call: RetryCall) -> bool:
        """Whether a call gives an exception for certain, which is then raised after the last attempt."""
        exc = call.given("exc")
        if exc is None:
            return False
        if exc.kind == "call":
            made = self.retries.entity(call.module, exc._replace(kind="name"))
            error = made.kind == "class" or made.name.endswith(_ERRORS)
            return error and not made.name.endswith(EXCEEDED)
        return call.is_caught(self.functions, exc) or self._is_handed_over(call, exc)

    def _is_handed_over(self, call: RetryCall, exc: Value) -> bool:
        """Whether an exception is a parameter that all tasks on the way fill with what they have caught."""
        helper, name = call.function, exc.chain.removeprefix("%")
        names = helper.filled()
        if exc.kind != "name" or name not in names or any(name in step.stores for step in self._steps(call)):
            return False
        given = [
            (module, function, caller, caller.argument(names.index(name), name).local)
            for task in call.tasks
            for module, function, caller in self.graph.callers(task, helper)
        ]
        return bool(given) and all(self._has_caught(*each) for each in given)

    def _steps(self, call: RetryCall) -> Sequence[Step]:
        return self.functions.of(call.module, call.function).steps

    def _has_caught(self, module: Module, function: Function, call: Call, name: str) -> bool:
        """Whether a call stands in a handler that has caught an exception under this name."""
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        around = flow.ancestors(step) if step is not None and name and not call.in_lambda else ()
        return any(outer.kind == "handler" and name in outer.stores for outer in around)

    def _retries_unseen(
        self, module: Module, function: Function, flow: Flow, attempt: Step, inside: list[RetryCall]
    ) -> bool:
        """Whether something else in the ``try`` may retry, or wait for a task that has given up."""
        known = {call.call.number for call in inside}
        below = [step for step in flow.below(attempt) if _part(flow, step, attempt) == "body"]
        numbers = {number for step in below for number in step.calls} - known
        graph = self.graph
        task = self._task(module, function)
        bound = task is not None and self.in_force.is_bound(task)
        receivers = {p.name for p in function.parameters[:1]} if bound else set()
        for call in self.functions.calls(module, function):
            if call.number not in numbers:
                continue
            if call.leaf() in _WAITING or call.chain.endswith(_RESULTS):
                return True
            if any(given.local in receivers for given in call.takes if given.local):
                return True
        callees = [c for c in graph.callees(module, function) if c.call.number in numbers]
        return any(
            inner.may_call(".retry")
            for callee in callees
            for _, inner in graph.closure(callee.module, callee.function)
        )

    def _task(self, module: Module, function: Function) -> Task | None:
        return self.tasks.by_function.get((module.path, function.qualname.partition("/")[0]))

    def _automatic(self, module: Module, function: Function, attempt: Step) -> Place | None:
        """The ``autoretry_for`` of the task that a function is, if it does not see to the end by itself."""
        task = self.tasks.by_function.get((module.path, function.qualname))
        for policy in self.retries.policies:
            if policy.task is task and policy.automatic and policy.known and not policy.calls:
                if self.kept.is_never_automatic(policy):
                    return None
                owner, value = policy.options["autoretry_for"]
                waited = {leaf_of_chain(item.chain) for item in value.items}
                if _sees_to_the_end(self.functions.of(module, function), attempt, waited | EVERY_ERROR):
                    return None
                return owner.place(value.span)
        return None

    @facts
    def calculations(self) -> list[NoneCalculated]:
        """The calculations with a bound that is ``None``."""
        found = []
        for policy in self.retries.policies:
            option = policy.options.get("max_retries")
            known = self.retries.constant(option)
            function = policy.task.function
            if option is None or function is None or known is None:
                continue
            if known.kind != "constant" or known.data is not None or not function.parameters:
                continue
            module = policy.task.module
            path = f"{function.first()}.max_retries"
            if not function.states(f"<{path}") or policy.task.class_ is not None:
                continue
            if self.in_force.annotated(policy.task, frozenset({"max_retries"})):
                continue
            steps = [step for step in self.functions.of(module, function).steps if path in step.loads]
            if all(f"<{path}" in step.loads for step in steps) and self._is_first(policy.task):
                place = option[0].place(option[1].span)
                found.append(NoneCalculated(path, module.place(steps[0].span), place))
        return found

    def _is_first(self, task: Task) -> bool:
        return self.in_force.is_bound(task)


def _is_exceeded(chain: str) -> bool:
    return chain.rpartition(".")[2] == EXCEEDED


def _is_counted(flow: Flow, calls: Sequence[RetryCall]) -> bool:
    """Whether all these retries stand on one side of a question for the number of retries."""
    counts = {name for step in flow.steps if step.kind == "assign" and _keeps(step) for name in step.stores}
    sides = [
        {(test.number, holds) for test, holds in flow.sides(call.step) if _reads(test, counts)}
        for call in calls
        if call.step is not None
    ]
    return bool(sides) and bool(set.intersection(*sides))


def _sees_to_the_end(flow: Flow, attempt: Step, names: Collection[str]) -> bool:
    """Whether a handler for one of these leaves by itself where the number of retries says so."""
    counts = {name for step in flow.steps if step.kind == "assign" and _keeps(step) for name in step.stores}
    return any(
        _tells_the_end(flow, handler, test)
        for handler in flow.body(attempt, "handler")
        if not handler.chains or not {leaf_of_chain(chain) for chain in handler.chains}.isdisjoint(names)
        for test in flow.below(handler)
        if test.kind == "if" and _reads(test, counts) and not _is_of_the_first(test)
    )


def _tells_the_end(flow: Flow, handler: Step, test: Step) -> bool:
    """Whether a test of the number of retries has a side that leaves, and one that does more than raise."""
    sides = [flow.body(test), flow.body(test, "else")]
    after = [step for step in flow.after(test) if handler in flow.ancestors(step)]
    return any(map(flow.ends, sides)) and any(
        _does_more(flow, [*side, *([] if flow.ends(side) else after)]) for side in sides
    )


def _does_more(flow: Flow, steps: Sequence[Step]) -> bool:
    """Whether statements do more than to log and to raise."""
    every = (inner for step in steps for inner in (step, *flow.below(step)))
    return not all(step.kind in ("if", "pass", "raise") or is_log(step) for step in every)


def _is_of_the_first(test: Step) -> bool:
    """Whether a test asks whether it is the first attempt: ``retries == 0``, ``not retries``."""
    first = test.asks_for
    return first.endswith((".retries", ".retries:#0")) or first.startswith("<#0")


def _keeps(step: Step) -> bool:
    """Whether a statement reads the number of retries."""
    return any(load.endswith(".retries") for load in step.loads)


def _reads(test: Step, counts: Collection[str]) -> bool:
    """Whether a test reads the number of retries, or a name that it was kept by or that says so."""
    return _keeps(test) or any(load in counts or _says_so(load, test) for load in test.loads)


def _says_so(name: str, test: Step) -> bool:
    """Whether a variable is called as the number of attempts is, which the project may count itself.

    It is compared with another number: what is asked for its truth tells whether to try at all.
    """
    if not name.isidentifier() or any(chain.lstrip("!%:") == name for chain in test.chains):
        return False
    return name.startswith(_COUNTED) or not _ATTEMPTS.isdisjoint(name.lower().split("_"))


def _only_logs(flow: Flow, handler: Step) -> bool:
    """Whether a handler logs what it gets, and at most raises it again: Celery logs the end itself."""
    *before, last = flow.body(handler)
    again = last.kind == "raise" and all(chain.removeprefix("%") in handler.stores for chain in last.chains)
    return (again or is_log(last)) and all(is_log(step) for step in before)


def _is_no_other(flow: Flow, handler: Step, attempt: Step) -> bool:
    """Whether it does nothing, as one for all exceptions further down: that gets what is raised instead."""
    for other in flow.body(attempt, "handler"):
        leaves = {leaf_of_chain(chain) for chain in other.chains}
        if other.number > handler.number and (not leaves or leaves & EVERY_ERROR):
            ending = _ending(flow, handler)
            return ending is not None and ending == _ending(flow, other)
    return False


def _ending(flow: Flow, handler: Step) -> list[str] | None:
    """How a handler ends that does nothing besides, but for a line in a log; ``None`` where it does more."""
    steps = [step for step in flow.below(handler) if step.kind != "pass" and not is_log(step)]
    idle = all(step.kind in _IDLE and step.value in ("", "#None") for step in steps)
    return [step.kind for step in steps] if idle else None


def _goes_on(flow: Flow, handler: Step, attempt: Step) -> bool:
    """Whether a handler is there to keep a loop going: without it, the steps that are left are never done."""
    loop = in_loop(flow, attempt)
    if loop is None or flow.ends(flow.body(handler)):
        return False
    if any(other.number > loop.number for other in flow.attempts(attempt)):
        return False  # another one may keep it going
    current = attempt
    for outer in flow.ancestors(attempt):
        later = [step for step in flow.body(outer, current.role) if step.number > current.number]
        if flow.ends(later):
            return any(step.kind == "continue" for step in later)
        if outer is loop:
            break
        current = outer
    return True


def _top(flow: Flow, step: Step | None, attempt: Step) -> Step:
    """The direct child of a ``try`` that a statement stands in."""
    assert step is not None
    for ancestor in flow.ancestors(step):
        if ancestor is attempt:
            break
        step = ancestor
    return step


def _part(flow: Flow, step: Step | None, attempt: Step) -> str:
    """The part of a ``try`` that a statement stands in, or nothing."""
    if step is None or attempt not in list(flow.ancestors(step)):
        return ""
    return _top(flow, step, attempt).role


def _owner(call: RetryCall) -> str:
    """The name of the task whose ``retry`` is called: ``self``, or the parameter of a helper."""
    name = call.call.chain.rpartition(".")[0].removeprefix("%")
    return name if name.isidentifier() else "self"

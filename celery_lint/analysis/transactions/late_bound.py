"""Callbacks that run after the commit, and so after the loop that made them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.transactions import Transactions
from celery_lint.libraries.django import ON_COMMIT
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_LEAVING = frozenset({"break", "return", "raise"})


class LateBound(NamedTuple):
    """A callback that reads a variable of the loop around it, in a transaction that is open all the time."""

    place: Place
    name: str
    loop: Place
    transaction: Place


class LateBoundCallbacks:
    """The callbacks of ``on_commit`` that all see the last item of a loop."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.transactions = known.of(Transactions)

    @facts
    def all(self) -> list[LateBound]:
        """One for each ``on_commit`` in a loop that a transaction is open around."""
        return [
            found
            for module, function in self.project.holding("on_commit")
            if (function.has("for") or function.has("while"))
            for call in self.functions.calls(module, function)
            if call.leaf() == "on_commit" and self._is_on_commit(module, call)
            for found in self._judged(module, function, call)
        ]

    def _is_on_commit(self, module: Module, call: Call) -> bool:
        return not call.in_lambda and self.project.resolve(module, call.chain).name in ON_COMMIT

    def _judged(self, module: Module, function: Function, call: Call) -> Iterator[LateBound]:
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        loop = _loop(flow, step) if step is not None else None
        if step is None or loop is None or _leaves(flow, step, loop):
            return
        inside = [outer for outer in flow.ancestors(step) if outer.number > loop.number]
        if any(outer.kind == "with" and self.transactions.is_opened_by(module, outer) for outer in inside):
            return  # each round has a transaction of its own
        transaction = self._around(module, function, loop)
        if transaction is None:
            return
        changing = {*(loop.stores if loop.kind == "for" else ()), *_assigned(flow, loop, step)}
        read = [name for name in self._read(module, function, call) if name in changing]
        if read:
            place = module.place(call.span)
            yield LateBound(place, read[0], module.place(loop.span), transaction)

    def _around(self, module: Module, function: Function, loop: Step) -> Place | None:
        """What proves that a transaction is open around the loop."""
        transaction = self.transactions.around(module, function, loop)
        if transaction is not None:
            return transaction.place
        if not function.may_call(".select_for_update"):
            return None
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            if call.leaf() == "select_for_update" and not call.in_lambda:
                step = flow.step_of(call)
                # What locks rows fails without a transaction; one that is opened for it says so around it.
                if step is not None and not self._is_inside(module, flow, step):
                    return module.place(call.span)
        return None

    def _is_inside(self, module: Module, flow: Flow, step: Step) -> bool:
        around = (outer for outer in flow.ancestors(step) if outer.kind == "with")
        return any(self.transactions.is_opened_by(module, outer) for outer in around)

    def _read(self, module: Module, function: Function, call: Call) -> list[str]:
        """The names that the callback looks up when it runs."""
        value = function.value_of(call)
        given = (value.first() or value.keyword("func")) if value is not None else None
        if given is None:
            return []
        if given.kind == "lambda":
            return str(given.data or "").split()
        inner = module.functions.get(given.chain.lstrip(":")) if given.kind == "name" else None
        if inner is None or inner.parent != function.qualname:
            return []
        steps = self.functions.of(module, inner).steps
        own = {parameter.name for parameter in inner.parameters} | {name for s in steps for name in s.stores}
        return [name for s in steps for name in s.loads if name not in own]


def _loop(flow: Flow, step: Step) -> Step | None:
    """The innermost loop around a statement."""
    return next((outer for outer in flow.ancestors(step) if outer.kind in ("for", "while")), None)


def _assigned(flow: Flow, loop: Step, step: Step) -> Iterator[str]:
    """The names that every round of a loop binds anew before a statement of it."""
    around = {loop.number, *(outer.number for outer in flow.ancestors(step) if outer.number > loop.number)}
    for other in flow.below(loop):
        if other.number < step.number and other.kind == "assign" and other.parent in around:
            yield from other.stores


def _leaves(flow: Flow, step: Step, loop: Step) -> bool:
    """Whether the loop ends after this statement, so that there is no later item."""
    inner = step
    for outer in flow.ancestors(step):
        if any(s.number > inner.number and s.kind in _LEAVING for s in flow.body(outer, inner.role)):
            return True
        if outer.number == loop.number:
            return False
        inner = outer
    return False

"""Functions that get a session and roll it back, and the part of their work that this undoes."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.held_sessions import HeldSession
from celery_lint.analysis.resources.sessions.session_flow import View
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_UNDOING = frozenset({"begin", "rollback"})


class Undone:
    """What the functions do that a statement hands a session to."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def runs(self, view: View, step: Step, held: HeldSession, *leaves: str) -> bool:
        """Whether a function that a statement hands the session to calls one of these methods."""
        return any(inner.mentions(*leaves) for _, inner in self._handed(view, step, held))

    def in_handlers(self, view: View, step: Step, held: HeldSession) -> bool:
        """Whether those that roll back do so in a handler, for what its ``try`` has left, alone."""
        for module, function in self._handed(view, step, held):
            if function.mentions(*_UNDOING):
                flow = self.functions.of(module, function)
                undoing = [made for made in function.calls() if made.leaf() in _UNDOING]
                if (
                    function.is_generator
                    or not undoing
                    or not all(_is_handling(flow, one) for one in undoing)
                ):
                    return False
        return True

    def _handed(self, view: View, step: Step, held: HeldSession) -> Iterator[tuple[Module, Function]]:
        for call in view.made_in(step):
            handed = any(map(call.hands_on, (held.session.chain, *held.owners)))
            if handed or call.chain.rpartition(".")[0] in held.owners:
                target = self.graph.target(view.module, call.chain)
                yield from self.graph.closure(*target) if target is not None else ()


def is_rolled_back(flow: Flow, attempt: Step, step: Step) -> bool:
    """Whether a handler of this ``try`` rolls back what a statement in it has left."""
    if attempt.kind != "try" or step not in part_of(flow, attempt, "body"):
        return False
    calls = flow.function.calls()
    below = (inner for handler in flow.body(attempt, "handler") for inner in flow.below(handler))
    return any(calls[number].leaf() == "rollback" for inner in below for number in inner.calls)


def is_undone_between(flow: Flow, one: Step, other: Step) -> bool:
    """Whether a handler that one statement stands in rolls back first what another before it has left."""
    handlers = [outer for outer in flow.ancestors(other) if outer.kind == "handler"]
    if not handlers or not flow.function.may_call(".rollback"):
        return False
    calls = flow.function.calls()
    return any(
        calls[number].leaf() == "rollback"
        for handler in handlers
        if handler.number > one.number
        for step in flow.body(handler)
        if step.number < other.number
        for number in step.calls
    )


def part_of(flow: Flow, step: Step, role: str) -> Iterator[Step]:
    """All statements in one part of a compound one."""
    for child in flow.body(step, role):
        yield child
        yield from flow.below(child)


def _is_handling(flow: Flow, call: Call) -> bool:
    step = flow.step_of(call)
    return step is not None and any(outer.kind == "handler" for outer in flow.ancestors(step))

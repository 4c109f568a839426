"""Statements in a ``finally`` that end the function, so that an exception is lost."""

from __future__ import annotations

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import EVERY_ERROR, LOOPS, Handlers
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# They get the exception of the block as an argument, and say by what they return whether it goes on.
_LEAVING = frozenset({"__exit__", "__aexit__"})


class ExitInFinally(NamedTuple):
    """A statement in a ``finally`` that ends it, and with it the exception on its way.

    ``is_followed``: more of the ``finally`` comes after it, which runs if the statement is not reached.
    """

    body: Body
    step: Step
    is_followed: bool


class FinallyExits:
    """The statements that end a ``finally``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.bodies = known.of(Bodies)
        self.handlers = known.of(Handlers)

    @facts
    def all(self) -> list[ExitInFinally]:
        """The statements that discard an exception on its way through a ``finally``."""
        found = []
        for body in [*self.bodies.all, *(body for body, _ in self.bodies.callees)]:
            if body.function.owner and body.function.name in _LEAVING:
                continue
            for step in body.flow.steps:
                if step.kind in ("return", "break", "continue"):
                    attempt = self._discarded(body, step)
                    if attempt is not None:
                        found.append(ExitInFinally(body, step, _is_followed(body.flow, attempt, step)))
        return found

    def _discarded(self, body: Body, step: Step) -> Step | None:
        """The ``try`` whose exceptions, the task's among them, a statement in its ``finally`` discards."""
        current = step
        conditions: list[Step] = []
        for outer in body.flow.ancestors(step):
            if step.kind != "return" and outer.kind in LOOPS and current.role == "body":
                return None
            if outer.kind in ("handler", "match"):
                return None  # it runs for some exceptions only, or for some values
            if outer.kind == "try" and current.role == "finally":
                holds = all(_holds_anyway(body, outer, condition) for condition in conditions)
                kept = holds and not self._stopped(body, outer) and self._holds_work(body, outer, step)
                return outer if kept else None
            if outer.kind in ("if", "while"):
                conditions.append(outer)
            current = outer
        return None

    def _stopped(self, body: Body, attempt: Step) -> bool:
        """Whether a handler of the ``try`` stops every ordinary exception anyway."""
        for handler in body.flow.body(attempt, "handler"):
            names = self.handlers.caught(body.module, handler)
            if names is None or names & EVERY_ERROR:
                return names is None or not self.handlers.raises(body, handler)
        return False

    def _holds_work(self, body: Body, attempt: Step, step: Step) -> bool:
        """Whether the work stands in the ``try``: not before it, as where only figures are saved in it.

        A handler has work that failed before it, and what is returned was made before by a call.
        """
        flow = body.flow
        if any(outer.kind == "handler" for outer in flow.ancestors(attempt)):
            return False
        if body.role == "wrapper" and not self._runs_the_task(body, attempt):
            return False
        made = [other for other in flow.steps[: attempt.number] if other.calls or other.value.endswith("()")]
        inside = {name for other in flow.below(attempt) for name in other.stores}
        given = [name for name in step.loads if name.isidentifier()]
        return not given or any(
            name in inside or not any(name in other.stores for other in made) for name in given
        )

    def _runs_the_task(self, body: Body, attempt: Step) -> bool:
        """Whether a wrapper calls in a ``try`` what it stands around."""
        inner = {w.inner for w in self.bodies.graph.layers.around(body.task) if w.key == body.key}
        calls = self.functions.calls(body.module, body.function)
        return any(calls[number].chain in inner for step in body.flow.below(attempt) for number in step.calls)


def _holds_anyway(body: Body, attempt: Step, condition: Step) -> bool:
    """Whether a condition in a ``finally`` asks for nothing that tells whether the work failed.

    That is sure of what a task was called with, where nothing in the ``try`` changes it.
    """
    if body.role != "task" or condition.calls or not condition.chains or "." in "".join(condition.chains):
        return False
    given = {parameter.name for parameter in body.function.parameters}
    asked = {name.lstrip("!@/=[{<") for name in condition.loads}
    inside = body.flow.below(attempt)
    changed = {name for step in inside for name in step.stores}
    changed |= {
        step.value[1:].partition(".")[0] for step in inside if step.value[:1] == "%" and "." in step.value
    }
    return asked <= given - changed


def _is_followed(flow: Flow, attempt: Step, step: Step) -> bool:
    """Whether more statements of a ``finally`` come after one in it."""
    last = flow.body(attempt, "finally")[-1]
    current = step
    for outer in flow.ancestors(step):
        if outer is attempt:
            break
        current = outer
    return current is not last

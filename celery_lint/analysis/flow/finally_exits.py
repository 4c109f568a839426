"""Statements in a ``finally`` that end the function, so that an exception is lost."""

from __future__ import annotations

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.code.handlers import EVERYTHING, LOOPS, ORDINARY, Handlers
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts


class ExitInFinally(NamedTuple):
    """A statement in a ``finally`` that ends it, and with it the exception on its way."""

    body: Body
    step: Step


class FinallyExits:
    """The statements that end a ``finally``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.bodies = known.of(Bodies)
        self.handlers = known.of(Handlers)

    @facts
    def all(self) -> list[ExitInFinally]:
        """The statements that discard an exception on its way through a ``finally``."""
        found = []
        for body in [*self.bodies.all, *(body for body, _ in self.bodies.callees)]:
            for step in body.flow.steps:
                if step.kind in ("return", "break", "continue"):
                    attempt = self._discarded(body, step)
                    if attempt is not None:
                        found.append(ExitInFinally(body, step))
        return found

    def _discarded(self, body: Body, step: Step) -> Step | None:
        """The ``try`` whose exceptions a statement in its ``finally`` discards."""
        current = step
        for outer in body.flow.ancestors(step):
            if step.kind != "return" and outer.kind in LOOPS and current.role == "body":
                return None
            if outer.kind == "try" and current.role == "finally":
                return None if self._stopped(body, outer) else outer
            current = outer
        return None

    def _stopped(self, body: Body, attempt: Step) -> bool:
        """Whether a handler of the ``try`` stops every ordinary exception anyway."""
        for handler in body.flow.body(attempt, "handler"):
            names = self.handlers.caught(body.module, handler)
            if names is None or names & {EVERYTHING, ORDINARY}:
                return names is None or not self.handlers.raises(body, handler)
        return False

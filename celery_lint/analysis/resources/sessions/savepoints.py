"""What undoes the failed work of a session without its ``rollback``: savepoints."""

from __future__ import annotations

from celery_lint.analysis.resources.sessions.held_sessions import HeldSession
from celery_lint.analysis.resources.sessions.session_flow import View
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

_NESTED = ".begin_nested"


def begins(step: Step) -> bool:
    """Whether a ``with`` rolls back by itself."""
    return step.kind == "with" and any(
        chain.partition("=")[0].endswith((".begin()", f"{_NESTED}()")) for chain in step.chains
    )


def is_within(flow: Flow, attempt: Step, step: Step) -> bool:
    """Whether a ``with`` in a ``try`` sends what a statement notes, and rolls it back by itself."""
    return any(begins(outer) for outer in flow.ancestors(step) if outer.number > attempt.number)


def undoes_nested(view: View, step: Step, held: HeldSession) -> bool:
    """Whether a statement rolls back a savepoint of the session: after it the session can be used."""
    begun = f"{held.session.chain}{_NESTED}"
    for call in view.made_in(step):
        receiver, _, leaf = call.chain.rpartition(".")
        if leaf != "rollback":
            continue
        if receiver == f"{begun}()":
            return True
        if receiver[:1] == "%" and any(
            receiver[1:] in other.stores and any(made.chain == begun for made in view.made_in(other))
            for other in view.flow.steps
        ):
            return True  # a name that is bound several times
    return False

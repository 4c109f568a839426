"""What a session holds before a ``try``, and what of it a rollback would undo."""

from __future__ import annotations

from typing import Literal

from celery_lint.analysis.resources.sessions.held_sessions import HeldSession
from celery_lint.analysis.resources.sessions.refusals import NOTHING, Event, Writes, are_apart
from celery_lint.analysis.resources.sessions.session_flow import View
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

#: What mends a failed transaction: a ``rollback``; a ``begin_nested`` around the work, since there is earlier
#: work that is to be kept; or a ``commit`` of that first, since the work commits by itself.
Remedy = Literal["rollback", "savepoint", "commit"]

# What stands further above a ``try`` tells nothing new.
_FAR = 20
_LOOPS = ("for", "while")


class Earlier(NamedTuple):
    """What was done with a session before a ``try``.

    ``pending``: something of it waits for a commit, ``unsent`` is what waits for a flush, too.
    ``committed``: the last thing done was a commit.
    """

    pending: bool
    unsent: list[Event]
    committed: bool


def before(flow: Flow, attempt: Step, written: list[Writes]) -> Earlier:
    """What waits for a commit before a ``try``."""
    pending, flushed, committed = False, False, False
    around = {-1, *(step.number for step in flow.ancestors(attempt))}
    unsent: list[Event] = []
    for number in range(attempt.number - 1, -1, -1):
        step, writes = flow.steps[number], written[number]
        if writes == NOTHING or are_apart(flow, step, attempt):
            continue
        if writes.commits or len(unsent) > _FAR:
            committed = writes.commits and step.parent in around
            break
        flushed = flushed or writes.flushes
        pending = pending or writes.flushes or writes.adds or writes.executes
        if not flushed:
            unsent.append((step, writes.noted))
        elif pending:
            break
    return Earlier(pending, unsent, committed)


def remedy(
    view: View, held: HeldSession, attempt: Step, written: list[Writes], earlier: Earlier, commits: bool
) -> Remedy:
    """What mends a failure in a ``try`` and leaves alone what was done before it.

    ``commits`` says that the work in it commits by itself, which no savepoint outlives.
    """
    if commits:
        return "commit" if earlier.pending else "rollback"
    if earlier.pending or (not held.session.steps and not earlier.committed):
        return "savepoint"
    loops = (step for step in view.flow.ancestors(attempt) if step.kind in _LOOPS)
    if any(_adds_up(view.flow, loop, held, written) for loop in loops):
        return "savepoint"
    return "rollback"


def _adds_up(flow: Flow, loop: Step, held: HeldSession, written: list[Writes]) -> bool:
    """Whether the rounds of a loop share a transaction."""
    below = flow.below(loop)
    opened = set(held.session.steps)
    return not any(
        step.number in opened or (step.parent == loop.number and written[step.number].commits)
        for step in (loop, *below)
    )

"""What a session holds before a ``try``, and what of it a rollback would undo."""

from __future__ import annotations

from typing import Literal

from celery_lint.analysis.resources.sessions.held_sessions import HeldSession
from celery_lint.analysis.resources.sessions.refusals import NOTHING, Event, Writes, are_apart
from celery_lint.analysis.resources.sessions.savepoints import begins
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
# How methods begin that change their row: `order.mark_paid()`.
_CHANGING = ("mark", "set", "update", "add", "remove", "start", "finish", "complete", "fail", "cancel")


class Earlier(NamedTuple):
    """What was done with a session before a ``try``.

    ``pending``: something of it waits for a commit, ``unsent`` is what waits for a flush, too.
    ``committed``: the last thing done was a commit. ``changed``: rows were changed after it.
    """

    pending: bool
    unsent: list[Event]
    committed: bool
    changed: bool


def before(view: View, held: HeldSession, attempt: Step, written: list[Writes]) -> Earlier:
    """What waits for a commit before a ``try``."""
    flow = view.flow
    pending, flushed, committed, changed = False, False, False, False
    around = {-1, *(step.number for step in flow.ancestors(attempt))}
    unsent: list[Event] = []
    rows = rows_of(flow, held)
    for number in range(attempt.number - 1, -1, -1):
        step, writes = flow.steps[number], written[number]
        if held.session.closes and number in held.session.steps:
            break  # what stands above its block is the work of no session, or of another
        is_change = _changes(view, step, rows)
        if (writes == NOTHING and not is_change) or _leaves_out(flow, step, attempt):
            continue
        changed = changed or is_change
        if writes.commits or len(unsent) > _FAR:
            committed = writes.commits and step.parent in around
            break
        ended = any(begins(outer) and outer.number not in around for outer in flow.ancestors(step))
        flushed = flushed or writes.flushes or ended  # the end of a savepoint sends what is in it
        pending = pending or writes.flushes or writes.adds or writes.executes
        if not flushed:
            unsent.append((step, writes.noted))
        elif pending:
            break
    return Earlier(pending, unsent, committed, changed)


def rows_of(flow: Flow, held: HeldSession) -> set[str]:
    """The variables that hold what a session has given."""
    rows: set[str] = set()
    for step in flow.steps:
        if step.kind in ("assign", "for") and (held.is_in(step) or not rows.isdisjoint(step.loads)):
            rows.update(step.stores)
    return rows - held.names


def _changes(view: View, step: Step, rows: set[str]) -> bool:
    """Whether a statement changes a row: an attribute, or by a method of which nobody wants an answer."""
    if step.kind in ("assign", "augment") and not step.stores:
        row = (*step.loads, "")[0]
        return row in rows or (row != view.function.first() and _is_parameter(view, row))
    receiver, _, leaf = step.value.removesuffix("()").rpartition(".")
    if step.kind != "expr" or not leaf.startswith(_CHANGING) or rows.isdisjoint(step.loads):
        return False
    # A variable that is bound once stands in chains as what it is bound to.
    return receiver[1:] in rows if receiver[:1] == "%" else receiver.endswith("()")


def _is_parameter(view: View, name: str) -> bool:
    return any(parameter.name == name for parameter in view.function.parameters)


def _leaves_out(flow: Flow, step: Step, attempt: Step) -> bool:
    """Whether no run comes from a statement to a later ``try``: its branch is another, or leaves before."""
    if are_apart(flow, step, attempt):
        return True
    around = {outer.number for outer in flow.ancestors(attempt)}
    current = step
    for outer in flow.ancestors(step):
        if outer.number in around:
            return False
        if outer.kind in ("if", "handler") and flow.ends(flow.body(outer, current.role)):
            return True
        current = outer
    return False


def remedy(
    view: View,
    held: HeldSession,
    attempt: Step,
    written: list[Writes],
    earlier: Earlier,
    commits: bool,
    in_rounds: bool,
) -> Remedy:
    """What mends a failure in a ``try`` and leaves alone what was done before it.

    ``commits`` says that the work in it commits by itself, which no savepoint outlives; ``in_rounds`` that a
    caller does this again and again with the session that it hands on.
    """
    kept = earlier.pending or earlier.changed
    if commits:
        kept = kept or (in_rounds and not earlier.committed)
        return "commit" if kept else "rollback"
    if kept or (not held.session.steps and not earlier.committed):
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

"""Whether a statement of a function is run again, or after another, in one call of it."""

from __future__ import annotations

from celery_lint.inventory.code.handlers import LOOPS
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

_LEAVING = frozenset({"return", "raise", "break"})


def repeating(flow: Flow, step: Step) -> Step | None:
    """The innermost loop that goes on after a statement in its body, and so comes to it again."""
    current, leaves = step, step.kind in _LEAVING
    for around in flow.ancestors(step):
        leaves = leaves or _is_left_after(flow, current)
        if around.kind in LOOPS and current.role == "body":
            return None if leaves else around
        current = around
    return None


def follows(flow: Flow, first: Step, second: Step) -> bool:
    """Whether a function that has run one statement, without an exception, goes on to another."""
    above = [first, *flow.ancestors(first)]
    current = second
    for around in (*flow.ancestors(second), None):
        beside = next((step for step in above if step.parent == current.parent), None)
        if beside is not None:
            if beside.role != current.role and not _is_else_of_all(around, beside, current):
                return False  # one branch or the other, or what is done after an exception
            return beside.number < current.number and not _is_left(flow, first, beside)
        if around is None:
            return False
        current = around
    return False


def _is_left(flow: Flow, step: Step, top: Step) -> bool:
    """Whether a function leaves the statements around one, up to another, once it was run."""
    current = step
    while current.number != top.number:
        if current.kind in _LEAVING or current.role in ("handler", "finally"):
            return True
        if _is_left_after(flow, current):
            return True
        current = flow.steps[current.parent]
    return current.kind in _LEAVING


def _is_left_after(flow: Flow, step: Step) -> bool:
    """Whether the statements after one in the same block always leave the loop around them."""
    block = flow.body(flow.steps[step.parent], step.role) if step.parent >= 0 else flow.body()
    return any(other.kind in _LEAVING for other in block if other.number > step.number)


def _is_else_of_all(around: Step | None, first: Step, second: Step) -> bool:
    """Whether the ``else`` of a ``try`` or a loop comes after all of its body."""
    if around is None or around.kind == "if":
        return False
    return first.role == "body" and second.role == "else"

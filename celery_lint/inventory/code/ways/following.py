"""What of a function may still run after a statement."""

from __future__ import annotations

from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

# The branches that do not run after one of them, by the statement that holds both and the role of that one.
_BESIDE = {
    ("if", "body"): ("else",),
    ("try", "body"): ("handler",),
    ("try", "handler"): ("handler", "else"),
    ("match", "case"): ("case",),
}


def following(flow: Flow, step: Step) -> list[Step]:
    """The statements that may run after one, without those of the branches and handlers beside it."""
    beside: set[int] = set()
    current = step
    for outer in flow.ancestors(step):
        for part in _BESIDE.get((outer.kind, current.role), ()):
            for other in flow.body(outer, part):
                if other.number > current.number:
                    beside.add(other.number)
                    beside.update(inner.number for inner in flow.below(other))
        current = outer
    return [later for later in flow.after(step) if later.number not in beside]

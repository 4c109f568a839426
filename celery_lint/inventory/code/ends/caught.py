"""Whether what is raised at a statement is caught around it."""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.model.calls import Call
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow

_SUPPRESS = "contextlib.suppress"


def caught(flow: Flow, step: Step, names: frozenset[str], calls: Sequence[Call]) -> bool:
    """Whether a ``try`` around a statement catches exceptions of these names and does not raise again."""
    current = step
    for around in (*flow.ancestors(step),):
        if around.kind == "try" and current.role == "body":
            for handler in flow.body(around, "handler"):
                if handler.chains and names.isdisjoint(handler.chains):
                    continue
                if not any(inner.kind == "raise" and not inner.chains for inner in flow.below(handler)):
                    return True
        if around.kind == "with" and any(_SUPPRESS in chain for chain in around.chains):
            given = {argument.chain for number in around.calls for argument in calls[number].takes}
            if not names.isdisjoint(given):
                return True
        current = around
    return False

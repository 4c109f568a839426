"""Tasks that do not begin again when their message comes back."""

from __future__ import annotations

import re

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# What a delivery says of itself.
_ASKED = ("redelivered", "delivery_info")
# A comparison with a status that says somebody has begun: `job.status == JobStatus.RUNNING`.
_BEGUN = re.compile(
    r"(?:status|state):[=\'](?:\S*[.:])?(?:running|processing|in_progress|started|active)$", re.IGNORECASE
)
_SAVING = (".commit", ".save", ".update")


class Redelivered:
    """Which tasks keep themselves from running twice for one message."""

    def __init__(self, known: Known) -> None:
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions

    def is_stopped(self, task: Task) -> bool:
        """Whether a task looks at whether it has been delivered before, or what stands around it may leave.

        Or it leaves where what it works on has begun already, and writes down that it begins.
        """
        if any(self._may_leave(module, function) for module, function in self.graph.around(task)):
            return True
        return any(self._stops(module, function) for module, function in self.graph.closure_of(task, 1))

    def _may_leave(self, module: Module, function: Function) -> bool:
        """Whether something that stands around the function of a task may give back without calling it."""
        if not function.has("if"):
            return False
        flow = self.functions.of(module, function)
        return any(
            step.kind == "if"
            and any(inner.kind == "return" and not inner.calls for inner in flow.below(step))
            for step in flow.steps
        )

    def _stops(self, module: Module, function: Function) -> bool:
        if function.mentions(*_ASKED) or function.states(*_ASKED):
            return True
        if not function.has("if") or not function.may_call(*_SAVING):
            return False
        flow = self.functions.of(module, function)
        return any(step.kind == "if" and _asks(step) and _leaves(flow, step) for step in flow.steps)


def _asks(step: Step) -> bool:
    return any(_BEGUN.search(word) for word in step.chains)


def _leaves(flow: Flow, step: Step) -> bool:
    return any(inner.kind == "return" for inner in flow.below(step))

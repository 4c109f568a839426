"""Time limits that tasks get once they are made, by somebody who does not name them in a way to follow."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.spelling import spellings
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import PLAIN_TASKS, TIME_LIMITS
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Assignment, Module
from celery_lint.project.known import Known, once

_SOFT = "soft_time_limit"
_ANNOTATIONS = frozenset(spellings("task_annotations", "CELERY"))
# Where the tasks of an application lie: `app.tasks["shop.convert"].time_limit = 60`.
_TASKS = ".tasks"


class SetLimits:
    """The tasks that may get a limit as attributes, by late annotations, or from who controls workers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def may_be(self, task: Task) -> bool:
        """Whether somebody may set a limit on the finished task without its name."""
        return self._any or not self._annotated.isdisjoint((task.name, "*", ""))

    @once
    def _any(self) -> bool:
        """Whether limits are set on tasks that only the run knows: on all of them, as a rule."""
        return any(
            self._may_be_task(module, assignment)
            for module in self.project.product_modules()
            for assignment in module.assignments
            if assignment.key in TIME_LIMITS and not assignment.subscript
        ) or any(self._controls)

    def _may_be_task(self, module: Module, assignment: Assignment) -> bool:
        target = assignment.target
        if _TASKS in target or target.endswith(".Task"):
            return True
        if target[:1] != "%":
            return self.project.resolve(module, target).name in PLAIN_TASKS
        # No other thing has a soft limit; a hard one is a word for many.
        return assignment.key == _SOFT or "task" in target.lower()

    @property
    def _controls(self) -> Iterator[bool]:
        """Calls like `app.control.time_limit("shop.convert", soft=50, hard=60)`."""
        for module, function in self.project.calling(".time_limit"):
            for call in self.project.functions.calls(module, function):
                if call.leaf() == "time_limit" and len(call.takes) > 1:
                    yield True

    @once
    def _annotated(self) -> set[str]:
        """The tasks that get an annotation as an item, ``""`` for one that only the run knows."""
        return {
            assignment.key
            for module in self.project.product_modules()
            for assignment in module.assignments
            if assignment.subscript and leaf_of_chain(assignment.target) in _ANNOTATIONS
        }

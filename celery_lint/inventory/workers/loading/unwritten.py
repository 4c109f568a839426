"""Tasks that somebody is still going to write: they are there, and do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.logging import LEVELS, LOGGERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function
from celery_lint.model.words import held
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

_PRINT, _RAISED = "~print", "~NotImplementedError"
_IDLE = frozenset({"expr", "import", "pass", "raise", "return"})
_SAID = re.compile(r"not?[ _-]?(?:yet[ _-])?implemented|\bto ?do\b|\bstub\b|\bplaceholder\b", re.IGNORECASE)


class Unwritten:
    """The tasks that say that they do nothing yet, and do nothing besides."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)

    @once
    @asking("quiet")
    def keys(self) -> frozenset[Key]:
        """Those of the product."""
        return frozenset(task.key for task in self.tasks.product if self._is_unwritten(task))

    def only_tells(self, task: Task) -> bool:
        """Whether all that a task does is that it says it is there, like `debug_task` of Celery's guide.

        What takes more than itself may be there for something that is still to be written.
        """
        function = task.function
        if function is None or task.class_ is not None or task.wrapper is not None or function.is_async:
            return False
        taken = function.parameters[1:] if _is_bound(function) else function.parameters
        if taken or len(function.decorators) != 1 or not self._is_idle(task, function):
            return False
        printed = any(step.value == f"{_PRINT}()" for step in self.functions.of(task.module, function).steps)
        return printed or bool(self.functions.calls(task.module, function))

    def _is_unwritten(self, task: Task) -> bool:
        function = task.function
        if function is None or task.class_ is not None or function.is_async:
            return False
        if not self._is_idle(task, function):
            return False
        steps = self.functions.of(task.module, function).steps
        calls = self.functions.calls(task.module, function)
        return any(_RAISED in chain for step in steps for chain in step.chains) or any(
            map(_SAID.search, _texts(function, calls))
        )

    def _is_idle(self, task: Task, function: Function) -> bool:
        return all(step.kind in _IDLE for step in self.functions.of(task.module, function).steps) and all(
            call.chain in (_PRINT, _RAISED) or self._logs(task, call)
            for call in self.functions.calls(task.module, function)
        )

    def _logs(self, task: Task, call: Call) -> bool:
        logger = call.chain.rpartition(".")[0]
        return call.leaf() in LEVELS and self.project.resolve(task.module, logger).name in LOGGERS


def _is_bound(function: Function) -> bool:
    return any(decorator.keyword("bind") is not None for decorator in function.decorators)


def _texts(function: Function, calls: Iterable[Call]) -> Iterator[str]:
    """The texts that a function gives back, and those that its calls take."""
    for value in function.returns:
        yield from (each.data for each in held(value) if isinstance(each.data, str))
    for call in calls:
        yield from (given.text for given in call.takes if given.text)

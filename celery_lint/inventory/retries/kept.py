"""Tasks that keep for themselves all that ``autoretry_for`` waits for, so that no retry is automatic."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.retries.escaping import ORDINARY, Escaping, catches_all
from celery_lint.inventory.retries.policies import Retries, RetryPolicy
from celery_lint.inventory.tasks.layers import Layers, Wrapping
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Key
from celery_lint.project.known import Known


class Kept:
    """What becomes of the exceptions that automatic retries wait for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.retries = known.of(Retries)
        self.layers = known.of(Layers)
        self.escaping = known.of(Escaping)
        self.graph = known.of(CallGraph)
        self.task_options = known.of(TaskOptions)
        self._kept: dict[Key, bool] = {}
        self._silent: dict[Key, bool] = {}

    def is_never_automatic(self, policy: RetryPolicy) -> bool:
        """Whether nothing that ``autoretry_for`` waits for can leave the body of a task.

        It stands in a ``try`` that catches it and does not raise again; what stands around that ``try``, in
        the handlers, and in the decorators of the task, raises something else, or nothing.
        """
        key = policy.task.key
        if key not in self._kept:
            names = self._waited_for(policy)
            self._kept[key] = bool(names) and self._keeps(policy, names)
        return self._kept[key]

    def keeps_all(self, policy: RetryPolicy) -> bool:
        """Whether no exception of its work leaves the body of a task: no automatic retry could ever happen.

        What only notes how the work ended may fail, beside the ``try`` that keeps it.
        """
        key = policy.task.key
        if key not in self._silent:
            self._silent[key] = self._keeps(policy, frozenset({ORDINARY}), noting=True)
        return self._silent[key]

    def _waited_for(self, policy: RetryPolicy) -> frozenset[str]:
        """The exceptions of ``autoretry_for``; none where one of them is not known."""
        option = policy.options.get("autoretry_for")
        if option is None:
            return frozenset()
        module, value = option
        if value.kind == "name":
            entity = self.retries.entity(module, value)
            value, module = entity.value or value, entity.module or module
        if value.kind != "sequence":
            return frozenset()
        names = frozenset(self.retries.entity(module, item).name for item in value.items)
        return names if all(names) else frozenset()

    def _keeps(self, policy: RetryPolicy, names: frozenset[str], noting: bool = False) -> bool:
        task = policy.task
        if task.function is None or task.class_ is not None or task.wrapper is not None:
            return False
        if self.task_options.has_own_call(task) or not all(self.layers.of(task)):
            return False
        seen = {
            each
            for module, function in self.graph.closure_of(task)
            if function.has("try")
            for each in self._caught(module, function)
        }
        if not all(any(catches_all(each, name) for each in seen) for name in names):
            return False  # nobody has seen to it
        around: list[tuple[Module, Function, str]] = [(task.module, task.function, "")]
        around += [self._of(wrapping) for wrapping in self.layers.around(task)]
        return not any(
            self.escaping.may_leave(module, function, names, inner, noting)
            for module, function, inner in around
        )

    def _caught(self, module: Module, function: Function) -> Iterator[str]:
        """What the handlers of a function are for."""
        for step in self.functions.of(module, function).steps:
            if step.kind == "handler":
                yield from self.escaping.caught(module, step)

    def _of(self, wrapping: Wrapping) -> tuple[Module, Function, str]:
        return wrapping.module, wrapping.function, wrapping.inner

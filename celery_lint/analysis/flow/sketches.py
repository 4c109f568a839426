"""Tasks whose body is still to be written: they log, and say what they were given."""

from __future__ import annotations

from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.exceptions import never_raises
from celery_lint.model.facts import Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

# What stands there besides: values that are put together of what the task was given, and of the time.
_PLAIN = frozenset({"return", "pass", "if", "try"})
_HARMLESS = frozenset(
    {
        *(f"builtins.{name}" for name in ("bool", "dict", "len", "list", "print", "set", "str", "tuple")),
        "datetime.datetime.now",
        "datetime.datetime.now().isoformat",
        "datetime.datetime.utcnow",
        "datetime.datetime.utcnow().isoformat",
        "django.utils.timezone.now",
        "django.utils.timezone.now().isoformat",
    }
)
# What raises for what it cannot take. Built-in functions of plain values are no calls that are kept.
_REFUSING = frozenset({"float", "int", "open"})


class Sketches:
    """Which tasks do nothing yet that could fail."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    def holds(self, task: Task) -> bool:
        """Whether nothing that a task does can fail: it logs or passes, puts values together and returns."""
        if task.function is None or task.inner_decorators:
            return False
        flow = self.functions.of(task.module, task.function)
        # Nothing comes to a handler where nothing can fail.
        handled = {
            below.number for step in flow.steps if step.kind == "handler" for below in flow.below(step)
        }
        steps = [step for step in flow.steps if step.kind != "handler" and step.number not in handled]
        logged = [step for step in steps if is_log(step)]
        rest = [step for step in steps if step not in logged]
        sketched = any(step.calls for step in logged) or any(step.kind == "pass" for step in rest)
        if not sketched or not all(step.kind in _PLAIN or _binds(step) for step in rest):
            return False
        if any(_calculates(step) for step in rest):
            return False
        calls = self.functions.calls(task.module, task.function)
        named = (calls[number].chain for step in rest for number in step.calls)
        return all(self._is_harmless(task.module, chain) for chain in named)

    def _is_harmless(self, module: Module, chain: str) -> bool:
        name = self.project.resolve(module, chain).name
        return name in _HARMLESS or never_raises(name)


def _calculates(step: Step) -> bool:
    """Whether a statement uses what refuses values that it cannot take: `int(text)`, `open(path)`."""
    return not _REFUSING.isdisjoint(step.loads)


def _binds(step: Step) -> bool:
    """Whether a statement binds names alone: a row or a mapping that it changed might refuse that."""
    return step.kind == "assign" and bool(step.stores)

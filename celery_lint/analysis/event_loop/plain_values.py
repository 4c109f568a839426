"""Functions that certainly give no coroutine, nor anything else that can be awaited."""

from __future__ import annotations

from celery_lint.inventory.code.unawaited import is_left_alone
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

# A constant, a text, a display: what a statement says of such a value begins with these.
_LITERAL = ("#", "'", "{", "[", "(")
# What a coroutine gives is none: these have run it to its end.
_RUN = ("asyncio.run()", ".run_until_complete()", "asyncio.Runner().run()")


class PlainValues:
    """What plain functions give."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions

    def gives(self, module: Module, function: Function) -> bool:
        """Whether a call of a plain function gives a literal, ``None``, or the result of a coroutine.

        Only of functions of modules: a method may be that of another class.
        """
        if function.is_async or function.is_generator or function.owner or not function.name:
            return False
        if not is_left_alone(module, function):
            return False
        flow = self.functions.of(module, function)
        return all(_is_plain(flow, step) for step in flow.steps if step.kind == "return")


def _is_plain(flow: Flow, returning: Step) -> bool:
    """Whether a statement returns such a value, or a variable that only ever has such values."""
    value = returning.value
    if not value:
        return not returning.calls and not returning.loads
    if _says_plain(value):
        return True
    name = value[1:] if value[:1] == "%" else ""
    if not name.isidentifier() or flow.function.takes(name):
        return False
    binding = [step for step in flow.steps if name in step.stores]
    return bool(binding) and all(
        step.kind == "assign" and len(step.stores) == 1 and _says_plain(step.value) for step in binding
    )


def _says_plain(value: str) -> bool:
    return value.startswith(_LITERAL) or value.endswith(_RUN)

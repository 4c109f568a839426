"""Chords that nobody calls so: Celery makes one of a group that another task follows."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.results import only_binding
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_GROUPS = frozenset({"celery.group", "celery.canvas.group"})
_CHAINS = frozenset({"celery.chain", "celery.canvas.chain"})


class MadeChords:
    """Where ``group(…) | task.s()`` and ``chain(group(…), task.s())`` stand: ``celery/canvas.py``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    def of(self, module: Module, function: Function) -> Iterator[Call]:
        """The calls that make a chord of a group: what follows in a pipe, or the chain."""
        calls = self.functions.calls(module, function)
        flow = self.functions.of(module, function)
        for call in calls:
            if call.leaf() == "chain" and self._is(module, call.chain, _CHAINS):
                if self._chains_group(module, function.value_of(call)):
                    yield call
            elif call.is_piped_into and call.parent == -1:
                step = flow.step_of(call)
                if step is not None and self._follows_group(module, calls, flow, step, call):
                    yield call

    def _is(self, module: Module, chain: str, names: frozenset[str]) -> bool:
        return self.project.resolve(module, chain).name in names

    def _chains_group(self, module: Module, value: Value | None) -> bool:
        """Whether something follows a group of several in a chain: one of one task is that task."""
        return value is not None and any(
            item.kind == "call" and self._is(module, item.chain, _GROUPS) and _holds_several(item)
            for item in value.items[:-1]
        )

    def _follows_group(self, module: Module, calls: list[Call], flow: Flow, step: Step, call: Call) -> bool:
        own = [calls[number] for number in step.calls if calls[number].parent == -1]
        before = [other for other in own if other.span.end <= call.span.start]
        if before:
            last = max(before, key=lambda other: other.span.end)
            return not last.is_looked_into and self._is(module, last.chain, _GROUPS)
        if own != [call]:
            return False
        # `header | task.s()`: nothing else may stand in the pipe.
        others = {name for name in step.loads if name.isidentifier()} - {
            call.chain.split(".")[0].lstrip(":~%")
        }
        header = only_binding(flow, others.pop()) if len(others) == 1 and not call.takes else None
        return (
            header is not None
            and header.number < step.number
            and header.value.endswith("()")
            and self._is(module, header.value[:-2], _GROUPS)
        )


def _holds_several(group: Value) -> bool:
    first = group.first()
    if first is None or len(group.items) > 1:
        return len(group.items) > 1
    if first.kind == "sequence":
        return len(first.items) > 1
    return first.kind == "unknown" and first.data in ("list", "generator")

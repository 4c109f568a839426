"""What workers answer to `inspect`, and whether somebody expects that none does."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications, is_application
from celery_lint.inventory.tasks.results import only_binding
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_ANSWERS = (
    "active",
    "active_queues",
    "conf",
    "ping",
    "registered",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
)
_WORDS = tuple(f".{word}" for word in _ANSWERS)
_INSPECTORS = frozenset({"celery.app.control.Inspect()", "celery.task.control.inspect()"})
_CONDITIONS = frozenset({"if", "while", "match", "assert"})
# A handler of one of these gets the error that the missing answer makes.
_CATCHING = frozenset({"Exception", "BaseException", "AttributeError", "TypeError"})


class UncheckedInspection(NamedTuple):
    """An answer that is used as if there always were one. ``made`` is where it was asked for before."""

    place: Place
    method: str
    made: Place | None


class Inspections:
    """The questions to workers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)

    @facts
    def unchecked(self) -> list[UncheckedInspection]:
        """The answers that nobody has looked at before they are used."""
        return [
            fact
            for module, function in self.project.calling(*_WORDS)
            if function.mentions("nspect")
            for fact in self._unchecked(module, function)
        ]

    def _unchecked(self, module: Module, function: Function) -> Iterator[UncheckedInspection]:
        flow = self.functions.of(module, function)
        calls = self.functions.calls(module, function)
        asking = [call for call in calls if call.leaf() in _ANSWERS and self._inspects(module, call)]
        if any(call.is_tested for call in asking):
            return
        names = {
            step.name
            for call in asking
            if (step := flow.step_of(call)) is not None and step.kind == "assign" and len(step.stores) == 1
        }
        if any(_decides(step, name) for step in flow.steps for name in names):
            return
        told: set[int] = set()
        for call in asking:
            step = flow.step_of(call)
            if step is None or call.in_lambda or step.number in told or _is_caught(flow, step):
                continue
            if call.is_looked_into:
                told.add(step.number)  # one check mends the whole statement
                yield UncheckedInspection(module.place(call.span), call.leaf(), None)
            elif step.kind == "assign" and step.value == f"{call.chain}()" and step.name:
                used = self._used(flow, calls, step, call)
                if used is not None and not _is_caught(flow, used):
                    yield UncheckedInspection(module.place(used.span), call.leaf(), module.place(call.span))

    def _inspects(self, module: Module, call: Call) -> bool:
        """``app.control.inspect().active``."""
        owner = call.chain.rpartition(".")[0]
        if not owner.endswith("()"):
            return False
        entity = self.project.resolve(module, owner)
        if entity.name in _INSPECTORS:
            return True
        name = entity.name.removesuffix(".control.inspect()")
        return entity.kind == "external" and name != entity.name and is_application(name)

    def _used(self, flow: Flow, calls: list[Call], binding: Step, asked: Call) -> Step | None:
        """The first statement that looks into a variable that holds an answer, if nothing else fills it."""
        name = binding.name
        if only_binding(flow, name) is not binding:
            return None
        for step in flow.steps[binding.number + 1 :]:
            if f"[{name}" in step.loads:
                return step
            if name in step.loads:
                used = (calls[number] for number in step.calls)
                if any(call.chain.startswith(f"{asked.chain}().") for call in used):
                    return step
        return None


def _decides(step: Step, name: str) -> bool:
    return f"!{name}" in step.loads or (step.kind in _CONDITIONS and name in step.loads)


def _is_caught(flow: Flow, step: Step) -> bool:
    current = step
    for outer in flow.ancestors(step):
        if outer.kind == "try" and current.role == "body":
            for handler in flow.body(outer, "handler"):
                caught = {chain.rpartition(".")[2].lstrip("~:") for chain in handler.chains}
                if not caught or caught & _CATCHING:
                    return True
        current = outer
    return False

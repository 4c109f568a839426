"""What workers answer to `inspect`, and whether somebody expects that none does."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications, is_application
from celery_lint.inventory.code.graph import CallGraph
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
        self.graph = known.of(CallGraph)

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
        asking = self._asking(module, calls)
        if not asking or self._looks_at(flow, [*asking, *self._checks(module, calls)]):
            return
        if self._callers_look(module, function):
            return
        told: set[int] = set()
        answers: list[tuple[Step, Call]] = []
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
                    answers.append((used, call))

        for used, call in sorted(answers, key=lambda answer: answer[0].number):
            # Who comes here has looked into another answer: the workers that gave it give this one too.
            if not any(_comes_first(flow, other, used) for other, _ in answers):
                yield UncheckedInspection(module.place(used.span), call.leaf(), module.place(call.span))

    def _asking(self, module: Module, calls: list[Call]) -> list[Call]:
        """The questions to workers among the calls of a function."""
        return [call for call in calls if call.leaf() in _ANSWERS and self._inspects(module, call)]

    def _looks_at(self, flow: Flow, asking: list[Call]) -> bool:
        """Whether a condition of a function looks at what one of these calls gives."""
        steps = [(call, step) for call in asking if (step := flow.step_of(call)) is not None]
        if any(
            call.is_tested or (step.kind in _CONDITIONS and not call.is_looked_into) for call, step in steps
        ):
            return True
        names = {  # of the answer itself, not of what is made of its parts
            step.name
            for call, step in steps
            if step.kind == "assign" and len(step.stores) == 1 and not call.is_looked_into
        }
        return any(_decides(step, name) for step in flow.steps for name in names)

    def _checks(self, module: Module, calls: list[Call]) -> list[Call]:
        """The calls of functions that give back what workers answered, or judge it."""
        return [call for call in calls if self._is_check(self.graph.target(module, call.chain))]

    def _is_check(self, target: tuple[Module, Function] | None) -> bool:
        if target is None or not target[1].mentions("nspect") or not target[1].may_call(*_WORDS):
            return False
        module, function = target
        asking = self._asking(module, self.functions.calls(module, function))
        flow = self.functions.of(module, function)
        return self._looks_at(flow, asking) or any(
            (step := flow.step_of(call)) is not None and step.kind == "return" for call in asking
        )

    def _callers_look(self, module: Module, function: Function) -> bool:
        """Whether all functions that call this one look at an answer of workers themselves."""
        name = function.name
        words = (f".{name}", f":{name}", f"/{name}")
        found = [
            (home, caller)
            for home, caller in self.project.calling(*words)
            if any(
                call.leaf() == name and self.graph.target(home, call.chain) == (module, function)
                for call in self.functions.calls(home, caller)
            )
        ]
        return bool(found) and all(self._guards(*caller) for caller in found)

    def _guards(self, module: Module, function: Function) -> bool:
        calls = self.functions.calls(module, function)
        asking = [*self._asking(module, calls), *self._checks(module, calls)]
        return bool(asking) and self._looks_at(self.functions.of(module, function), asking)

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


def _comes_first(flow: Flow, first: Step, second: Step) -> bool:
    """Whether a statement was begun whenever another is: it stands before it, or around it."""
    around = list(flow.ancestors(second))
    if any(step.number == first.number for step in around):
        return True
    return first.number < second.number and any(
        step.parent == first.parent and step.role == first.role for step in (second, *around)
    )


def _is_caught(flow: Flow, step: Step) -> bool:
    for attempt in flow.attempts(step):
        for handler in flow.body(attempt, "handler"):
            caught = {chain.rpartition(".")[2].lstrip("~:") for chain in handler.chains}
            if not caught or caught & _CATCHING:
                return True
    return False

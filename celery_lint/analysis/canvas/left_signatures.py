"""Signatures and canvases that are made and never sent."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.libraries.celery import CANVASES, SENDING, SIGNATURE
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts

_MAKING = ("s", "si", "signature", "subtask", "chain", "group", "chord")
_WORDS = tuple(f".{word}" for word in _MAKING)


class LeftSignature(NamedTuple):
    """A signature that nobody sends. ``name`` is the variable that it is left in, if it is one.

    ``made`` is what makes it, as it is spelled; ``called`` that it is a method which is not called at all.
    """

    place: Place
    made: str
    name: str
    uncalled: bool


class LeftSignatures:
    """Signatures that nobody sends, and methods that send and are not called."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    @facts
    def all(self) -> list[LeftSignature]:
        """All of the product."""
        uncalled = self.project.stating(*(f".{word}" for word in SENDING))
        return [
            *(fact for module, function in uncalled for fact in self._uncalled(module, function)),
            *(fact for found in self.project.calling(*_WORDS) for fact in self._left(*found)),
        ]

    def _left(self, module: Module, function: Function) -> Iterator[LeftSignature]:
        calls = self.functions.calls(module, function)
        steps = self.functions.of(module, function).steps
        made = {
            call.number for call in calls if call.leaf() in _MAKING and self._makes(module, function, call)
        }
        for step in steps:
            own = [calls[number] for number in step.calls if number in made]
            if not own:
                continue
            if step.kind == "expr" and self._is_left(step, own):
                yield LeftSignature(module.place(step.span), _spelled(own), "", False)
            elif step.kind == "assign" and len(step.stores) == 1 and self._is_left(step, own):
                name = step.name
                if not self._is_used(steps, name):
                    yield LeftSignature(module.place(step.span), _spelled(own), name, False)

    def _is_left(self, step: Step, own: list[Call]) -> bool:
        """Whether the value of a statement is one of these signatures, or a pipe that ends in one."""
        if step.waits or step.yields:
            return False
        outermost = [call for call in own if call.parent == -1]
        if step.value == "|":
            return any(call.is_piped_into for call in outermost)
        return any(step.value == f"{call.chain}()" for call in outermost)

    def _is_used(self, steps: tuple[Step, ...], name: str) -> bool:
        return any(name in step.loads or (step.kind == "global" and name in step.stores) for step in steps)

    def _makes(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a call makes a signature of a task, or a canvas; that of a signature runs its task."""
        if call.chain.endswith("()"):
            return False
        sending = self.sendings.of(module, function, call)
        if sending is not None:
            return not sending.sends
        name = f"{self.project.resolve(module, call.chain).name}()"
        return name in CANVASES or name in SIGNATURE

    def _uncalled(self, module: Module, function: Function) -> Iterator[LeftSignature]:
        """``task.delay`` as a statement."""
        for step in self.functions.of(module, function).steps:
            receiver, _, leaf = step.value.rpartition(".")
            if step.kind == "expr" and leaf in SENDING and receiver and not step.waits and not step.yields:
                target = self.sendings.target(module, function, receiver)
                if target is not None and target.through == "task":
                    yield LeftSignature(module.place(step.span), leaf, "", True)


def _spelled(own: list[Call]) -> str:
    return own[0].leaf()

"""What ``on_commit`` gets: a function to call later, or what a call has given already."""

from __future__ import annotations

from typing import Literal

from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.libraries.django import ON_COMMIT
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class WrongCallback(NamedTuple):
    """What ``on_commit`` cannot call: a task that was ``sent`` already, or that ``lacks`` arguments."""

    kind: Literal["sent", "lacks"]
    task: str
    how: str
    missing: str
    place: Place


class Callbacks:
    """The callbacks that projects register for the commit."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)

    @facts
    def wrong(self) -> list[WrongCallback]:
        """Those that send a task at once, or that fail after the commit."""
        return [
            found
            for module, function in self.project.holding("on_commit")
            for call in self.functions.calls(module, function)
            if call.leaf() == "on_commit" and self.project.resolve(module, call.chain).name in ON_COMMIT
            if (found := self._judged(module, function, call)) is not None
        ]

    def _judged(self, module: Module, function: Function, call: Call) -> WrongCallback | None:
        value = function.value_of(call)
        given = (value.first() or value.keyword("func")) if value is not None else None
        how = given.chain.rpartition(".")[2] if given is not None else ""
        if given is None or how not in SENDING:
            return None
        if given.kind == "call":
            return self._sent(module, function, given)
        task = self.tasks.of(self.project.resolve(module, given.chain.rpartition(".")[0]))
        signature = self.signatures.of(task) if task is not None and given.kind == "name" else None
        if task is None or signature is None or how != "delay" or not signature.required:
            return None
        return WrongCallback("lacks", task.label, how, signature.required[0], module.place(given.span))

    def _sent(self, module: Module, function: Function, given: Value) -> WrongCallback | None:
        """``on_commit(task.delay(pk))``."""
        for inner in self.functions.calls(module, function):
            if inner.span == given.span and self.sendings.of(module, function, inner) is not None:
                name = given.chain.rpartition(".")[0].rpartition(".")[2].lstrip(":~%")
                return WrongCallback("sent", name, inner.leaf(), "", module.place(given.span))
        return None

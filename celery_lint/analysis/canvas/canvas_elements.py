"""What stands in a canvas in place of a signature."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import CANVASES, SENDING
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_CANVAS_WORDS = ("chain", "group", "chord")
_LINKS = ("link", "link_error")


class NoSignature(NamedTuple):
    """A task, or the result of one that is sent on the spot (``sent``), where a signature belongs."""

    place: Place
    where: str
    what: str
    sent: bool


class CanvasElements:
    """The elements of canvases, and what is linked to a message."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.results = known.of(Results)
        self.sendings = known.of(Sendings)

    @facts
    def wrong(self) -> list[NoSignature]:
        """The elements that are no signatures."""
        found = [
            fact
            for module, function in self.project.calling(*_CANVAS_WORDS, ".s", ".si")
            for fact in self._in_canvases(module, function)
        ]
        for sending in self.sendings.all:
            for name, value in sending.options if sending.sends else ():
                if name in _LINKS:
                    found += self._elements(sending.module, sending.function, name, (value,))
        return list({fact.place: fact for fact in found}.values())

    def _in_canvases(self, module: Module, function: Function) -> Iterator[NoSignature]:
        calls = self.functions.calls(module, function)
        canvases = set()
        for call in calls:
            if call.leaf() in _CANVAS_WORDS and self._is_canvas(module, call.chain):
                canvases.add(call.number)
                value = function.value_of(call)
                if value is not None:
                    yield from self._elements(module, function, call.leaf(), value.items)
        for call in calls:
            inside = call.parent in canvases and not call.is_argument and not call.is_looked_into
            if (inside or call.is_piped_into) and self._is_sent(module, function, call):
                where = calls[call.parent].leaf() if inside else "|"
                yield NoSignature(module.place(call.span), where, call.leaf(), True)

    def _is_canvas(self, module: Module, chain: str) -> bool:
        return f"{self.project.resolve(module, chain).name}()" in CANVASES

    def _is_sent(self, module: Module, function: Function, call: Call) -> bool:
        return call.leaf() in SENDING and self.results.of(module, function, f"{call.chain}()") is not None

    def _elements(
        self, module: Module, function: Function, where: str, values: tuple[Value, ...]
    ) -> Iterator[NoSignature]:
        pending = list(values)
        while pending:
            value = pending.pop()
            if value.kind == "sequence":
                pending += value.items
            elif value.kind == "call":
                leaf = value.chain.rpartition(".")[2]
                sent = leaf in SENDING and self.results.of(module, function, f"{value.chain}()") is not None
                if sent:
                    yield NoSignature(module.place(value.span), where, leaf, True)
            elif value.kind == "name" and self.results.of(module, function, value.chain) is not None:
                yield NoSignature(module.place(value.span), where, value.chain[:-2].rpartition(".")[2], True)
            elif value.kind == "name":
                task = self.tasks.of(self.project.resolve(module, value.chain))
                if task is not None:
                    yield NoSignature(module.place(value.span), where, task.label, False)

"""Results of tasks that are taken for signatures."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.libraries.celery import SENDING
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# Methods of tasks and signatures that no class of results has.
_METHODS = SENDING | {
    "clone",
    "freeze",
    "link",
    "link_error",
    "on_error",
    "retry",
    "s",
    "set",
    "si",
    "update_state",
}
_MADE = (".delay().", ".apply_async().")


class TakenForSignature(NamedTuple):
    """A call of a method that results do not have. ``sent``: what has sent the task, ``made`` where."""

    place: Place
    method: str
    sent: str
    made: Place


class TakenForSignatures:
    """The calls of methods of signatures on what `delay` gives."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.results = known.of(Results)
        self.signatures = known.of(Signatures)

    @facts
    def all(self) -> list[TakenForSignature]:
        """Those of tasks whose classes can be seen."""
        return [
            fact
            for module, function in self.project.holding(*_MADE)
            for fact in self._taken(module, function)
        ]

    def _taken(self, module: Module, function: Function) -> Iterator[TakenForSignature]:
        calls = self.functions.calls(module, function)
        for call in calls:
            receiver, _, method = call.chain.rpartition(".")
            if method not in _METHODS or not receiver.endswith("()"):
                continue
            sent = receiver.removesuffix("()").rpartition(".")[2]
            result = self.results.of(module, function, receiver) if sent in SENDING else None
            if result is None or result.several or result.task is None:
                continue
            if self.signatures.is_plain(result.task) and not self.signatures.overridden(result.task):
                made = [other for other in calls if other.chain == receiver.removesuffix("()")]
                here = [other for other in made if other.span.start == call.span.start]
                for first in (here or made)[:1]:
                    yield TakenForSignature(module.place(call.span), method, sent, module.place(first.span))

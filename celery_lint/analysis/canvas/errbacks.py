"""Tasks that are called when another has failed, and what they are given then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.diagnostics import Span
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures, mismatch, type_error
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_METHODS = frozenset({"on_error", "link_error"})
_OPTION = "link_error"
# Called on the spot with the request, the exception and the traceback, or sent with the id alone:
# `Backend._call_task_errbacks` in celery/backends/base.py counts parameters.
_ON_THE_SPOT = 3
_SENT = 1


class UnfitErrback(NamedTuple):
    """An errback that cannot take what it is given: ``request``, or the ``id`` alone."""

    sending: Sending
    task: Task
    given: Literal["request", "id"]
    error: str


class Errbacks:
    """The errbacks of messages and signatures."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.task_options = known.of(TaskOptions)

    @facts
    def unfit(self) -> list[UnfitErrback]:
        """Those that certainly fail when they are needed."""
        return [
            fact
            for module, function in self.project.holding(*_METHODS)
            for sending in self._given(module, function)
            if (fact := self._unfit(sending)) is not None
        ]

    def _given(self, module: Module, function: Function) -> Iterator[Sending]:
        """The signatures that are made where they become errbacks."""
        calls = self.functions.calls(module, function)
        spans: dict[Span, Call] = {call.span: call for call in calls if call.leaf() == "s"}
        for call in calls:
            found: list[Call] = []
            if call.leaf() in _METHODS and self._is_signature(module, function, call):
                given = call.argument(0, "errback")
                found = [calls[given.number]] if given.kind == "call" else []
            elif (value := function.value_of(call)) is not None and self._sends(module, function, call):
                option = value.keyword(_OPTION)
                found = [spans[each.span] for each in _each(option) if each.span in spans]
            for errback in found:
                sending = self.sendings.of(module, function, errback)
                if sending is not None:
                    yield sending

    def _is_signature(self, module: Module, function: Function, call: Call) -> bool:
        receiver = call.chain.rpartition(".")[0]
        return bool(receiver) and self.sendings.target(module, function, receiver) is not None

    def _sends(self, module: Module, function: Function, call: Call) -> bool:
        return self.sendings.of(module, function, call) is not None

    def _unfit(self, sending: Sending) -> UnfitErrback | None:
        task, given = sending.task, sending.given
        if task is None or given is None or sending.how != "s" or sending.through != "task":
            return None
        if given.positional or given.more_positional or self.task_options.has_own_call(task):
            return None  # Celery 5.7 puts stored arguments behind its own, older ones forget them
        if task.inner_decorators:
            return None  # Celery counts the parameters of what a decorator makes of it
        signature = self.signatures.of(task)
        if signature is None or signature.more_positional:
            return None
        on_the_spot = not signature.passes_itself and len(signature.positional) > 1
        found = mismatch(signature, given, before=_ON_THE_SPOT if on_the_spot else _SENT)
        if found is None:
            return None
        error = type_error(signature, found)
        return UnfitErrback(sending, task, "request" if on_the_spot else "id", error)


def _each(value: Value | None) -> tuple[Value, ...]:
    if value is None:
        return ()
    return value.items if value.kind == "sequence" else (value,)

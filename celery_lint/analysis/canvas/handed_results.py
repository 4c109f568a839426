"""Signatures that get the result of another task in front of their arguments, and do not take it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Mismatch, Signature, Signatures, mismatch, type_error
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import CANVASES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SIGNATURES = frozenset({"s", "si"})


class UnfitResult(NamedTuple):
    """A signature whose task does not take the result that is put in front of its arguments."""

    sending: Sending
    signature: Signature
    mismatch: Mismatch
    error: str

    @property
    def task(self) -> Task:
        """The task that gets the result."""
        return self.signature.task


class HandedResults:
    """The later links of chains, the bodies of chords and the links of messages."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.task_options = known.of(TaskOptions)

    @facts
    def unfit(self) -> list[UnfitResult]:
        """Those that certainly fail in the worker."""
        return [
            fact
            for module in self.project.product_modules()
            for function in module.functions.values()
            if function.mentions(".s\t", ".si\t")
            for sending in self._handed(module, function)
            if (fact := self._unfit(sending)) is not None
        ]

    def _handed(self, module: Module, function: Function) -> Iterator[Sending]:
        """The signatures that certainly get a result, in the order of the source."""
        calls = self.functions.calls(module, function)
        made: dict[Span, Sending] = {}
        for call in calls:
            sending = self.sendings.of(module, function, call) if call.leaf() in _SIGNATURES else None
            if sending is not None and sending.through == "task":
                made[call.span] = sending
        if not made:
            return
        behind: set[Span] = set()
        for call in calls:
            if call.span in made and call.is_piped_into and self._is_behind_one(calls, call, made):
                behind.add(call.span)
            value = function.value_of(call)
            if value is not None:
                behind.update(given.span for given in self._taking(module, function, call, value, made))
        yield from (sending for span, sending in made.items() if span in behind)

    def _is_behind_one(self, calls: list[Call], call: Call, made: dict[Span, Sending]) -> bool:
        """Whether what stands before the ``|`` is a signature: an empty chain would hand nothing on."""
        line, column = call.span[:2]
        before = [other for other in calls if other.parent == call.parent and other.span[2:] < (line, column)]
        return bool(before) and max(before, key=lambda other: other.span[2:]).span in made

    def _taking(
        self, module: Module, function: Function, call: Call, value: Value, made: dict[Span, Sending]
    ) -> Iterator[Value]:
        """What gets a result among the arguments of a call."""
        name = f"{self.project.resolve(module, call.chain).name}()"
        if name in CANVASES and name.endswith(".chain()"):
            yield from _behind_the_first(value, made)
        elif name in CANVASES and name.endswith(".chord()"):
            body = value.items[1] if len(value.items) > 1 else value.keyword("body")
            if body is not None and not any(key == "*" for key, _ in value.keywords):
                yield body
        elif call.leaf() == "apply_async":
            sending = self.sendings.of(module, function, call)
            link = value.keyword("link") if sending is not None and sending.through == "task" else None
            if link is not None:
                yield from link.items if link.kind == "sequence" else (link,)

    def _unfit(self, sending: Sending) -> UnfitResult | None:
        """What is wrong with a signature that a result is put in front of."""
        task, given = sending.task, sending.given
        if task is None or given is None or sending.how != "s" or self.task_options.has_own_call(task):
            return None
        signature = self.signatures.of(task)
        if signature is None or mismatch(signature, given, partial=True) is not None:
            return None  # wrong by itself
        found = mismatch(signature, given, before=1)
        if found is None:
            return None
        itself = task.class_ is not None or bool(self.signatures.binds(task))
        own = found.kind == "many" and itself and not self.signatures.is_checked(task)
        return UnfitResult(sending, signature, found, type_error(signature, found, own))


def _behind_the_first(value: Value, made: dict[Span, Sending]) -> Iterator[Value]:
    """The links of a chain that stand behind one which is certainly there."""
    items = value.items
    if len(items) == 1 and items[0].kind == "sequence":
        items = items[0].items
    first = next((number for number, item in enumerate(items) if item.span in made), len(items))
    yield from (item for item in items[first + 1 :] if item.kind == "call")

"""Options of messages that mean nothing, or something else than what is written."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import SETTING_OF_OPTION, TASK_OPTIONS
from celery_lint.libraries.messages import CHORD_OPTIONS, MESSAGE_OPTIONS, MESSAGE_PROPERTIES
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.nearest import nearest
from celery_lint.project.known import Known, facts, once

# Other words for an option, and those that are too short to be told from others by their letters.
_MEANT = {
    "arg": "args",
    "delay": "countdown",
    "delay_seconds": "countdown",
    "eta_seconds": "countdown",
    "que": "queue",
    "retry_delay": "countdown",
    "shadow_name": "shadow",
}
# Options of the task, which mean nothing for one message.
_OF_TASKS = TASK_OPTIONS - MESSAGE_OPTIONS | {"bind"}
# Options of the task that are on or off.
_SWITCHES = frozenset({"track_started", "acks_late"})
_CALLS = frozenset({"apply_async", "apply_async_on_commit", "send_task"})
_PLAIN_SIGNATURES = (".s", ".si")


class UnknownOption(NamedTuple):
    """An option that Celery does not know. ``meant`` is the one that it stands for, if any does."""

    place: Place
    method: str
    option: str
    meant: str


class CountedRetries(NamedTuple):
    """``retries=3``: the message says that three attempts have failed already."""

    place: Place
    method: str
    number: int


class OptionCall(NamedTuple):
    """A call that takes options of a message, with these options."""

    module: Module
    function: Function
    method: str
    value: Value
    sending: Sending | None = None

    @property
    def task(self) -> Task | None:
        """The task that is sent, if that is known."""
        return self.sending.task if self.sending is not None else None


class MessageOptions:
    """The options that messages are sent with."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.retry_calls = known.of(RetryCalls)
        self.settings = known.of(Settings)
        self.in_force = known.of(OptionsInForce)
        self.applications = known.of(Applications)

    @once
    def calls(self) -> list[OptionCall]:
        """The calls with options, whose meaning nothing of the project changes."""
        found = [
            OptionCall(sending.module, sending.function, sending.how, value, sending)
            for sending in self.sendings.all
            if sending.how in _CALLS and (value := sending.value) is not None and not self._changed(sending)
        ]
        found += [
            OptionCall(call.module, call.function, "retry", call.value)
            for call in self.retry_calls.all
            if not any(self.signatures.overridden(task) for task in call.tasks)
        ]
        return found

    def _reaches_chord(self, sending: Sending | None) -> bool:
        """Whether the options reach a chord: a chain and a group hand them to what they hold."""
        if sending is None or sending.through != "canvas":
            return False
        made = sending.call.chain.rpartition(".")[0].removesuffix("()")
        calls = [
            call
            for call in self.functions.calls(sending.module, sending.function)
            if call.chain == made and sending.function.value_of(call) is not None
        ]
        here = [call for call in calls if call.span.start == sending.call.span.start]
        values = [sending.function.value_of(call) for call in here or calls]
        return made.endswith("chord") or not values or not all(map(_holds_plain_signatures, values))

    def _changed(self, sending: Sending) -> bool:
        """Whether the project has its own way to send this."""
        if sending.task is not None:
            return bool(self.signatures.overridden(sending.task)) or not self.signatures.is_plain(
                sending.task
            )
        return not all(map(self.applications.is_plain, self.applications.product)) or any(
            self.signatures.application_has(application, "send_task")
            for application in self.applications.product
        )

    @once
    def _looked_at(self) -> bool:
        """Whether the project may look at the options of every message: by a router, or before it is sent."""
        for setting in self.settings.named("task_routes"):
            known = self.project.constant(setting.module, setting.value)
            if known is None or known.kind != "mapping":
                return True
        return any(
            "celery.signals.before_task_publish" in module.imports.values()
            for module in self.project.product_modules()
        )

    @facts
    def unknown(self) -> list[UnknownOption]:
        """The options that nobody reads; what `retry` takes is told by a rule of its own."""
        if self._looked_at:
            return []
        found = []
        for call in self.calls:
            for name, value in call.value.keywords:
                if name in CHORD_OPTIONS and self._reaches_chord(call.sending):
                    continue
                meant = _meant(name) if call.method != "retry" else None
                if meant is not None and not self._in_force(call, name, value):
                    found.append(UnknownOption(call.module.place(value.span), call.method, name, meant))
        return found

    def _in_force(self, call: OptionCall, name: str, value: Value) -> bool:
        """Whether the task does by its own option, or by the setting, what the call asks for."""
        asked = self.settings.truth(call.module, value) if name in _SWITCHES else None
        if asked is None:
            return False
        if call.task is not None:
            return self.in_force.option(call.task, name, SETTING_OF_OPTION[name]) is asked
        states = {self.settings.switch(a, SETTING_OF_OPTION[name]) for a in self.applications.product}
        return states == {asked}

    @facts
    def counted(self) -> list[CountedRetries]:
        """The messages that say how many retries are used up, and mean how many there may be."""
        return list(self._counted())

    def _counted(self) -> Iterator[CountedRetries]:
        for call in self.calls:
            given = call.value.keyword("retries") if call.method != "retry" else None
            number = self.project.number(call.module, given)
            if given is not None and number is not None and number > 0:
                yield CountedRetries(call.module.place(given.span), call.method, int(number))


def _holds_plain_signatures(canvas: Value | None) -> bool:
    """Whether a chain or group holds nothing but signatures of tasks that are written out."""
    if canvas is None:
        return False
    items = [inner for item in canvas.items for inner in (item.items if item.kind == "sequence" else (item,))]
    return bool(items) and all(
        item.kind == "call" and item.chain.endswith(_PLAIN_SIGNATURES) for item in items
    )


def _meant(name: str) -> str | None:
    """The option that is meant by what is none, ``""`` for one of tasks; None where nobody can tell.

    An option that is like no other may be one of a broker.
    """
    if name in MESSAGE_OPTIONS or name in MESSAGE_PROPERTIES:
        return None
    if name in _OF_TASKS and name not in _MEANT:
        return ""
    return _MEANT.get(name) or nearest(name, MESSAGE_OPTIONS) or None

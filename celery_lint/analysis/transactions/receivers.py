"""Receivers of Django's signals that run in the transaction of what they are told of."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.sent_before_commit import SentBeforeCommits
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.functions import by_path
from celery_lint.project.known import Known, facts

_RECEIVER = "django.dispatch.receiver"
_SIGNALS = {f"django.db.models.signals.{name}": name for name in ("m2m_changed", "pre_save")}


class SentByReceiver(NamedTuple):
    """A task that a receiver sends before what it is told of is there. ``signal``: its name."""

    sending: Sending
    task: Task
    signal: str
    registered: Place


class Receivers:
    """The receivers of signals that come before the row, or in a transaction of Django's own."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.before_commits = known.of(SentBeforeCommits)

    @facts
    def sent(self) -> list[SentByReceiver]:
        """One for each call that sends a task."""
        found: dict[Place, SentByReceiver] = {}
        for module, function, signal, registered in self._receivers():
            for sending in self.sendings.within(module, function):
                task = sending.task
                if task is None or sending.call.in_lambda:
                    continue
                if self.before_commits.is_sent_at_once(sending, task):
                    fact = SentByReceiver(sending, task, signal, registered)
                    found.setdefault(sending.place, fact)
        return list(found.values())

    def _receivers(self) -> Iterator[tuple[Module, Function, str, Place]]:
        connecting = by_path(self.project.calling(".connect"))
        for module in self.project.product_modules():
            if not any(target.startswith("django.") for target in module.imports.values()):
                continue
            calling = connecting.get(module.path, [])
            for function in module.functions.in_order(module.functions.decorated(), calling):
                for decorator in function.decorators:
                    if decorator.kind == "call" and decorator.chain == _RECEIVER:
                        given = decorator.first()
                        listed = given.items if given is not None and given.kind == "sequence" else (given,)
                        for each in listed:
                            signal = self._signal(module, each.chain) if each is not None else ""
                            if signal:
                                yield module, function, signal, module.place(decorator.span)
                if function.may_call(".connect"):
                    yield from self._connected(module, function)

    def _connected(self, module: Module, function: Function) -> Iterator[tuple[Module, Function, str, Place]]:
        """``pre_save.connect(handler)``."""
        for call in self.functions.calls(module, function):
            owner, _, leaf = call.chain.rpartition(".")
            signal = self._signal(module, owner) if leaf == "connect" else ""
            if signal:
                entity = self.project.resolve(module, call.argument(0, "receiver").chain)
                handler = entity.function()
                if handler is not None and entity.module is not None:
                    yield entity.module, handler, signal, module.place(call.span)

    def _signal(self, module: Module, chain: str) -> str:
        return _SIGNALS.get(self.project.resolve(module, chain).name, "") if chain else ""

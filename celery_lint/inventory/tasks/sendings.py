"""Which call sends a task, and which task that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Applications, is_application
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import CANVASES, SENDING, SIGNATURE, SIGNATURES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known

SENDERS = SENDING | {"send_task"}
"""The last components of calls that send."""

_CANVASES = CANVASES | SIGNATURE


class Sending(NamedTuple):
    """A call that sends a task: ``task.delay()``, ``task.s().apply_async()``, ``app.send_task("name")``.

    ``through`` tells what it is called on: the ``task``, its ``signature``, a ``canvas`` or signature by
    name, or the ``application``. ``task`` is ``None`` where it cannot be told which one is sent.
    """

    module: Module
    function: Function
    call: Call
    task: Task | None
    through: Literal["task", "signature", "canvas", "application"]

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)

    @property
    def has_options(self) -> bool:
        """Whether the call takes options of the message: all that ``delay`` gets is the task's."""
        return self.call.leaf() != "delay"

    @property
    def value(self) -> Value | None:
        """The call with the values of its arguments, if they are kept."""
        return self.function.value_of(self.call)


class Sendings:
    """The calls of a project that send tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.applications = known.of(Applications)
        self.in_force = known.of(OptionsInForce)

    def within(self, module: Module, function: Function) -> Iterator[Sending]:
        """The sendings of one function, in the order of the source."""
        if function.may_call(*(f".{word}" for word in SENDERS)):
            for call in self.functions.calls(module, function):
                sending = self.of(module, function, call)
                if sending is not None:
                    yield sending

    def of(self, module: Module, function: Function, call: Call) -> Sending | None:
        """What a call sends, if it sends anything."""
        receiver, _, leaf = call.chain.rpartition(".")
        if leaf not in SENDERS or not receiver:
            return None
        if leaf == "send_task":
            application = self.project.resolve(module, receiver)
            if self.applications.class_of(application) is None:
                return None
            return Sending(module, function, call, self.named(call), "application")
        return self._sending(module, function, call, receiver)

    def _sending(self, module: Module, function: Function, call: Call, receiver: str) -> Sending | None:
        chain = without_signature(receiver)
        own = self.tasks.by_function.get((module.path, function.qualname))
        if own is not None and function.parameters and chain == f"%{function.first()}":
            return Sending(module, function, call, own, "task") if self.in_force.is_bound(own) else None
        entity = self.project.resolve(module, chain)
        task = self.tasks.of(entity)
        if task is not None:
            return Sending(module, function, call, task, "task" if chain == receiver else "signature")
        if entity.kind != "external":
            return None
        owner, _, made = entity.name.rpartition(".")
        if entity.name in _CANVASES or (made == "signature()" and is_application(owner)):
            return Sending(module, function, call, None, "canvas")
        return None

    def named(self, call: Call) -> Task | None:
        """The only task of the name that a call gives."""
        name = call.argument(0, "name").text
        tasks = [task for task in self.tasks.all if name and task.name == name]
        return tasks[0] if len(tasks) == 1 else None


def without_signature(chain: str) -> str:
    """The chain of a task without the signature that is made of it: ``task.s()`` as ``task``."""
    for ending in SIGNATURES:
        chain = chain.removesuffix(ending)
    return chain

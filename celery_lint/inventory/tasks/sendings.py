"""Which call sends a task or makes a signature of one, which task that is, and what it is given."""

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
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

SENDERS = SENDING | {"send_task"}
"""The last components of calls that send a message."""

_ON_COMMIT = frozenset({"delay_on_commit", "apply_async_on_commit"})
_PARTIAL = frozenset({"s", "si", "signature", "subtask", "Signature"})
# What a task gets is written out in these calls; in the others it stands in a sequence and a mapping.
_SPREAD = frozenset({"delay", "delay_on_commit", "s", "si"})
_USES = SENDERS | _ON_COMMIT | _PARTIAL | {"apply"}
# Methods of tasks that hardly anything else has, and how the chains of names begin that the module binds.
_NAMED = SENDING | {"delay_on_commit", "s", "si"}
_HERE = frozenset({"", ":", "%", "~"})
_BY_NAME = frozenset({"send_task", "signature", "subtask", "Signature"})
_CANVASES = CANVASES | SIGNATURE


class Given(NamedTuple):
    """What a task is given: arguments by place and by name, and whether there are more that nobody sees."""

    positional: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    more_positional: bool
    more_keywords: bool


Through = Literal["task", "signature", "canvas", "application"]


class Target(NamedTuple):
    """What a method that sends is called on. ``made``: of a canvas ``chain``, ``group``, ``chord`` …"""

    through: Through
    task: Task | None
    made: str = ""


class Sending(NamedTuple):
    """A call that sends a task or makes a signature: ``task.delay()``, ``task.s()``, ``app.send_task("x")``.

    ``through`` tells what it is called on: the ``task``, its ``signature``, a ``canvas`` or signature by
    name, or the ``application``. ``task`` is ``None`` where it cannot be told which one is sent.
    """

    module: Module
    function: Function
    call: Call
    task: Task | None
    through: Through

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.call.span)

    @property
    def how(self) -> str:
        """The method: ``delay``, ``apply_async``, ``apply``, ``s``, ``si``, ``signature``, ``send_task`` …"""
        leaf = self.call.leaf()
        return "signature" if leaf in ("subtask", "Signature") else leaf

    @property
    def sends(self) -> bool:
        """Whether the call itself sends a message or runs the task, now or after a commit."""
        return self.how not in _PARTIAL

    @property
    def has_options(self) -> bool:
        """Whether the call takes options of the message: all that ``delay`` gets is the task's."""
        return self.how not in _SPREAD

    @property
    def value(self) -> Value | None:
        """The call with the values of its arguments, if they are kept."""
        return self.function.value_of(self.call)

    @property
    def options(self) -> tuple[tuple[str, Value], ...]:
        """The options of the message, by name, as far as they are written down."""
        value = self.value
        if value is None or not self.has_options:
            return ()
        return tuple([(key, given) for key, given in value.keywords if key not in _TASK_ARGUMENTS])

    @property
    def given(self) -> Given | None:
        """The arguments for the task; ``None`` where they cannot be read."""
        value = self.value
        if value is None:
            return None
        if not self.has_options:
            keywords = tuple([(key, item) for key, item in value.keywords if key not in _HIDDEN])
            more = {key for key, _ in value.keywords}
            return Given(value.items, keywords, "*" in more, "**" in more)
        if value.open_ended():  # they may hold `args` and `kwargs`
            return None
        first = 1 if self.through == "application" else 0
        return given_by(_at(value, first, "args"), _at(value, first + 1, "kwargs"))


_HIDDEN = ("*", "**", "()")
_TASK_ARGUMENTS = ("args", "kwargs", "()")


def given_by(args: Value | None, kwargs: Value | None) -> Given | None:
    """The arguments that a sequence and a mapping hold; ``None`` where they cannot be read."""
    items, entries = _items(args), _entries(kwargs)
    if items is None or entries is None:
        return None
    return Given(items[0], entries[0], items[1], entries[1])


def _at(value: Value, position: int, keyword: str) -> Value | None:
    return value.items[position] if len(value.items) > position else value.keyword(keyword)


def _items(value: Value | None) -> tuple[tuple[Value, ...], bool] | None:
    """The items of a tuple or list, and whether it unpacks more."""
    if value is None or (value.kind == "constant" and value.data is None):
        return (), False
    if value.kind != "sequence" or value.data is not None:
        return None
    shown = tuple([item for item in value.items if item.data != "*" or item.kind != "unknown"])
    return shown, len(shown) < len(value.items)


def _entries(value: Value | None) -> tuple[tuple[tuple[str, Value], ...], bool] | None:
    """The entries of a dictionary, and whether there are others whose names only the run knows."""
    if value is None or (value.kind == "constant" and value.data is None):
        return (), False
    if value.kind == "call" and value.chain == "~dict" and not value.items:
        shown = tuple([(key, item) for key, item in value.keywords if key not in _HIDDEN])
    elif value.kind == "mapping":
        shown = tuple([(key, item) for key, item in value.keywords if key not in ("**", "?")])
    else:
        return None
    return shown, len(shown) < len(value.keywords)


class Sendings:
    """The calls of a project that send tasks or make signatures of them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.applications = known.of(Applications)
        self.in_force = known.of(OptionsInForce)

    @once
    def all(self) -> list[Sending]:
        """All of the product, signatures too, in the order of the source."""
        words = [f".{word}" for word in sorted(_USES)] + ["signature", "Signature"]
        return [
            sending
            for module, function in self.project.calling(*words)
            for sending in self._within(module, function, _USES)
        ]

    @once
    def by_task(self) -> dict[Key, list[Sending]]:
        """Those whose task is known, by task."""
        found: dict[Key, list[Sending]] = {}
        for sending in self.all:
            if sending.task is not None:
                found.setdefault(sending.task.key, []).append(sending)
        return found

    def explore(self) -> None:
        """Follow the names of what is sent: a package may only pass on what another of its files defines."""
        words = [f".{word}" for word in sorted(_NAMED)]
        for module, function in self.project.calling(*words):
            for call in self.functions.calls(module, function):
                receiver, _, leaf = call.chain.rpartition(".")
                if leaf in _NAMED and receiver[:1] not in _HERE and receiver[-1:] != ")":
                    self.project.resolve(module, without_signature(receiver))

    def within(self, module: Module, function: Function) -> Iterator[Sending]:
        """The calls of one function that send a message at once, in the order of the source."""
        if function.may_call(*(f".{word}" for word in SENDERS)):
            yield from self._within(module, function, SENDERS)

    def _within(self, module: Module, function: Function, words: frozenset[str]) -> Iterator[Sending]:
        for call in self.functions.calls(module, function):
            if call.leaf() in words:
                sending = self.of(module, function, call)
                if sending is not None:
                    yield sending

    def of(self, module: Module, function: Function, call: Call) -> Sending | None:
        """What a call sends, or makes a signature of, if it does."""
        leaf = call.leaf()
        if leaf not in _USES:
            return None
        receiver = call.chain.rpartition(".")[0]
        if leaf in _BY_NAME and self.is_by_name(module, call.chain):
            return Sending(module, function, call, self.named(call), "application")
        if not receiver or leaf == "send_task":
            return None
        target = self.target(module, function, receiver)
        if target is None or (target.through == "canvas" and leaf in _PARTIAL):
            return None
        return Sending(module, function, call, target.task, target.through)

    def is_by_name(self, module: Module, chain: str) -> bool:
        """Whether a chain is ``app.send_task``, ``app.signature`` or ``celery.signature``."""
        if f"{self.project.resolve(module, chain).name}()" in SIGNATURE:
            return True
        receiver = chain.rpartition(".")[0]
        return bool(receiver) and self.is_application(module, receiver)

    def is_application(self, module: Module, chain: str) -> bool:
        """Whether a chain is an application."""
        return self.applications.class_of(self.project.resolve(module, chain)) is not None

    def target(self, module: Module, function: Function, receiver: str) -> Target | None:
        """What is sent by a method of what this chain names, if that is a task, signature or canvas."""
        chain = without_signature(receiver)
        own = self.tasks.by_function.get((module.path, function.qualname))
        if own is not None and function.parameters and chain == f"%{function.first()}":
            return Target("task", own) if self.in_force.is_bound(own) else None
        entity = self.project.resolve(module, chain)
        task = self.tasks.of(entity)
        if task is not None:
            return Target("task" if chain == receiver else "signature", task)
        if entity.kind != "external":
            return None
        owner, _, made = entity.name.rpartition(".")
        if entity.name in _CANVASES or (made == "signature()" and is_application(owner)):
            return Target("canvas", None, made.removesuffix("()"))
        return None

    @once
    def _by_task_name(self) -> dict[str, Task | None]:
        """The tasks by name; ``None`` for a name that several have."""
        found: dict[str, Task | None] = {}
        for task in self.tasks.all:
            found[task.name] = None if task.name in found else task
        return found

    def named(self, call: Call) -> Task | None:
        """The only task of the name that a call gives."""
        return self.by_name(call.argument(0, "name").text)

    def by_name(self, name: str) -> Task | None:
        """The only task of this name."""
        return self._by_task_name.get(name)

    def flow(self, sending: Sending) -> Flow:
        """The statements of the function that a sending stands in."""
        return self.functions.of(sending.module, sending.function)

    def task_around(self, sending: Sending) -> Task | None:
        """The task whose own function, or a function in that, a sending stands in."""
        name = sending.function.qualname
        while name:
            task = self.tasks.by_function.get((sending.module.path, name))
            if task is not None:
                return task
            name = name.rpartition("/")[0]
        return None


def without_signature(chain: str) -> str:
    """The chain of a task without the signature that is made of it: ``task.s()`` as ``task``."""
    for ending in SIGNATURES:
        chain = chain.removesuffix(ending)
    return chain

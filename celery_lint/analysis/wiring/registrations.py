"""Registries of tasks by key as facts: what they hold, who dispatches from them, and what does not fit."""

from __future__ import annotations

from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity, Key


class Entry(NamedTuple):
    """One registration: a key and what stands behind it. ``task`` is ``None`` for anything else."""

    registry: Key
    key: str
    key_place: Place
    value: Value
    module: Module
    task: Task | None
    entity: Entity


class Dispatcher(NamedTuple):
    """A function that looks a key up in a registry and sends the task behind it.

    ``parameter`` is the position of the key among its parameters; ``keywords`` are the names that it always
    passes on to the task; ``fallback`` says that a key that is not there has a task as well.
    """

    registry: Key
    module: Module
    function: Function
    parameter: int
    keywords: tuple[str, ...]
    fallback: bool


class Registry(NamedTuple):
    """A registry of tasks. ``complete`` tells that every key is written down as a literal."""

    origin: Key
    module: Module
    place: Place
    entries: tuple[Entry, ...]
    dispatchers: tuple[Dispatcher, ...]
    complete: bool

    @property
    def name(self) -> str:
        """The name of the mapping or function."""
        return self.origin[1]


class UnregisteredTask(NamedTuple):
    """A task with a tracking parameter that no registry holds."""

    task: Task
    parameter: str
    registry: Registry


class UnknownKey(NamedTuple):
    """A dispatch with a literal key that its registry does not hold."""

    key: str
    place: Place
    registry: Registry
    nearest: str


class DuplicateKey(NamedTuple):
    """A key that is registered again, for another task."""

    entry: Entry
    first: Entry


class MissingParameter(NamedTuple):
    """A registered task that does not accept a keyword that its dispatcher passes."""

    entry: Entry
    task: Task
    keyword: str
    dispatcher: Dispatcher


class NotATask(NamedTuple):
    """A registered value that is no task."""

    entry: Entry
    label: str

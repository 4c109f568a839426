"""A Celery task of the project, as one fact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from celery_lint.inventory.tasks.makers import Option
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.project.entity import Key


class Task(NamedTuple):
    """A Celery task of the project."""

    name: str
    module: Module
    qualname: str
    place: Place
    function: Function | None
    application: Key | None
    options: tuple[Option, ...]
    wrapper: Key | None
    inner_decorators: tuple[Value, ...]
    class_: Class | None

    @property
    def key(self) -> Key:
        """What tells it from all others: a task itself cannot be hashed."""
        return self.module.path, self.qualname

    @property
    def label(self) -> str:
        """How messages call the task."""
        return self.qualname.rpartition("/")[2].partition("@")[0]

    @property
    def owner(self) -> str:
        """The name of the class that it is a method of: who sends it must have that, or an object of it."""
        return self.function.owner.rpartition(".")[2].rpartition("/")[2] if self.function is not None else ""

    @property
    def is_periodic(self) -> bool:
        """Whether the decorator itself schedules the task, as ``periodic_task`` of Celery 3 does."""
        return any(value.keyword("run_every") is not None for _, value in self.options)


def given_name(options: Iterable[Option]) -> Option | None:
    """The name that options give a task: in place of ``None`` or an empty text Celery makes one itself."""
    for module, value in options:
        given = value.keyword("name")
        if given is not None:
            return (module, given) if given.kind != "constant" or given.data else None
    return None


def reached_from(
    tasks: Iterable[Task | tuple[Place, Task]], verb: str = "reached from"
) -> tuple[tuple[Place, str], ...]:
    """One related place for all tasks that come somewhere: the first of them, with the number of all.

    A task may come with the place that tells of it, in place of its own.
    """
    ways = [(way.place, way) if isinstance(way, Task) else way for way in tasks]
    if not ways:
        return ()
    place, first = ways[0]
    number = len({task.key for _, task in ways})
    text = f"task `{first.label}`" if number == 1 else f"{number} tasks, such as `{first.label}`"
    return ((place, f"{verb} {text}"),)

"""A Celery task of the project, as one fact."""

from __future__ import annotations

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

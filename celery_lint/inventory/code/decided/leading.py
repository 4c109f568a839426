"""From which tasks one comes to a function that is given certain values."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.code.decided.given import Given
from celery_lint.inventory.code.graph import View
from celery_lint.inventory.tasks.task import Task
from celery_lint.project.entity import Key

Stop = tuple[View, Given]
"""A function on the way from a task, and what it is given there."""


class Leading:
    """The ways from tasks to functions, by the values that the functions are given."""

    def __init__(self) -> None:
        self._starts: dict[Stop, list[Task]] = {}
        self._before: dict[Stop, dict[Stop, None]] = {}
        self._stops: dict[Key, dict[Stop, None]] = {}

    def start(self, stop: Stop, task: Task) -> None:
        """A task begins here."""
        self._stops.setdefault(stop[0][0], {})[stop] = None
        self._starts.setdefault(stop, []).append(task)

    def lead(self, before: Stop, stop: Stop) -> None:
        """One calls the other."""
        self._stops.setdefault(stop[0][0], {})[stop] = None
        self._before.setdefault(stop, {})[before] = None

    def tasks(self, key: Key, given: Iterable[Given], depth: int) -> list[Task]:
        """The tasks that come to a function with one of these sets of values, by so many calls at most."""
        wanted = {*given}
        level = [stop for stop in self._stops.get(key, ()) if stop[1] in wanted]
        seen, found = {*level}, dict[Key, Task]()
        for _ in range(depth + 1):
            for stop in level:
                found.update({task.key: task for task in self._starts.get(stop, ())})
            before = dict.fromkeys(each for stop in level for each in self._before.get(stop, ()))
            level = [stop for stop in before if stop not in seen]
            seen.update(level)
        return [*found.values()]

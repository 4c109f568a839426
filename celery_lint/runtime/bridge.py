"""The bridge between a scheduler and Celery: which task a job's key stands for, and how it is sent."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from celery import Task

AnyTask = TypeVar("AnyTask", bound=Task)

#: What every task that the bridge sends is given by keyword.
TRACKING = "execution_id"


class UnknownTaskKey(KeyError):
    """No task is registered under this key."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError shows its message in quotes


class DuplicateTaskKey(ValueError):
    """Another task is registered under this key."""


class Dispatched(NamedTuple):
    """A run that was sent to a worker, or made on the spot.

    ``inline`` says which: then ``result`` is what the task returned, and it has run in this process already.
    """

    task_id: str
    inline: bool
    result: Any = None


class TaskBridge(Mapping[str, Task]):
    """Tasks by key. Register them all at the start, then :meth:`initialize`, then :meth:`dispatch`::

        bridge = TaskBridge()
        bridge.register("users.sync", sync_users)        # by call
        bridge.update({"reports.mail": mail_reports})    # by dictionary

        @bridge.register("history.clean")                # by decorator, above the task's own
        @shared_task
        def clean_history(execution_id=None): ...

    ``enabled=False`` is for a process without Celery, such as a test or a small deployment: every run is then
    made in the calling process, and says so.
    """

    def __init__(self, tasks: Mapping[str, Task] | None = None, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._tasks: dict[str, Task] = {}
        self.update(tasks or {})

    def __getitem__(self, key: str) -> Task:
        try:
            return self._tasks[key]
        except KeyError:
            nearest = difflib.get_close_matches(key, self._tasks, 1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise UnknownTaskKey(f"no task is registered as {key!r}{hint}") from None

    def __contains__(self, key: object) -> bool:
        return key in self._tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def register(self, key: str, task: AnyTask | None = None) -> Any:
        """Register a task under a key and return it; without a task, return the decorator that does so.

        Raises :class:`DuplicateTaskKey` if another task has the key, ``TypeError`` for anything but a task.
        """
        if task is None:

            def decorate(decorated: AnyTask) -> AnyTask:
                self._register(key, decorated)
                return decorated

            return decorate
        self._register(key, task)
        return task

    def update(self, tasks: Mapping[str, Task]) -> None:
        """Register several tasks."""
        for key, task in tasks.items():
            self._register(key, task)

    def _register(self, key: str, task: Task) -> None:
        if not isinstance(task, Task):
            raise TypeError(f"{task!r} is no Celery task; register what @shared_task or @app.task returns")
        known = self._tasks.get(key)
        if known is not None and known.name != task.name:
            raise DuplicateTaskKey(f"{key!r} is {known.name!r} already, and cannot be {task.name!r} as well")
        self._tasks[key] = task

    def initialize(self, arguments: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Check that every task accepts what :meth:`dispatch` will pass; call it when the process starts.

        ``arguments`` are the keyword arguments by key, as the jobs have them. Raises ``TypeError`` that names
        every task that would fail, and :class:`UnknownTaskKey` for a key of ``arguments`` without a task.
        """
        problems = []
        for key in arguments or {}:
            self[key]
        for key, task in self._tasks.items():
            given = {TRACKING: None, **((arguments or {}).get(key) or {})}
            signature = inspect.signature(task.run)
            try:
                signature.bind(**given) if arguments is not None else signature.bind_partial(**given)
            except TypeError as error:
                problems.append(f"{key!r} ({task.name}{signature}): {error}")
        if problems:
            raise TypeError("these tasks do not accept what the bridge passes: " + "; ".join(problems))

    def dispatch(
        self,
        key: str,
        execution_id: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Dispatched:
        """Send the task of a key to a worker, or run it here if the bridge is not enabled.

        ``execution_id`` and ``arguments`` are passed by keyword, ``options`` go to ``apply_async``
        (``queue``, ``countdown``, ``expires``…). Commit the row of the execution before: the worker may be
        faster than this process. Inline, what the task raises is raised here. Raises
        :class:`UnknownTaskKey`.
        """
        task = self[key]
        keywords = {**(arguments or {}), TRACKING: execution_id}
        if self.enabled:
            return Dispatched(task.apply_async(kwargs=keywords, **options).id, False)
        done = task.apply(kwargs=keywords, throw=True)
        return Dispatched(done.id, True, done.result)


__all__ = ["Dispatched", "DuplicateTaskKey", "TaskBridge", "UnknownTaskKey"]

"""The bridge between a scheduler and Celery: which task a job's key stands for, and how it is sent."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, overload

from celery import Task
from celery.exceptions import Reject

from celery_lint.runtime.task_calls import EXECUTION_HEADER, SENDING_HEADER, trackers

AnyTask = TypeVar("AnyTask", bound=Task)

#: What a task that takes it is given by keyword. Every task has it in its headers.
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
        bridge.register("users.sync", sync_users, queue="slow", expires=600)
        bridge.update({"reports.mail": mail_reports})    # by dictionary

        @bridge.register("history.clean")                # by decorator, above the task's own
        @shared_task
        def clean_history(): ...

    ``enabled=False`` is for a process without Celery, such as a test or a small deployment: every run is then
    made in the calling process, and says so.
    """

    def __init__(self, tasks: Mapping[str, Task] | None = None, *, enabled: bool = True) -> None:
        self.enabled = enabled
        self._tasks: dict[str, Task] = {}
        self._options: dict[str, dict[str, Any]] = {}
        self.update(tasks or {})

    def __getitem__(self, key: str) -> Task:
        try:
            return self._tasks[key]
        except KeyError:
            nearest = difflib.get_close_matches(key, self._tasks, 1)
            hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise UnknownTaskKey(f"no task is registered as {key!r}{hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    @overload
    def register(self, key: str, task: AnyTask, **options: Any) -> AnyTask: ...

    @overload
    def register(self, key: str, task: None = None, **options: Any) -> Callable[[AnyTask], AnyTask]: ...

    def register(
        self, key: str, task: AnyTask | None = None, **options: Any
    ) -> AnyTask | Callable[[AnyTask], AnyTask]:
        """Register a task under a key and return it; without a task, return the decorator that does so.

        ``options`` go to ``apply_async`` each time that it is sent: ``queue``, ``priority``, ``expires``…
        Raises :class:`DuplicateTaskKey` if another task has the key, ``TypeError`` for anything but a task.
        """
        if task is None:

            def decorate(decorated: AnyTask) -> AnyTask:
                self._register(key, decorated, options)
                return decorated

            return decorate
        self._register(key, task, options)
        return task

    def update(self, tasks: Mapping[str, Task]) -> None:
        """Register several tasks."""
        for key, task in tasks.items():
            self._register(key, task, {})

    def _register(self, key: str, task: Task, options: dict[str, Any]) -> None:
        if not isinstance(task, Task):
            raise TypeError(f"{task!r} is no Celery task; register what @shared_task or @app.task returns")
        known = self._tasks.get(key)
        if known is not None and known.name != task.name:
            raise DuplicateTaskKey(f"{key!r} is {known.name!r} already, and cannot be {task.name!r} as well")
        self._tasks[key] = task
        self._options[key] = options

    def initialize(self) -> None:
        """Check that somebody will tell what becomes of every task; call it when the process starts.

        A run is reported by :func:`~celery_lint.runtime.tracking.track` of the task's application, or by the
        task itself if it takes an ``execution_id``. Raises ``TypeError`` that names the tasks without either:
        their runs would stay open until they are given up for lost.
        """
        silent = [
            f"{key!r} ({task.name})"
            for key, task in self._tasks.items()
            if self.enabled and not _takes_execution(task) and task.app not in trackers
        ]
        if silent:
            raise TypeError(
                f"nobody reports how these tasks end: {', '.join(silent)}; "
                f"track(app, sessions) where the application is made, or let them take {TRACKING!r}"
            )

    def check(self, key: str, arguments: Mapping[str, Any]) -> None:
        """Check that a task takes these keyword arguments, and needs no others.

        Raises ``TypeError`` that says what does not fit, and :class:`UnknownTaskKey`.
        """
        task = self[key]
        if not isinstance(arguments, Mapping):
            raise TypeError(f"the arguments of {key!r} are no object but {arguments!r}")
        if TRACKING in arguments:
            raise TypeError(f"{TRACKING!r} is given by the scheduler, and cannot be an argument of a job")
        signature = inspect.signature(task.run)
        try:
            signature.bind(**self._keywords(task, TRACKING, arguments))
        except TypeError as error:
            raise TypeError(f"{key!r} ({task.name}{signature}) cannot be called: {error}") from None

    def dispatch(
        self,
        key: str,
        execution_id: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        *,
        sending: int | None = None,
        **options: Any,
    ) -> Dispatched:
        """Send the task of a key to a worker, or run it here if the bridge is not enabled.

        ``arguments`` are passed by keyword. The execution is passed in the headers, as the id of the task,
        and by keyword if the task takes it; ``sending`` tells apart messages of one execution. ``options`` go
        to ``apply_async`` over those of :meth:`register`. Results are not stored unless they say
        ``ignore_result=False``: what became of a run stands in its execution.

        Commit the row of the execution before: the worker may be faster than this process. Inline, retries
        are made without their delays, and what the task raises in the end is raised here. Raises
        :class:`UnknownTaskKey`, and what Celery raises when the broker cannot be reached.
        """
        task = self[key]
        keywords = self._keywords(task, execution_id, arguments or {})
        options = {"ignore_result": True, **self._options[key], **options}
        if execution_id is not None:
            headers = {EXECUTION_HEADER: execution_id, **(options.get("headers") or {})}
            if sending is not None:
                headers[SENDING_HEADER] = sending
            options |= {"headers": headers, "task_id": execution_id}
        if self.enabled:
            return Dispatched(task.apply_async(kwargs=keywords, **options).id, False)
        here = {name: options[name] for name in ("headers", "task_id") if name in options}
        done = task.apply(kwargs=keywords, throw=False, **here)  # with `throw` a retry would not be made
        if isinstance(done.result, Reject):
            raise done.result
        return Dispatched(done.id, True, done.get(disable_sync_subtasks=False))

    def revoke(self, key: str, task_id: str, *, terminate: bool = False) -> None:
        """Tell the workers not to run a task that waits; with ``terminate`` also to end one that runs.

        Raises :class:`UnknownTaskKey`, and what Celery raises when the broker cannot be reached.
        """
        self[key].app.control.revoke(task_id, terminate=terminate)

    def _keywords(self, task: Task, execution_id: str | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {**arguments, TRACKING: execution_id} if _takes_execution(task) else dict(arguments)


def _takes_execution(task: Task) -> bool:
    return TRACKING in inspect.signature(task.run).parameters


__all__ = ["Dispatched", "DuplicateTaskKey", "TaskBridge", "UnknownTaskKey"]

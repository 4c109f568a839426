"""Send tasks, look after them, and compose them: Celery's own API, with what it takes in silence refused.

Everything takes the application first. Names of tasks are enough where the task is not imported; what a
worker does not know it answers with a failure, not the sender.
"""

from __future__ import annotations

import inspect
import signal as signals
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from celery import Celery, Task, chain, chord, group, states
from celery.canvas import Signature
from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import AsyncResult, GroupResult
from celery.schedules import crontab
from kombu.exceptions import OperationalError


class Status(NamedTuple):
    """What the result backend knows of a task.

    ``PENDING`` means that it knows nothing: the task may wait, may never have been sent, or its result may
    have expired. ``result`` is what the task returned, or its exception once it has failed.
    """

    task_id: str
    state: str
    ready: bool
    result: Any = None
    traceback: str | None = None


class NotReady(TimeoutError):
    """The task had not ended when the deadline came."""


def send(
    app: Celery,
    name: str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    countdown: float | None = None,
    eta: datetime | None = None,
    expires: float | datetime | None = None,
    queue: str | None = None,
    priority: int | None = None,
    publish_retries: int | None = None,
    ignore_result: bool = False,
) -> AsyncResult:
    """Send a task by its name and return its result, which has its id.

    ``countdown`` and ``expires`` are seconds from now. ``eta`` must be aware: Celery takes a naive time for
    UTC, whatever the clock on the wall says. ``priority`` goes from 0 to 9, and which end is first depends on
    the broker: 9 on RabbitMQ, 0 on Redis. ``publish_retries`` is how often the sending is tried again while
    the broker cannot be reached; how often the task itself is retried is the task's own affair. With
    ``ignore_result`` the result backend is asked for nothing and the task leaves no result.

    A message that has expired when a worker gets it is marked as revoked, on RabbitMQ by nobody: the broker
    drops it, and :func:`result` waits in vain.

    Raises ``ValueError`` for what could only be a mistake, and ``kombu.exceptions.OperationalError`` when the
    broker cannot be reached, or with Redis the result backend, which is asked first. How long that takes is
    a matter of settings, see :func:`~celery_lint.runtime.application.recommended_settings`.
    """
    if isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
        raise ValueError(f"args is no list; write args=({args!r},)")
    if kwargs is not None and not (
        isinstance(kwargs, Mapping) and all(isinstance(key, str) for key in kwargs)
    ):
        raise ValueError(f"kwargs is {kwargs!r}, and not the values by the names of parameters")
    if countdown is not None and countdown < 0:
        raise ValueError(f"countdown is {countdown} s: nothing runs in the past")
    if isinstance(expires, (int, float)) and expires <= 0:
        raise ValueError(f"expires is {expires} s: the message would be dropped at once")
    if countdown is not None and eta is not None:
        raise ValueError("give countdown or eta: Celery ignores eta when it has both")
    _check_aware("eta", eta)
    _check_aware("expires", expires)
    if countdown is not None and isinstance(expires, (int, float)) and expires <= countdown:
        raise ValueError(f"the message expires after {expires} s and may not run before {countdown} s")
    if priority is not None and not 0 <= priority <= 9:
        raise ValueError(f"priority {priority} is not between 0 and 9")
    options: dict[str, Any] = {"countdown": countdown, "eta": eta, "expires": expires}
    options |= {"queue": queue, "priority": priority, "ignore_result": ignore_result or None}
    if publish_retries is not None:
        options["retry"] = publish_retries > 0
        options["retry_policy"] = {"max_retries": publish_retries}
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return app.send_task(name, args=tuple(args), kwargs=dict(kwargs or {}), **given)
    except RuntimeError as error:  # so says Celery of a Redis that keeps the results
        if "result store" not in str(error).replace("\n", " "):
            raise
        raise OperationalError("the result backend cannot be reached, and nothing was sent") from error


def _check_aware(name: str, moment: object) -> None:
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError(f"{name} has no time zone; use datetime.now(timezone.utc)")


def status(app: Celery, task_id: str) -> Status:
    """What the result backend knows of a task, without waiting.

    The rpc backend knows only of tasks that this process has sent, and tells each result once. The id of a
    group is no task's: keep what :func:`run_group` returns.
    """
    found = app.AsyncResult(task_id)
    state = found.state
    ready = state in states.READY_STATES
    return Status(task_id, state, ready, found.result if state != states.PENDING else None, found.traceback)


def result(app: Celery, task_id: str, timeout: float) -> Any:
    """Wait at most ``timeout`` seconds for a task and return what it returned; what it raised is raised.

    Raises :class:`NotReady` at the deadline. Not for use in a task: that would wait for a worker in a worker.
    """
    found = app.AsyncResult(task_id)
    try:
        return found.get(timeout=timeout)
    except ResultTimeout:
        raise NotReady(f"task {task_id} had not ended after {timeout} s (state {found.state})") from None


def revoke(app: Celery, task_id: str, *, terminate: bool = False, signal: str = "SIGTERM") -> None:
    """Tell the workers not to run a task that waits.

    With ``terminate`` also the process that runs it is ended, in pools that can: it may run another task by
    the time the signal arrives. The threads and solo pools cannot. Workers that are started later do not know
    of the revoke unless they keep their state in a file. Raises ``ValueError`` for an unknown signal.
    """
    if signal not in signals.Signals.__members__:
        raise ValueError(f"there is no signal {signal!r}; SIGTERM, SIGKILL, SIGINT and so on")
    app.control.revoke(task_id, terminate=terminate, signal=signal)


# ------------------------------------------------------------ composition


def run_chain(*signatures: Signature) -> AsyncResult:
    """One after the other, each with the result of the one before as its first argument, unless immutable."""
    return chain(*_some(signatures)).apply_async()


def run_group(
    signatures: Iterable[Signature], callback: Signature | None = None
) -> GroupResult | AsyncResult:
    """All at once; with a callback a chord: it gets the list of results when the last one has succeeded."""
    parts = _some(tuple(signatures))
    if callback is None:
        return group(parts).apply_async()
    return chord(parts)(callback)


def run_map(task: Task, items: Iterable[Any], callback: Signature | None = None) -> GroupResult | AsyncResult:
    """One task for each item; a tuple is a list of arguments, anything else the only one."""
    parts = [task.s(*item) if isinstance(item, tuple) else task.s(item) for item in items]
    return run_group(parts, callback)


def _some(signatures: tuple[Signature, ...]) -> tuple[Signature, ...]:
    if not signatures:
        raise ValueError("there is nothing to run: an empty composition has no result that ends")
    for signature in signatures:
        if not isinstance(signature, Signature):
            raise ValueError(f"{signature!r} is no signature; write task.s(...)")
    return signatures


# ------------------------------------------------------------ definitions


def every(app: Celery, schedule: float | timedelta | crontab, signature: Signature, name: str) -> None:
    """Let beat send a task: every so many seconds, every interval, or by a crontab.

    ``name`` tells the entries apart: a second one of the same name raises ``ValueError`` instead of replacing
    the first.
    """
    if name in (app.conf.beat_schedule or {}):
        raise ValueError(f"there is a periodic task {name!r} already")
    if isinstance(schedule, (int, float)) and schedule <= 0:
        raise ValueError(f"a task cannot run every {schedule} s")
    app.add_periodic_task(schedule, signature, name=name)


def register(app: Celery, function: Callable[..., Any], name: str | None = None, **options: Any) -> Task:
    """Make a task of a plain function, under its dotted name or another one.

    Raises ``TypeError`` for what Celery takes and cannot run: builtin functions, methods, coroutine
    functions.
    """
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"{function!r} is no plain function; define one that calls it")
    return app.task(name=name or f"{function.__module__}.{function.__qualname__}", **options)(function)

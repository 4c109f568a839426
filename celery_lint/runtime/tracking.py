"""Record what became of a task that a scheduler has sent, and run it once however often it was sent.

:func:`track` does so for every task of an application, by the header that the bridge sends and by Celery's
own signals: tasks need no parameter and no code for it. :class:`track_execution` is a block for one task, for
applications whose own dispatcher hands tasks an ``execution_id``.

The record is written in a session of its own, so that a rollback of the task's work does not take it along.
While the database is away it is tried again for :data:`~celery_lint.runtime.records.PATIENCE` seconds, then
logged as JSON. But for a run that must not be made (:class:`~celery_lint.runtime.records.DuplicateRun`,
:class:`~celery_lint.runtime.records.TooManyAttempts`) nothing that the tracker meets is raised: what the task
raised or returned goes on. A run whose start could not be recorded is made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import Celery, Task
from kombu.utils.imports import symbol_by_name
from sqlalchemy import Engine, Update, func, update
from sqlalchemy.orm import Session

from celery_lint.runtime import records
from celery_lint.runtime.engines import fork_safe
from celery_lint.runtime.event_loop import run_async
from celery_lint.runtime.models import FAILED, FINAL, LOST, RETRYING, ScheduledJobExecution, utcnow
from celery_lint.runtime.records import MOST_LOST_ATTEMPTS, PATIENCE, Attempt, Outcome
from celery_lint.runtime.task_calls import (
    TaskCall,
    Tracker,
    attempt_of,
    call_here,
    inline_attempt,
    trackers,
    unwritten,
)

logger = logging.getLogger("celery_lint.runtime")


def current_run() -> Attempt:
    """The run of the task that calls, also from its coroutine; set its ``summary`` to say what it has done.

    Outside a run that is tracked this is one that nobody looks at.
    """
    call = call_here.get()
    return (call and call.attempt) or inline_attempt.get() or Attempt(None)


class TrackedTask(Task):  # type: ignore[misc]
    """A task whose runs can be refused. :func:`track` makes it the base of the application's tasks.

    A class of your own for ``base=`` inherits from it, and calls ``super().before_start(...)``.
    """

    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        call, tracker = call_here.get(), trackers.get(self.app)
        if tracker is not None and call is not None and call.task_id == task_id:
            tracker.begin(call)
        super().before_start(task_id, args, kwargs)


def track(
    app: Celery,
    sessions: Callable[[], Session],
    *,
    most_lost: int = MOST_LOST_ATTEMPTS,
    patience: float = PATIENCE,
) -> None:
    """Record every run that a scheduler sends to the workers of this application.

    Call it where the application is made, before its first task. ``sessions`` makes synchronous sessions (a
    ``sessionmaker``; its engine is made safe for forks). A run whose worker dies ``most_lost`` times without
    a word is given up as ``failed``, its message refused. ``patience`` is how many seconds a record waits for
    the database.

    Raises ``RuntimeError`` if tasks were made already: those could not be refused.
    """
    if "Task" in vars(app):
        raise RuntimeError("call track() where the application is made, before its first task")
    base: type[Task] = symbol_by_name(app.task_cls)  # type: ignore[no-untyped-call]
    if not issubclass(base, TrackedTask):
        app.task_cls = type("TrackedTask", (TrackedTask, base), {"abstract": True})
    engine = getattr(sessions, "kw", {}).get("bind")
    if isinstance(engine, Engine):
        fork_safe(engine)
    trackers[app] = Tracker(sessions, most_lost, patience)


# ------------------------------------------------------------ a block in one task


class track_execution:
    """Record the start, the end and the outcome of the block under this execution.

    ``sessions`` makes sessions: an ``async_sessionmaker`` for ``async with``, a ``sessionmaker`` for
    ``with``. Without an ``execution_id`` (the task was not triggered by a scheduler) nothing is recorded.
    Set ``summary`` to say what the run has done::

        async with track_execution(Session, execution_id) as run:
            count = await synchronise()
            run.summary = f"{count} users"

    Where :func:`track` is at work already the block leaves all but the summary to it. Otherwise it does the
    same as far as a block can: a retry by ``autoretry_for`` is foreseen, what the task raises after the block
    or has raised in its place (a soft time limit that cancelled the coroutine) is written by Celery's signals
    afterwards. A revoke and a hard time limit are seen by the worker's main process, and so by :func:`track`
    alone.

    Entering raises :class:`~celery_lint.runtime.records.DuplicateRun` or
    :class:`~celery_lint.runtime.records.TooManyAttempts` if this run must not be made; Celery then ignores or
    refuses its message.
    """

    def __init__(
        self,
        sessions: Callable[[], Any],
        execution_id: str | None,
        *,
        most_lost: int = MOST_LOST_ATTEMPTS,
        patience: float = PATIENCE,
    ) -> None:
        self._sessions = sessions
        self._most_lost = most_lost
        self._patience = patience
        self._call = call_here.get()
        self._attempt = Attempt(execution_id)
        self._writes = execution_id is not None
        running = inline_attempt.get() if self._call is None else self._call.attempt
        if running is not None and execution_id in (None, running.execution_id):
            self._attempt, self._writes = running, False
        elif self._call is not None:
            sent = attempt_of(self._call.request)
            if sent is not None and sent.execution_id == execution_id:
                self._attempt = sent
            self._attempt.retries = self._call.request.retries or 0

    @property
    def summary(self) -> object:
        """What the run has done, as a text or anything that has one."""
        return self._attempt.summary

    @summary.setter
    def summary(self, what: object) -> None:
        self._attempt.summary = what

    # ------------------------------------------------------------ what is written

    def _begin(self, session: Session) -> Exception | None:
        return records.begin(session, self._attempt, self._most_lost)

    def _begun(self, refusal: Exception | None) -> None:
        self._attempt.is_recorded = True
        if refusal is not None:
            self._writes = False
            logger.warning("%s", refusal)
            raise refusal

    def _outcome(self, error: BaseException | None) -> Outcome:
        outcome = records.outcome_of(error)
        if outcome.status == FAILED and self._call is not None and _is_retried(self._call, error):
            return outcome._replace(status=RETRYING)
        return outcome

    def _hand_over(self, outcome: Outcome, record: Callable[[Callable[[Session], Any]], None]) -> None:
        """Let what Celery tells of this call from now on be written by this block's means."""
        call = self._call
        if call is not None and call.attempt is None:
            call.attempt, call.record, call.recorded = self._attempt, record, outcome

    # ------------------------------------------------------------ how it is written

    def __enter__(self) -> track_execution:
        if self._writes:
            try:
                refusal = records.patiently(self._sessions, self._begin, self._patience)
            except Exception:
                records.tell_unrecorded(self._attempt.execution_id, {"status": "running"})
            else:
                self._begun(refusal)
        return self

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if not self._writes:
            return
        outcome = self._outcome(error)
        self._hand_over(outcome, lambda write: records.patiently(self._sessions, write, self._patience))
        try:
            records.patiently(
                self._sessions, lambda session: records.end(session, self._attempt, outcome), self._patience
            )
        except Exception:
            records.tell_unrecorded(self._attempt.execution_id, unwritten(self._attempt, outcome))

    async def __aenter__(self) -> track_execution:
        if self._writes:
            try:
                refusal = await records.patiently_async(self._sessions, self._begin, self._patience)
            except Exception:
                records.tell_unrecorded(self._attempt.execution_id, {"status": "running"})
            else:
                self._begun(refusal)
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if not self._writes:
            return
        outcome = self._outcome(error)
        loop = asyncio.get_running_loop()
        self._hand_over(outcome, lambda write: self._record_on(loop, write))
        try:
            await records.patiently_async(
                self._sessions, lambda session: records.end(session, self._attempt, outcome), self._patience
            )
        except Exception:
            records.tell_unrecorded(self._attempt.execution_id, unwritten(self._attempt, outcome))

    def _record_on(self, loop: asyncio.AbstractEventLoop, write: Callable[[Session], Any]) -> None:
        """Write from the task itself, if the block ran on this process's loop, where its connections are."""

        async def on_the_loop() -> None:
            if asyncio.get_running_loop() is loop:
                await records.patiently_async(self._sessions, write, self._patience)

        if not loop.is_closed():
            run_async(on_the_loop())


def _is_retried(call: TaskCall, error: BaseException | None) -> bool:
    """Whether Celery will run the task again because of ``autoretry_for``."""
    task = call.task
    kinds = tuple(getattr(task, "autoretry_for", ()))
    never = tuple(getattr(task, "dont_autoretry_for", ()))
    if not isinstance(error, kinds) or isinstance(error, never):
        return False
    return task.max_retries is None or (call.request.retries or 0) < task.max_retries


def lost_executions(older_than: timedelta, now: datetime | None = None) -> Update:
    """The statement that marks runs as ``lost`` whose worker has died without a word.

    ``older_than`` must be longer than any task may run and than the broker takes to deliver again: a run that
    was only delivered again is begun again and so is young. Execute it now and then, as the scheduler does.
    ``now`` is the time by another clock than this process has.
    """
    now = now or utcnow()
    return (
        update(ScheduledJobExecution)
        .where(
            ScheduledJobExecution.status.not_in(FINAL),
            func.coalesce(ScheduledJobExecution.started_at, ScheduledJobExecution.scheduled_at)
            < now - older_than,
        )
        .values(status=LOST, completed_at=now, error_message="the worker did not report its end")
    )


__all__ = ["TrackedTask", "current_run", "lost_executions", "track", "track_execution"]

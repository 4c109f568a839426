"""Record what became of a task that a scheduler has triggered.

The record is written in a session of its own, so that a rollback of the task's work does not take it along,
and the tracker never speaks louder than the task: if the record cannot be written that is logged, and what
the task raised or returned goes on. A connection that the server has ended while nobody used it is replaced.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import Ignore, Retry
from sqlalchemy import Update, func, update
from sqlalchemy.exc import DBAPIError

from celery_lint.runtime.models import (
    FAILED,
    FINAL,
    LOST,
    RETRYING,
    RUNNING,
    SUCCESS,
    ScheduledJobExecution,
    utcnow,
)

logger = logging.getLogger("celery_lint.runtime")

_LONGEST_TEXT = 2000


class track_execution:
    """Record the start, the end and the outcome of the block under this execution.

    ``sessions`` makes sessions: an ``async_sessionmaker`` for ``async with``, a ``sessionmaker`` for
    ``with``. Without an ``execution_id`` (the task was not triggered by a scheduler) nothing is recorded.
    Set ``summary`` to say what the run has done::

        async with track_execution(Session, execution_id) as run:
            count = await synchronise()
            run.summary = f"{count} users"

    A task that raises is recorded as ``failed`` with its message, also when it is interrupted by a time
    limit, a revoke or the cancellation of its coroutine; one that asks for a retry as ``retrying``. A run
    that is begun again, after a retry or because its worker died, counts one attempt more.
    """

    def __init__(self, sessions: Callable[[], Any], execution_id: str | None) -> None:
        self.summary: object = None
        self._sessions = sessions
        self._execution_id = execution_id
        self._started: datetime | None = None

    # ------------------------------------------------------------ what is written

    def _start(self) -> Update:
        self._started = utcnow()
        return self._of_this_run().values(
            status=RUNNING,
            started_at=self._started,
            completed_at=None,
            duration_ms=None,
            error_message=None,
            attempts=ScheduledJobExecution.attempts + 1,
        )

    def _end(self, error: BaseException | None) -> Update:
        now = utcnow()
        started = self._started or now
        status, message = SUCCESS, None
        if isinstance(error, Retry):
            status, message = RETRYING, str(error.exc) if error.exc is not None else error.message
        elif error is not None and not isinstance(error, Ignore):
            status, message = FAILED, f"{type(error).__name__}: {error}"
        return self._of_this_run().values(
            status=status,
            completed_at=None if status == RETRYING else now,
            duration_ms=round((now - started) / timedelta(milliseconds=1)),
            error_message=_short(message),
            result_summary=_short(self.summary),
        )

    def _of_this_run(self) -> Update:
        return update(ScheduledJobExecution).where(ScheduledJobExecution.execution_id == self._execution_id)

    # ------------------------------------------------------------ how it is written

    def _write(self, statement: Update) -> None:
        for again in (True, False):
            try:
                with self._sessions() as session:
                    self._check(session.execute(statement).rowcount)
                    session.commit()
                return
            except Exception as error:
                if not (again and _on_a_dead_connection(error)):
                    logger.exception("cannot record execution %s", self._execution_id)
                    return

    async def _write_async(self, statement: Update) -> None:
        for again in (True, False):
            try:
                async with self._sessions() as session:
                    self._check((await session.execute(statement)).rowcount)
                    await session.commit()
                return
            except Exception as error:
                if not (again and _on_a_dead_connection(error)):
                    logger.exception("cannot record execution %s", self._execution_id)
                    return

    def _check(self, rows: int) -> None:
        if rows == 0:
            logger.error(
                "there is no execution %s: its row was not committed before dispatch", self._execution_id
            )

    def __enter__(self) -> track_execution:
        if self._execution_id is not None:
            self._write(self._start())
        return self

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if self._execution_id is not None:
            self._write(self._end(error))

    async def __aenter__(self) -> track_execution:
        if self._execution_id is not None:
            await self._write_async(self._start())
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if self._execution_id is not None:
            await self._write_async(self._end(error))


def lost_executions(older_than: timedelta) -> Update:
    """The statement that marks runs as ``lost`` whose worker has died without a word.

    ``older_than`` must be longer than any task may run and than the broker takes to deliver again: a run that
    was only delivered again is begun again and so is young. Execute it now and then, as the scheduler does.
    """
    return (
        update(ScheduledJobExecution)
        .where(
            ScheduledJobExecution.status.not_in(FINAL),
            func.coalesce(ScheduledJobExecution.started_at, ScheduledJobExecution.scheduled_at)
            < utcnow() - older_than,
        )
        .values(status=LOST, completed_at=utcnow(), error_message="the worker did not report its end")
    )


def _on_a_dead_connection(error: Exception) -> bool:
    """Whether a pool gave out a connection that the server had ended; its next one is new.

    A commit that fails is no such case: nobody knows whether it took place, and attempts are counted.
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated and error.statement is not None


def _short(text: object) -> str | None:
    if text is None:
        return None
    said = str(text)
    return said if len(said) <= _LONGEST_TEXT else f"{said[: _LONGEST_TEXT - 1]}…"


__all__ = ["lost_executions", "track_execution"]

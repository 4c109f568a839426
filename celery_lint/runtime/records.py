"""What is written about a run: its start, its end, and with how much patience.

Plain functions on a synchronous session. They do not commit; :func:`patiently` and :func:`patiently_async`
do, and try again while the database cannot be reached. An asynchronous session runs them by ``run_sync``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from celery.exceptions import Ignore, Reject, Retry
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from celery_lint.runtime.models import (
    FAILED,
    FINAL,
    LOST,
    RETRYING,
    REVOKED,
    RUNNING,
    SUCCESS,
    database_clock,
    new_id,
)
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.transient import may_pass

logger = logging.getLogger("celery_lint.runtime")
T = TypeVar("T")

#: Seconds for which a record is tried again while the database cannot be reached.
PATIENCE = 30.0
#: How many attempts may end without a word before a run is given up: it kills its workers.
MOST_LOST_ATTEMPTS = 3
_LONGEST_TEXT = 2000
_LONGEST_PAUSE = 2.0


class DuplicateRun(Ignore):  # type: ignore[misc]
    """This message is not the one that runs this execution: it was sent twice, or its run has ended."""


class TooManyAttempts(Reject):  # type: ignore[misc]
    """The workers of this run have died too often; its message is refused for good."""


class Attempt:
    """One attempt at an execution. Set ``summary`` to say what it has done."""

    __slots__ = ("begun", "execution_id", "id", "is_recorded", "retries", "sending", "summary")

    def __init__(
        self, execution_id: str | None, *, sending: int | None = None, retries: int | None = None
    ) -> None:
        self.execution_id = execution_id
        self.id = new_id()
        self.sending = sending
        self.retries = retries
        self.begun = time.monotonic()
        self.is_recorded = False
        self.summary: object = None


class Outcome(NamedTuple):
    """How an attempt ended, so far as is known. An outcome without final word may be followed by another."""

    status: str
    message: str | None = None
    #: Whether the same message may come again: then its number of retries tells nothing.
    comes_again: bool = False
    #: Whether the worker of the attempt has died over it, and Celery has sent it anew.
    worker_died: bool = False


def outcome_of(error: BaseException | None) -> Outcome:
    """What it means for a run that its task has raised this, or nothing."""
    if error is None or (isinstance(error, Ignore) and not isinstance(error, DuplicateRun)):
        return Outcome(SUCCESS)
    if isinstance(error, Retry):
        reason = error.exc if error.exc is not None else error.message
        return Outcome(RETRYING, named(reason) if isinstance(reason, BaseException) else said(reason))
    if isinstance(error, Reject):
        if error.requeue:
            return Outcome(RETRYING, "given back to the broker", comes_again=True)
        return Outcome(FAILED, f"rejected: {said(error.reason)}")
    if isinstance(error, Exception):
        return Outcome(FAILED, named(error))
    return Outcome(LOST, f"interrupted by {named(error)}", comes_again=True)


# ------------------------------------------------------------ what is written


def begin_writing(session: Session) -> None:
    """Begin a transaction in which nobody else writes what this session reads.

    Databases with row locks need none of it. SQLite takes its one lock only at the first write, which is too
    late for what was read before.
    """
    if session.get_bind().dialect.name == "sqlite":
        connection: Any = session.connection().connection.driver_connection
        if not connection.in_transaction:
            session.execute(text("begin immediate"))


def begin(session: Session, attempt: Attempt, most_lost: int = MOST_LOST_ATTEMPTS) -> Exception | None:
    """Record that an attempt begins; what to raise instead of running it, if it must not run.

    A second message of the same run is refused: one that was sent by another sending than the one that has
    begun, one whose run has ended, and one whose retry is on its way.
    """
    begin_writing(session)
    mine = select(Execution).where(Execution.execution_id == attempt.execution_id)
    row = session.scalars(mine.with_for_update()).one_or_none()
    if row is None:
        logger.error(
            "there is no execution %s: its row was not committed before dispatch", attempt.execution_id
        )
        attempt.is_recorded = True  # there is nothing to record
        return None
    if row.attempt_id == attempt.id:  # written, and the answer was lost
        return None
    refusal = _refusal(row, attempt)
    if refusal is not None:
        return DuplicateRun(f"execution {row.execution_id} is not run: {refusal}")
    if row.status in (RUNNING, LOST) and row.attempts:
        row.lost_attempts += 1
    now = session.scalar(select(database_clock()))
    if row.lost_attempts >= most_lost:
        row.status, row.completed_at = FAILED, now
        row.error_message = f"{row.lost_attempts} attempts ended without a word: it kills its workers"
        logger.error("execution %s is given up: %s", row.execution_id, row.error_message)
        return TooManyAttempts(row.error_message, requeue=False)
    row.status, row.started_at, row.completed_at = RUNNING, now, None
    row.duration_ms = row.error_message = row.leased_until = None
    row.attempts += 1
    row.attempt_id, row.begun_sending, row.retries = attempt.id, attempt.sending, attempt.retries
    return None


def _refusal(row: Execution, attempt: Attempt) -> str | None:
    """Why a message must not begin, if it must not."""
    retries = attempt.retries or 0
    final = row.status == FAILED and (row.attempts == 0 or row.attempts > retries)
    if final or row.status in (SUCCESS, REVOKED):
        return f"it has ended, and is {row.status}"
    known = attempt.sending is not None and row.begun_sending is not None
    if known and row.begun_sending != attempt.sending:
        return f"it was sent {row.sendings} times, and another of them has begun"
    if row.status == RETRYING and row.retries is not None and retries <= row.retries:
        return f"its retry {row.retries + 1} is on its way"
    return None


def end(session: Session, attempt: Attempt, outcome: Outcome) -> None:
    """Record how an attempt ended, unless a later one has begun or the run was revoked meanwhile.

    If its start could not be recorded, that is made up for.
    """
    begin_writing(session)
    if not attempt.is_recorded and begin(session, attempt) is not None:
        logger.warning("an attempt at execution %s was one too many", attempt.execution_id)
        return
    mine = select(Execution).where(Execution.execution_id == attempt.execution_id)
    row = session.scalars(mine.with_for_update()).one_or_none()
    if row is None or row.status == REVOKED:
        return
    if row.attempt_id != attempt.id:
        logger.warning("another attempt at execution %s has its word", attempt.execution_id)
        return
    if outcome.status == LOST and row.status in FINAL:  # the main process knows better what interrupted it
        return
    _write(session, row, outcome)
    row.duration_ms = round(1000 * (time.monotonic() - attempt.begun))
    row.result_summary = said(attempt.summary)


def end_from_outside(session: Session, task_id: str, outcome: Outcome) -> None:
    """Record what the worker's main process knows: its child was killed, or the task was revoked."""
    begin_writing(session)
    of_task = select(Execution).where(Execution.execution_id == task_id)
    row = session.scalars(of_task.with_for_update()).one_or_none()
    if row is not None and row.status not in (SUCCESS, REVOKED, FAILED):
        _write(session, row, outcome)


def _write(session: Session, row: Execution, outcome: Outcome) -> None:
    row.status = outcome.status
    row.error_message = outcome.message
    row.completed_at = session.scalar(select(database_clock())) if outcome.status in FINAL else None
    if outcome.comes_again:
        row.retries = None
    row.lost_attempts += outcome.worker_died


# ------------------------------------------------------------ texts that every database takes


def said(what: object) -> str | None:
    """A text that can be stored: without NUL and lone surrogates, and not too long."""
    if what is None:
        return None
    try:
        found = what if isinstance(what, str) else str(what)
    except Exception as error:
        found = f"<{type(what).__name__} whose text cannot be had: {type(error).__name__}>"
    found = found[: _LONGEST_TEXT + 1].replace("\x00", "\\x00")
    found = found.encode("utf-8", "backslashreplace").decode()
    return found if len(found) <= _LONGEST_TEXT else f"{found[: _LONGEST_TEXT - 1]}…"


def named(error: BaseException) -> str | None:
    """An exception as a traceback ends: its type, and what it says."""
    return said(f"{type(error).__name__}: {said(error)}")


# ------------------------------------------------------------ how it is written


def _pauses(patience: float) -> Any:
    """How long to wait before each further try, until patience is at its end."""
    deadline = time.monotonic() + patience
    pause = 0.0
    while (left := deadline - time.monotonic()) > 0:
        yield min(pause, left)
        pause = min(_LONGEST_PAUSE, 2 * pause or 0.1)


def patiently(
    sessions: Callable[[], Session], write: Callable[[Session], T], patience: float = PATIENCE
) -> T:
    """Do this in a session of its own and commit; again while the database cannot be reached.

    ``write`` must bear to be done twice: a commit may have taken place although its answer was lost. Raises
    what the last try raised, at once if time cannot mend it.
    """
    pauses = _pauses(patience)
    while True:
        try:
            with sessions() as session:
                found = write(session)
                session.commit()
            return found
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not may_pass(error):
                raise
        time.sleep(pause)


async def patiently_async(
    sessions: Callable[[], Any], write: Callable[[Session], T], patience: float = PATIENCE
) -> T:
    """:func:`patiently` with asynchronous sessions."""
    pauses = _pauses(patience)
    while True:
        try:
            async with sessions() as session:
                found: T = await session.run_sync(write)
                await session.commit()
            return found
        except Exception as error:
            pause = next(pauses, None)
            if pause is None or not may_pass(error):
                raise
        await asyncio.sleep(pause)


def tell_unrecorded(execution_id: str | None, what: dict[str, Any]) -> None:
    """Log what could not be written, as JSON, so that it can be written by hand."""
    record = json.dumps({"execution_id": execution_id, **what}, default=said)
    logger.exception("cannot record execution %s: %s", execution_id, record)


__all__ = [
    "MOST_LOST_ATTEMPTS",
    "PATIENCE",
    "Attempt",
    "DuplicateRun",
    "Outcome",
    "TooManyAttempts",
    "begin",
    "begin_writing",
    "end",
    "end_from_outside",
    "named",
    "outcome_of",
    "patiently",
    "patiently_async",
    "said",
    "tell_unrecorded",
]

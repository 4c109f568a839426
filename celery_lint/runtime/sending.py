"""Send one run that a scheduler or a person has claimed, and write what came of the sending.

A run is claimed in one transaction and sent after it. In between, and while the broker may or may not have
it, its row carries a lease: when that has passed a scheduler sends the run again, under the same id. Workers
refuse the second message (:func:`~celery_lint.runtime.records.begin`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from celery_lint.runtime import records
from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.models import FAILED, PENDING, RETRYING, ScheduledJob, database_clock
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.records import Attempt, Outcome
from celery_lint.runtime.task_calls import inline_attempt, unwritten

logger = logging.getLogger("celery_lint.runtime")

#: Seconds that a run may take from its claim until it is known to be sent.
LEASE = 30.0


class Order(NamedTuple):
    """A run that is claimed and to be sent."""

    execution_id: str
    sending: int
    job_key: str
    task_key: str
    arguments: dict[str, Any]


def claim(
    session: Session, job: ScheduledJob, moment: datetime, now: datetime, lease: float, **fields: Any
) -> Order:
    """Add the run of a job to the session, to be committed and then sent. The job's row is locked."""
    execution = Execution(
        job_id=job.id,
        scheduled_at=moment,
        sendings=1,
        leased_until=now + timedelta(seconds=lease),
        **fields,
    )
    session.add(execution)
    session.flush()
    execution.task_id = execution.execution_id
    session.flush()
    return order(execution, job)


def order(execution: Execution, job: ScheduledJob) -> Order:
    """What is to be sent for an execution."""
    arguments = dict(job.arguments or {})
    return Order(execution.execution_id, execution.sendings, job.job_key, job.task_key, arguments)


def now_of(session: Session) -> datetime:
    """Now, by the clock of the database."""
    found: datetime = session.scalars(select(database_clock())).one()
    return found


def lock_job(
    session: Session, job_id: str, *conditions: Any, skip_locked: bool = False
) -> ScheduledJob | None:
    """The row of a job, if it fulfils these conditions, locked until the end of the transaction."""
    records.begin_writing(session)
    wanted = select(ScheduledJob).where(ScheduledJob.id == job_id, *conditions)
    return session.scalars(wanted.with_for_update(skip_locked=skip_locked)).one_or_none()


class Sender:
    """Sends claimed runs over a bridge."""

    def __init__(self, sessions: Callable[[], Session], bridge: TaskBridge) -> None:
        self._sessions = sessions
        self._bridge = bridge

    def send(self, wanted: Order) -> Exception | None:
        """Send a run, or make it here if the bridge says so; why it could not be sent, if it could not.

        Raises what the database raises when it cannot be reached for long.
        """
        if not self._bridge.enabled:
            return self._run_here(wanted)
        try:
            self._bridge.dispatch(
                wanted.task_key, wanted.execution_id, wanted.arguments, sending=wanted.sending
            )
        except Exception as error:
            logger.exception("%s could not be dispatched", wanted.job_key)
            text = f"could not be sent: {records.named(error)}"
            self._write(wanted, error_message=text)
            return error
        self._write(wanted, leased_until=None, error_message=None)
        return None

    def give_up(self, wanted: Order, error: Exception) -> None:
        """Record that a run will not be sent again; a worker that has it all the same refuses it."""
        self._write(
            wanted,
            status=FAILED,
            leased_until=None,
            error_message=records.named(error),
            completed_at=database_clock(),
        )

    def _write(self, wanted: Order, **values: Any) -> None:
        """Write about a sending, unless the run was sent again meanwhile, or has begun."""
        statement = (
            update(Execution)
            .where(
                Execution.execution_id == wanted.execution_id,
                Execution.sendings == wanted.sending,
                Execution.status == PENDING,
            )
            .values(**values)
        )
        records.patiently(self._sessions, lambda session: session.execute(statement))

    def _run_here(self, wanted: Order) -> Exception | None:
        attempt = Attempt(wanted.execution_id, sending=wanted.sending)
        refusal = records.patiently(self._sessions, lambda session: records.begin(session, attempt))
        if refusal is not None:
            logger.warning("%s", refusal)
            return None
        attempt.is_recorded = True
        outcome = Outcome(FAILED, "ended without a word")
        token = inline_attempt.set(attempt)
        try:
            self._bridge.dispatch(
                wanted.task_key, wanted.execution_id, wanted.arguments, sending=wanted.sending
            )
            outcome = records.outcome_of(None)
        except Exception as error:
            logger.exception("%s failed", wanted.job_key)
            outcome = records.outcome_of(error)
            if outcome.status == RETRYING:  # given back to a broker that is not there
                outcome = outcome._replace(status=FAILED)
        except BaseException as error:
            outcome = records.outcome_of(error)
            raise
        finally:
            inline_attempt.reset(token)
            try:
                records.patiently(self._sessions, lambda session: records.end(session, attempt, outcome))
            except Exception:
                records.tell_unrecorded(wanted.execution_id, unwritten(attempt, outcome))
        return None


__all__ = ["LEASE", "Order", "Sender", "claim", "lock_job", "now_of", "order"]

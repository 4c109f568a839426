"""What a person may do with scheduled jobs: create, change, pause, resume, remove, run now, look back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.models import FAILED, FINAL, SUCCESS, ScheduledJob, SchedulerInstance, utcnow
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.schedule import trigger_of

logger = logging.getLogger("celery_lint.runtime")

_FIXED = frozenset({"id", "created_at", "updated_at", "executions"})
_SETTABLE = frozenset(ScheduledJob.__mapper__.attrs.keys()) - _FIXED


class UnknownJob(LookupError):
    """No active job has this id."""


class DuplicateJob(ValueError):
    """There is a job with this key, or there was one."""


class Jobs:
    """The jobs and executions of a database. Schedulers notice changes at their next heartbeat.

    ``sessions`` makes synchronous sessions with ``expire_on_commit=False`` (a ``sessionmaker``): what the
    methods return is read after its session is closed.
    """

    def __init__(self, sessions: Callable[[], Session], bridge: TaskBridge) -> None:
        self.sessions = sessions
        self.bridge = bridge

    def all(self) -> list[ScheduledJob]:
        """The jobs that have not been removed, by key."""
        with self.sessions() as session:
            active = select(ScheduledJob).where(ScheduledJob.is_active)
            return list(session.scalars(active.order_by(ScheduledJob.job_key)))

    def get(self, job_id: str) -> ScheduledJob:
        """One job; raises :class:`UnknownJob`."""
        with self.sessions() as session:
            return self._get(session, job_id)

    def executions(self, job_id: str, limit: int = 50) -> list[Execution]:
        """The last executions of a job, the latest first; raises :class:`UnknownJob`."""
        with self.sessions() as session:
            self._get(session, job_id)
            of_job = select(Execution).where(Execution.job_id == job_id)
            return list(session.scalars(of_job.order_by(Execution.scheduled_at.desc()).limit(limit)))

    def instances(self) -> list[SchedulerInstance]:
        """The scheduler processes that are alive, the oldest first."""
        with self.sessions() as session:
            return list(session.scalars(select(SchedulerInstance).order_by(SchedulerInstance.started_at)))

    def create(self, job_key: str, **values: Any) -> ScheduledJob:
        """Create a job: a key of the bridge and either intervals or a cron expression.

        Raises ``UnknownTaskKey``, :class:`DuplicateJob`, ``ValueError`` for a schedule that is none or two,
        and ``TypeError`` for arguments that the task does not take and for unknown fields.
        """
        cron = values.get("cron_expression")
        job = ScheduledJob(
            **{"job_type": "cron" if cron else "interval", "created_at": utcnow(), **_checked(values)},
            job_key=job_key,
        )
        job.arguments = job.arguments or {}
        self._check(job)
        with self.sessions() as session:
            session.add(job)
            try:
                session.commit()
            except IntegrityError:
                raise DuplicateJob(f"there is, or was, a job {job_key!r}") from None
            return job

    def update(self, job_id: str, **values: Any) -> ScheduledJob:
        """Change fields of a job; raises like :meth:`create`, and :class:`UnknownJob`."""
        with self.sessions() as session:
            job = self._get(session, job_id)
            for name, value in _checked(values).items():
                setattr(job, name, value)
            if "job_type" not in values:
                job.job_type = "cron" if job.cron_expression else "interval"
            job.updated_at = utcnow()
            with session.no_autoflush:
                self._check(job)
            session.commit()
            return job

    def pause(self, job_id: str) -> ScheduledJob:
        """Keep a job and do not run it."""
        return self.update(job_id, is_enabled=False)

    def resume(self, job_id: str) -> ScheduledJob:
        """Run a paused job again."""
        return self.update(job_id, is_enabled=True)

    def remove(self, job_id: str) -> None:
        """Run a job no more and show it no more; its executions are kept. Its key stays taken."""
        self.update(job_id, is_active=False, is_enabled=False)

    def trigger(self, job_id: str) -> Execution:
        """Run a job now, paused or not; the execution is committed before the task is sent."""
        with self.sessions() as session:
            job = self._get(session, job_id)
            execution = Execution(job_id=job.id)
            session.add(execution)
            session.commit()
            self.send(session, job, execution)
            session.refresh(execution)
            return execution

    def send(self, session: Session, job: ScheduledJob, execution: Execution) -> None:
        """Dispatch a committed execution. If that fails it is recorded as failed, and nothing is raised."""
        key, execution_id, arguments = job.job_key, execution.execution_id, dict(job.arguments)
        session.commit()  # no transaction stays open while the broker, or the task itself, is waited for
        row = update(Execution).where(Execution.execution_id == execution_id)
        outcome: dict[str, Any] = {}
        try:
            dispatched = self.bridge.dispatch(key, execution_id, arguments)
        except Exception as error:
            logger.exception("%s could not be dispatched", key)
            outcome = {"status": FAILED, "error_message": f"{type(error).__name__}: {error}"}
        else:
            session.execute(row.values(task_id=dispatched.task_id))
            if dispatched.inline:
                outcome = {"status": SUCCESS}
        if outcome:  # a task that tracks itself has had its word already
            outcome["completed_at"] = utcnow()
            session.execute(row.where(Execution.status.not_in(FINAL)).values(**outcome))
        session.commit()

    def _get(self, session: Session, job_id: str) -> ScheduledJob:
        job = session.get(ScheduledJob, job_id)
        if job is None or not job.is_active:
            raise UnknownJob(f"there is no job {job_id!r}")
        return job

    def _check(self, job: ScheduledJob) -> None:
        trigger_of(job)
        TaskBridge({job.job_key: self.bridge[job.job_key]}).initialize({job.job_key: job.arguments})


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(values) - _SETTABLE)
    if unknown:
        raise TypeError(f"a job has no field {', '.join(unknown)}")
    return values


__all__ = ["DuplicateJob", "Jobs", "UnknownJob"]

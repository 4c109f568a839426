"""What a person may do with scheduled jobs: create, change, pause, resume, remove, run now, look back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from celery_lint.runtime import records
from celery_lint.runtime.bridge import TaskBridge, UnknownTaskKey
from celery_lint.runtime.fields import InvalidJob, checked
from celery_lint.runtime.models import (
    FINAL,
    REVOKED,
    RUNNING,
    ScheduledJob,
    SchedulerInstance,
)
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.schedule import schedule_of
from celery_lint.runtime.sending import LEASE, Sender, claim, lock_job, now_of

logger = logging.getLogger("celery_lint.runtime")

_OF_SCHEDULE = frozenset({"cron_expression", "time_zone", "is_enabled", "job_type"})


class UnknownJob(LookupError):
    """No active job has this id."""


class UnknownExecution(LookupError):
    """No execution has this id."""


class DuplicateJob(ValueError):
    """There is a job with this key."""


class NotCancelled(ValueError):
    """The run has ended, or can only be ended by force."""


class NotSent(RuntimeError):
    """A run by hand could not be sent; its execution is recorded as failed."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(f"execution {execution.id} could not be sent")
        self.execution = execution


class Jobs:
    """The jobs and executions of a database.

    ``sessions`` makes synchronous sessions with ``expire_on_commit=False`` (a ``sessionmaker``): what the
    methods return is read after its session is closed. Schedulers see changes when they next look; those of
    this process are told at once: they add themselves to ``on_change``.
    """

    def __init__(self, sessions: Callable[[], Session], bridge: TaskBridge) -> None:
        self.sessions = sessions
        self.bridge = bridge
        self.on_change: list[Callable[[], object]] = []

    # ------------------------------------------------------------ looking

    def all(self, limit: int | None = None, offset: int = 0) -> list[ScheduledJob]:
        """The jobs that have not been removed, by key."""
        with self.sessions() as session:
            active = select(ScheduledJob).where(ScheduledJob.active_key.is_not(None))
            return list(session.scalars(active.order_by(ScheduledJob.job_key).limit(limit).offset(offset)))

    def count(self) -> int:
        """How many jobs have not been removed."""
        with self.sessions() as session:
            return session.scalar(select(func.count(ScheduledJob.active_key))) or 0

    def get(self, job_id: str) -> ScheduledJob:
        """One job; raises :class:`UnknownJob`."""
        with self.sessions() as session:
            return _active(session.get(ScheduledJob, _id(job_id)), job_id)

    def executions(
        self, job_id: str | None = None, limit: int = 50, offset: int = 0, status: str | None = None
    ) -> list[Execution]:
        """The last executions, the latest first: of a job, also a removed one, or of all.

        Raises :class:`UnknownJob` if there never was such a job.
        """
        with self.sessions() as session:
            wanted = select(Execution).where(*self._wanted(session, job_id, status))
            latest = wanted.order_by(Execution.scheduled_at.desc(), Execution.id)
            return list(session.scalars(latest.limit(limit).offset(offset)))

    def count_executions(self, job_id: str | None = None, status: str | None = None) -> int:
        """How many executions there are; raises like :meth:`executions`."""
        with self.sessions() as session:
            wanted = select(func.count()).select_from(Execution).where(*self._wanted(session, job_id, status))
            return session.scalar(wanted) or 0

    def _wanted(self, session: Session, job_id: str | None, status: str | None) -> list[ColumnElement[bool]]:
        conditions = []
        if job_id is not None:
            if session.get(ScheduledJob, _id(job_id)) is None:
                raise UnknownJob(f"there is no job {job_id!r}")
            conditions.append(Execution.job_id == job_id)
        if status is not None:
            conditions.append(Execution.status == status)
        return conditions

    def execution(self, execution_id: str) -> Execution:
        """One execution, by either of its ids; raises :class:`UnknownExecution`."""
        with self.sessions() as session:
            return self._execution(session, execution_id)

    def _execution(self, session: Session, execution_id: str) -> Execution:
        known = _id(execution_id)
        wanted = select(Execution).where((Execution.id == known) | (Execution.execution_id == known))
        found = session.scalars(wanted).one_or_none()
        if found is None:
            raise UnknownExecution(f"there is no execution {execution_id!r}")
        return found

    def instances(self) -> list[SchedulerInstance]:
        """The scheduler processes that are alive, the oldest first."""
        with self.sessions() as session:
            return list(session.scalars(select(SchedulerInstance).order_by(SchedulerInstance.started_at)))

    # ------------------------------------------------------------ changing

    def create(self, job_key: str, **values: Any) -> ScheduledJob:
        """Create a job: what it is called, and either intervals or a cron expression.

        ``task_key`` is a key of the bridge, the job's own unless it is given: several jobs may run one task.
        Raises :class:`~celery_lint.runtime.fields.InvalidJob` for whatever could not run, and
        :class:`DuplicateJob`.
        """
        fields = checked({"job_key": job_key, "task_key": job_key, **values})
        with self.sessions() as session:
            now = now_of(session)
            cron = fields.get("cron_expression")
            job = ScheduledJob(
                **{"job_type": "cron" if cron else "interval", **fields},
                active_key=job_key,
                created_at=now,
                updated_at=now,
            )
            job.arguments, job.names = job.arguments or {}, job.names or {}
            job.time_zone = job.time_zone or "UTC"
            self.check(job)
            if job.is_enabled is not False:
                job.next_run_at = schedule_of(job).after(now)
            session.add(job)
            try:
                session.commit()
            except IntegrityError:
                raise DuplicateJob(f"there is a job {job_key!r}") from None
        self._changed()
        return job

    def update(self, job_id: str, **values: Any) -> ScheduledJob:
        """Change fields of a job, or none of them; raises like :meth:`create`, and :class:`UnknownJob`.

        The whole job is checked as it will be, while nobody else can change it. A new schedule begins now.
        """
        fields = checked(values)
        with self.sessions() as session:
            job = _active(lock_job(session, _id(job_id)), job_id)
            for name, value in fields.items():
                setattr(job, name, value)
            if "job_type" not in fields:
                job.job_type = "cron" if job.cron_expression else "interval"
            if "job_key" in fields:
                job.active_key = job.job_key
            self.check(job)
            with session.no_autoflush:
                now = now_of(session)
            job.updated_at = now
            if not job.is_enabled:
                job.next_run_at = None
            elif any(name in _OF_SCHEDULE or name.startswith("interval_") for name in fields):
                job.next_run_at = schedule_of(job).after(now)
            key = job.job_key
            try:
                session.commit()
            except IntegrityError:
                raise DuplicateJob(f"there is a job {key!r}") from None
        self._changed()
        return job

    def pause(self, job_id: str) -> ScheduledJob:
        """Keep a job and do not run it, also one that could not run; raises :class:`UnknownJob`."""
        with self.sessions() as session:
            job = _active(lock_job(session, _id(job_id)), job_id)
            job.is_enabled, job.next_run_at, job.updated_at = False, None, now_of(session)
            session.commit()
        self._changed()
        return job

    def resume(self, job_id: str) -> ScheduledJob:
        """Run a paused job again, from its next moment on; raises like :meth:`update`."""
        return self.update(job_id, is_enabled=True)

    def remove(self, job_id: str) -> None:
        """Run a job no more and show it no more. Its executions are kept, and its key is free again."""
        with self.sessions() as session:
            job = _active(lock_job(session, _id(job_id)), job_id)
            job.active_key = job.next_run_at = None
            job.is_enabled = False
            job.updated_at = now_of(session)
            session.commit()
        self._changed()

    # ------------------------------------------------------------ running

    def trigger(self, job_id: str, idempotency_key: str | None = None) -> Execution:
        """Run a job now, paused or not, and however many runs of it are under way.

        The execution is committed before the task is sent. With an ``idempotency_key`` that this job was
        triggered with before, nothing is sent and that execution is returned. Raises :class:`UnknownJob`,
        :class:`~celery_lint.runtime.fields.InvalidJob` if its task does not take its arguments, and
        :class:`NotSent` when the broker cannot be reached.
        """
        with self.sessions() as session:
            job = _active(lock_job(session, _id(job_id)), job_id)
            if idempotency_key is not None:
                before = select(Execution).where(
                    Execution.job_id == job.id, Execution.idempotency_key == idempotency_key
                )
                known = session.scalars(before).one_or_none()
                if known is not None:
                    return known
            self._check_arguments(job)
            moment = now = now_of(session)
            while session.scalar(
                select(Execution.id).where(Execution.job_id == job.id, Execution.scheduled_at == moment)
            ):
                moment += timedelta(microseconds=1)
            wanted = claim(session, job, moment, now, LEASE, idempotency_key=idempotency_key)
            session.commit()
        sender = Sender(self.sessions, self.bridge)
        error = sender.send(wanted)
        if error is not None:
            sender.give_up(wanted, error)
        execution = self.execution(wanted.execution_id)
        if error is not None:
            raise NotSent(execution) from error
        return execution

    def cancel(self, execution_id: str, *, terminate: bool = False) -> Execution:
        """Do not make a run that waits; with ``terminate`` also end one that is under way.

        A run that waits is ``revoked`` at once, and refused by whichever worker gets it. One that is under
        way is ``revoked`` when its worker says so; the threads and solo pools cannot end it. Raises
        :class:`UnknownExecution`, and :class:`NotCancelled` for a run that has ended, or runs and is not to
        be terminated.
        """
        with self.sessions() as session:
            records.begin_writing(session)
            found = self._execution(session, execution_id)
            session.refresh(found, with_for_update=True)
            job = session.scalars(select(ScheduledJob).where(ScheduledJob.id == found.job_id)).one()
            if found.status in FINAL:
                raise NotCancelled(f"execution {execution_id} has ended, and is {found.status}")
            if found.status == RUNNING and not (terminate and self.bridge.enabled):
                how = "; terminate it to end it" if self.bridge.enabled else " in this process"
                raise NotCancelled(f"execution {execution_id} is under way{how}")
            running = found.status == RUNNING
            if not running:
                found.status, found.completed_at, found.leased_until = REVOKED, now_of(session), None
                found.error_message = "cancelled"
            session.commit()
        if self.bridge.enabled:
            try:
                self.bridge.revoke(job.task_key, found.task_id or found.execution_id, terminate=running)
            except Exception:
                if running:
                    raise
                logger.exception("workers could not be told that %s is cancelled", execution_id)
        return self.execution(found.id)

    # ------------------------------------------------------------ checking

    def check(self, job: ScheduledJob) -> None:
        """Check that a job can run; raises :class:`~celery_lint.runtime.fields.InvalidJob`."""
        try:
            schedule_of(job)
        except ValueError as error:
            raise InvalidJob(str(error)) from None
        self._check_arguments(job)

    def _check_arguments(self, job: ScheduledJob) -> None:
        try:
            self.bridge.check(job.task_key, job.arguments or {})
        except (TypeError, UnknownTaskKey) as error:
            raise InvalidJob(str(error)) from None

    def _changed(self) -> None:
        for tell in self.on_change:
            tell()


def _id(text: str) -> str:
    """An id that every database can be asked for."""
    return text if len(text) <= 36 and text.isascii() and text.isprintable() else ""


def _active(job: ScheduledJob | None, job_id: str) -> ScheduledJob:
    if job is None or not job.is_active:
        raise UnknownJob(f"there is no job {job_id!r}")
    return job


__all__ = [
    "DuplicateJob",
    "Jobs",
    "NotCancelled",
    "NotSent",
    "UnknownExecution",
    "UnknownJob",
]

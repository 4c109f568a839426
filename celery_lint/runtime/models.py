"""The tables of scheduled jobs: what is to run when, what has run, and which schedulers are alive.

They have a metadata of their own (``Base.metadata``): create them with ``Base.metadata.create_all(engine)``
or hand the metadata to Alembic beside the application's. All times are UTC and aware.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

PENDING, RUNNING, RETRYING = "pending", "running", "retrying"
SUCCESS, FAILED, REVOKED, LOST = "success", "failed", "revoked", "lost"
#: The states of a run that has ended. Only ``lost`` is a guess: a run that was believed lost may come back.
FINAL = (SUCCESS, FAILED, REVOKED, LOST)
STATES = (PENDING, RUNNING, RETRYING, *FINAL)


def utcnow() -> datetime:
    """Now by the clock of this process, aware."""
    return datetime.now(timezone.utc)


def new_id() -> str:
    """An identifier for a row."""
    return str(uuid.uuid4())


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time, also on databases that forget the zone (SQLite, MariaDB)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name in ("mysql", "mariadb"):
            from sqlalchemy.dialects.mysql import DATETIME

            return dialect.type_descriptor(DATETIME(fsp=6))  # without it, whole seconds
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use datetime.now(timezone.utc)")
        value = value.astimezone(timezone.utc)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)


class database_clock(FunctionElement[datetime]):
    """Now by the clock of the database, which all schedulers share; to be selected or stored.

    SQLite has the clock of the machine, in milliseconds.
    """

    type = UTCDateTime()
    inherit_cache = True


@compiles(database_clock)
def _clock(*_: object, **__: object) -> str:
    return "clock_timestamp()"


@compiles(database_clock, "mysql")
@compiles(database_clock, "mariadb")
def _clock_of_mariadb(*_: object, **__: object) -> str:
    return "utc_timestamp(6)"


@compiles(database_clock, "sqlite")
def _clock_of_sqlite(*_: object, **__: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


class Base(DeclarativeBase):
    """The base of these tables."""


class ScheduledJob(Base):
    """Something that runs again and again: either every interval or by a cron expression."""

    __tablename__ = "scheduled_jobs"
    __table_args__ = (Index("ix_scheduled_jobs_due", "is_enabled", "next_run_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    #: What people call the job. No two jobs have the same key at the same time.
    job_key: Mapped[str] = mapped_column(String(100), index=True)
    #: The key until the job is removed, then nothing: that makes it free again.
    active_key: Mapped[str | None] = mapped_column(String(100), unique=True)
    #: The key under which the bridge knows the task. Several jobs may have the same.
    task_key: Mapped[str] = mapped_column(String(100))
    #: Names for people, by language: ``{"en": "Users", "ar": "المستخدمون"}``.
    names: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    #: ``interval`` or ``cron``.
    job_type: Mapped[str] = mapped_column(String(20))
    interval_seconds: Mapped[int | None]
    interval_minutes: Mapped[int | None]
    interval_hours: Mapped[int | None]
    interval_days: Mapped[int | None]
    #: Five fields, as ``cron`` reads them: Sunday is 0 and 7.
    cron_expression: Mapped[str | None] = mapped_column(String(100))
    #: Where the clock hangs that the cron expression means: ``Africa/Cairo``.
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    #: Keyword arguments for the task.
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: How many runs of it may be under way at once; those that wait for a retry count.
    max_instances: Mapped[int] = mapped_column(default=1)
    #: Seconds by which a run may be late; without, it is never too late.
    misfire_grace_time: Mapped[int | None] = mapped_column(default=60)
    #: Whether several moments that have passed are made up for by one run, that of the last.
    coalesce: Mapped[bool] = mapped_column(default=True)
    #: Paused jobs are kept, and not run.
    is_enabled: Mapped[bool] = mapped_column(default=True)
    #: The next moment. Without one a scheduler works it out, if the job is to run at all.
    next_run_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    executions: Mapped[list[ScheduledJobExecution]] = relationship(back_populates="job")

    @property
    def is_active(self) -> bool:
        """Whether the job has not been removed. Removed jobs are kept for the sake of their executions."""
        return self.active_key is not None


class ScheduledJobExecution(Base):
    """One run of a job. Two schedulers cannot both create the run of one moment: the constraint decides."""

    __tablename__ = "scheduled_job_executions"
    __table_args__ = (
        UniqueConstraint("job_id", "scheduled_at"),
        UniqueConstraint("job_id", "idempotency_key"),
        Index("ix_scheduled_job_executions_open", "job_id", "status"),
        Index("ix_scheduled_job_executions_unsent", "status", "leased_until"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("scheduled_jobs.id"))
    #: What the task reports with, and the id of the task.
    execution_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_id)
    #: The moment that the schedule named; the moment of the request for a run by hand.
    scheduled_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    #: What the request for a run by hand was called by the one who made it.
    idempotency_key: Mapped[str | None] = mapped_column(String(100))
    #: Until then it is for its scheduler to send it. Nothing once it is sent.
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: How often it has been sent, or may have been: more than once if a scheduler died over it.
    sendings: Mapped[int] = mapped_column(default=0)
    #: Which of the sendings has begun; the others are refused.
    begun_sending: Mapped[int | None]
    #: The attempt that runs, or ran last: only it may say how it ended.
    attempt_id: Mapped[str | None] = mapped_column(String(36))
    #: How often the task has begun: more than once after a retry or a redelivery.
    attempts: Mapped[int] = mapped_column(default=0)
    #: How often Celery had retried the task before the last attempt; unknown after an interruption.
    retries: Mapped[int | None]
    #: How many attempts never said how they ended: their worker died, or was told to end.
    lost_attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    #: From the start of the last attempt to its end.
    duration_ms: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(20), default=PENDING)
    task_id: Mapped[str | None] = mapped_column(String(155))
    error_message: Mapped[str | None] = mapped_column(Text)
    result_summary: Mapped[str | None] = mapped_column(Text)

    job: Mapped[ScheduledJob] = relationship(back_populates="executions")


class SchedulerInstance(Base):
    """A scheduler process that is alive, or was: see its heartbeat."""

    __tablename__ = "scheduler_instances"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    heartbeat_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)

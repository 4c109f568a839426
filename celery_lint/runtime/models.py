"""The tables of scheduled jobs: what is to run when, what has run, and which schedulers are alive.

They have a metadata of their own (``Base.metadata``): create them with ``Base.metadata.create_all(engine)``
or hand the metadata to Alembic beside the application's. All times are UTC and aware.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

PENDING, RUNNING, RETRYING = "pending", "running", "retrying"
SUCCESS, FAILED, LOST = "success", "failed", "lost"
#: The states after which nothing more is recorded.
FINAL = (SUCCESS, FAILED, LOST)


def utcnow() -> datetime:
    """Now, aware."""
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
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """The base of these tables."""


class ScheduledJob(Base):
    """Something that runs again and again: either every interval or by a cron expression."""

    __tablename__ = "scheduled_jobs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    #: The key under which the bridge knows the task.
    job_key: Mapped[str] = mapped_column(String(100), unique=True)
    name_en: Mapped[str | None] = mapped_column(String(200))
    name_ar: Mapped[str | None] = mapped_column(String(200))
    #: ``interval`` or ``cron``.
    job_type: Mapped[str] = mapped_column(String(20))
    interval_seconds: Mapped[int | None]
    interval_minutes: Mapped[int | None]
    interval_hours: Mapped[int | None]
    interval_days: Mapped[int | None]
    #: Five fields, as ``cron`` reads them: Sunday is 0 and 7.
    cron_expression: Mapped[str | None] = mapped_column(String(100))
    #: Keyword arguments for the task.
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    max_instances: Mapped[int] = mapped_column(default=1)
    misfire_grace_time: Mapped[int] = mapped_column(default=60)
    coalesce: Mapped[bool] = mapped_column(default=True)
    #: Paused jobs are kept, and not run.
    is_enabled: Mapped[bool] = mapped_column(default=True)
    #: Removed jobs are kept for the sake of their executions.
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, onupdate=utcnow)

    executions: Mapped[list[ScheduledJobExecution]] = relationship(back_populates="job")


class ScheduledJobExecution(Base):
    """One run of a job. Two schedulers cannot both create the run of one moment: the constraint decides."""

    __tablename__ = "scheduled_job_executions"
    __table_args__ = (UniqueConstraint("job_id", "scheduled_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("scheduled_jobs.id"), index=True)
    #: What the task is given to report with.
    execution_id: Mapped[str] = mapped_column(String(36), unique=True, default=new_id)
    #: The moment that the schedule named; the moment of the request for a run by hand.
    scheduled_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: From the start of the last attempt to its end.
    duration_ms: Mapped[int | None]
    status: Mapped[str] = mapped_column(String(20), default=PENDING, index=True)
    #: How often the task has begun: more than once after a retry or a redelivery.
    attempts: Mapped[int] = mapped_column(default=0)
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

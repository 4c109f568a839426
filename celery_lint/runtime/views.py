"""What goes over HTTP: jobs, their runs and schedulers, as models of pydantic."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["pending", "running", "retrying", "success", "failed", "revoked", "lost"]


class Problem(BaseModel):
    """Why it was not done, as a sentence."""

    detail: str


class JobFields(BaseModel):
    """What may be set of a job: either intervals, which add up, or a cron expression.

    Values are taken as they are and checked by :mod:`celery_lint.runtime.fields`, with all others of the job.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    job_key: str | None = None
    task_key: str | None = None
    names: dict[str, str] | None = None
    interval_seconds: int | None = None
    interval_minutes: int | None = None
    interval_hours: int | None = None
    interval_days: int | None = None
    cron_expression: str | None = None
    time_zone: str | None = None
    arguments: dict[str, Any] | None = None
    max_instances: int | None = None
    misfire_grace_time: int | None = None
    coalesce: bool | None = None
    is_enabled: bool | None = None


class NewJob(JobFields):
    """A job to be created. ``task_key`` is a key of the bridge; without one, ``job_key`` is."""

    job_key: str


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class JobView(_Row):
    """A job as it is."""

    id: str
    job_key: str
    task_key: str
    job_type: str
    names: dict[str, str]
    interval_seconds: int | None
    interval_minutes: int | None
    interval_hours: int | None
    interval_days: int | None
    cron_expression: str | None
    time_zone: str
    #: Whatever stands in the row: one that was made by hand must not hide all others.
    arguments: Any
    max_instances: int
    misfire_grace_time: int | None
    coalesce: bool
    is_enabled: bool
    next_run_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ExecutionView(_Row):
    """A run of a job."""

    id: str
    job_id: str
    execution_id: str
    scheduled_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    status: str
    attempts: int
    task_id: str | None
    error_message: str | None
    result_summary: str | None


class InstanceView(_Row):
    """A scheduler process."""

    id: str
    host: str
    process_id: int
    started_at: datetime
    heartbeat_at: datetime

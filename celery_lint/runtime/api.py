"""Scheduled jobs over HTTP: a router of FastAPI over :class:`~celery_lint.runtime.jobs.Jobs`.

It needs the extra ``api``. Who may call it is the application's affair: hand ``dependencies`` to
``include_router``. Endpoints are plain functions, so that databases and brokers are waited for in threads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from celery_lint.runtime.bridge import UnknownTaskKey
from celery_lint.runtime.jobs import DuplicateJob, Jobs, UnknownJob
from celery_lint.runtime.scheduler import SchedulerService

T = TypeVar("T")


class JobFields(BaseModel):
    """What may be set of a job: either intervals, which add up, or a cron expression."""

    model_config = ConfigDict(extra="forbid")

    name_en: str | None = Field(None, max_length=200)
    name_ar: str | None = Field(None, max_length=200)
    interval_seconds: int | None = Field(None, ge=0)
    interval_minutes: int | None = Field(None, ge=0)
    interval_hours: int | None = Field(None, ge=0)
    interval_days: int | None = Field(None, ge=0)
    cron_expression: str | None = Field(None, max_length=100)
    arguments: dict[str, Any] | None = None
    max_instances: int | None = Field(None, ge=1)
    misfire_grace_time: int | None = Field(None, ge=1)
    coalesce: bool | None = None
    is_enabled: bool | None = None


class NewJob(JobFields):
    """A job to be created; ``job_key`` is a key of the bridge."""

    job_key: str = Field(max_length=100)


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class JobView(_Row):
    """A job as it is."""

    id: str
    job_key: str
    job_type: str
    name_en: str | None
    name_ar: str | None
    interval_seconds: int | None
    interval_minutes: int | None
    interval_hours: int | None
    interval_days: int | None
    cron_expression: str | None
    arguments: dict[str, Any]
    max_instances: int
    misfire_grace_time: int
    coalesce: bool
    is_enabled: bool
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


def make_router(jobs: Jobs, prefix: str = "/scheduler") -> APIRouter:
    """The endpoints. If ``jobs`` is a running scheduler, changes take effect in it at once."""
    router = APIRouter(prefix=prefix, tags=["scheduler"])

    def changed(result: T) -> T:
        if isinstance(jobs, SchedulerService):
            jobs.refresh()
        return result

    @router.get("/jobs")
    def list_jobs() -> list[JobView]:
        return [JobView.model_validate(job) for job in jobs.all()]

    @router.post("/jobs", status_code=201)
    def create_job(new: NewJob) -> JobView:
        values = new.model_dump(exclude_unset=True)
        with _told():
            return JobView.model_validate(changed(jobs.create(values.pop("job_key"), **values)))

    @router.get("/jobs/{job_id}")
    def get_job(job_id: str) -> JobView:
        with _told():
            return JobView.model_validate(jobs.get(job_id))

    @router.patch("/jobs/{job_id}")
    def update_job(job_id: str, fields: JobFields) -> JobView:
        with _told():
            return JobView.model_validate(
                changed(jobs.update(job_id, **fields.model_dump(exclude_unset=True)))
            )

    @router.delete("/jobs/{job_id}", status_code=204)
    def remove_job(job_id: str) -> None:
        with _told():
            jobs.remove(job_id)
            changed(job_id)

    @router.post("/jobs/{job_id}/pause")
    def pause_job(job_id: str) -> JobView:
        with _told():
            return JobView.model_validate(changed(jobs.pause(job_id)))

    @router.post("/jobs/{job_id}/resume")
    def resume_job(job_id: str) -> JobView:
        with _told():
            return JobView.model_validate(changed(jobs.resume(job_id)))

    @router.post("/jobs/{job_id}/trigger", status_code=202)
    def trigger_job(job_id: str) -> ExecutionView:
        with _told():
            return ExecutionView.model_validate(jobs.trigger(job_id))

    @router.get("/jobs/{job_id}/executions")
    def list_executions(job_id: str, limit: int = Query(50, ge=1, le=500)) -> list[ExecutionView]:
        with _told():
            return [ExecutionView.model_validate(run) for run in jobs.executions(job_id, limit)]

    @router.get("/instances")
    def list_instances() -> list[InstanceView]:
        return [InstanceView.model_validate(instance) for instance in jobs.instances()]

    return router


class _told:
    """Errors of jobs as answers: 404 for a job that is not there, 409 for a taken key, 422 for the rest."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if isinstance(error, UnknownJob):
            raise HTTPException(404, str(error)) from error
        if isinstance(error, DuplicateJob):
            raise HTTPException(409, str(error)) from error
        if isinstance(error, (ValueError, TypeError, UnknownTaskKey)):
            raise HTTPException(422, str(error)) from error


__all__ = ["make_router"]

"""The record of an execution, whatever becomes of the task."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import Ignore, Retry, SoftTimeLimitExceeded
from sqlalchemy import create_engine, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime import run_async, shutdown
from celery_lint.runtime.models import Base, ScheduledJob, ScheduledJobExecution, utcnow
from celery_lint.runtime.tracking import lost_executions, track_execution
from tests.runtime.databases import driven


class Table:
    """A database with one job and one execution of it."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(driven(url))
        Base.metadata.create_all(self.engine)
        self.sessions = sessionmaker(self.engine)
        self.asynchronous = create_async_engine(driven(url, asynchronous=True))
        self.async_sessions = async_sessionmaker(self.asynchronous)
        with self.sessions.begin() as session:
            job = ScheduledJob(job_key="users.sync", job_type="interval", interval_minutes=5)
            session.add(job)
            session.flush()
            session.add(ScheduledJobExecution(job_id=job.id, execution_id="e1"))

    @property
    def row(self) -> ScheduledJobExecution:
        with self.sessions() as session:
            return session.scalars(select(ScheduledJobExecution)).one()


@pytest.fixture
def table(empty_database: str) -> Any:
    made = Table(empty_database)
    yield made
    run_async(made.asynchronous.dispose())
    shutdown()
    Base.metadata.drop_all(made.engine)
    made.engine.dispose()


def test_success(table: Table) -> None:
    with track_execution(table.sessions, "e1") as run:
        during = table.row
        run.summary = {"users": 3}
    assert (during.status, during.attempts, during.completed_at) == ("running", 1, None)
    row = table.row
    assert (row.status, row.error_message, row.result_summary) == ("success", None, "{'users': 3}")
    assert row.started_at is not None
    assert row.completed_at is not None
    assert row.started_at.tzinfo is not None
    assert row.duration_ms == round((row.completed_at - row.started_at) / timedelta(milliseconds=1))


@pytest.mark.parametrize(
    "error, status, message",
    [
        (ValueError("no users"), "failed", "ValueError: no users"),
        (SoftTimeLimitExceeded(), "failed", "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"),
        (SystemExit(1), "failed", "SystemExit: 1"),
        (Retry("in 5 s", OSError("busy")), "retrying", "busy"),
        (Ignore(), "success", None),
    ],
)
def test_what_the_task_raises_is_recorded_and_goes_on(
    table: Table, error: BaseException, status: str, message: str | None
) -> None:
    with pytest.raises(type(error)) as caught:
        _fail(table, error)
    assert caught.value is error
    assert (table.row.status, table.row.error_message) == (status, message)


def _fail(table: Table, error: BaseException) -> None:
    with track_execution(table.sessions, "e1"):
        raise error


def test_the_record_survives_the_rollback_of_the_task(table: Table) -> None:
    with pytest.raises(ValueError, match="halfway"), table.sessions.begin() as session:
        _work(table, session)
    assert table.row.status == "failed"
    with table.sessions() as session:
        assert session.scalars(select(ScheduledJob)).one().name_en is None


def _work(table: Table, session: Any) -> None:
    with track_execution(table.sessions, "e1"):
        session.scalars(select(ScheduledJob)).one().name_en = "lost"
        raise ValueError("halfway")


def test_a_second_attempt_is_counted(table: Table) -> None:
    with pytest.raises(Retry):
        _fail(table, Retry("again"))
    assert table.row.completed_at is None
    with track_execution(table.sessions, "e1"):
        pass
    assert (table.row.status, table.row.attempts, table.row.error_message) == ("success", 2, None)


def test_a_cancelled_coroutine(table: Table) -> None:
    async def work() -> None:
        async with track_execution(table.async_sessions, "e1"):
            begun.set()
            await asyncio.sleep(60)

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    begun = asyncio.Event()
    run_async(cancel())
    assert table.row.status == "failed"
    assert table.row.error_message == "CancelledError: "


def test_asynchronous_success(table: Table) -> None:
    async def work() -> None:
        async with track_execution(table.async_sessions, "e1") as run:
            run.summary = "x" * 5000

    run_async(work())
    assert table.row.status == "success"
    assert len(table.row.result_summary or "") == 2000


def test_a_tracker_that_fails_is_not_heard_above_the_task(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with table.engine.begin() as connection:
        connection.execute(text("drop table scheduled_job_executions"))
    with pytest.raises(ValueError, match="the real error"):
        _fail(table, ValueError("the real error"))
    with track_execution(table.sessions, "e1"):
        pass
    assert caplog.text.count("cannot record execution e1") == 4


def test_a_row_that_is_missing_is_told(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    with track_execution(table.sessions, "e2"):
        pass
    assert "no execution e2: its row was not committed before dispatch" in caplog.text


def test_without_an_execution_nothing_is_recorded(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    with track_execution(table.sessions, None):
        pass
    assert table.row.status == "pending"
    assert not caplog.records


def test_runs_that_nobody_ended_are_marked_as_lost(table: Table) -> None:
    run = track_execution(table.sessions, "e1")
    run.__enter__()
    with table.sessions.begin() as session:
        session.execute(lost_executions(timedelta(hours=1)))
    assert table.row.status == "running"
    with table.sessions.begin() as session:
        session.execute(lost_executions(timedelta(0)))
    row = table.row
    assert row.status == "lost"
    assert row.completed_at is not None
    assert row.completed_at <= utcnow()

"""Jobs in a database, changed and run by hand."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("cronsim")

from celery import Celery
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.fields import InvalidJob
from celery_lint.runtime.history import forget_executions
from celery_lint.runtime.jobs import (
    DuplicateJob,
    Jobs,
    NotCancelled,
    NotSent,
    UnknownExecution,
    UnknownJob,
)
from celery_lint.runtime.models import ScheduledJob, ScheduledJobExecution, utcnow
from celery_lint.runtime.records import Attempt, begin, patiently
from tests.runtime import databases

app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
#: Nothing listens there.
away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
away.conf.task_publish_retry_policy = {"max_retries": 0}
ran: list[str | None] = []


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    ran.append(execution_id)
    return f"{limit} users"


@app.task
def fails(execution_id: str | None = None) -> None:
    raise ValueError("no users\x00")


@away.task
def unreachable(execution_id: str | None = None) -> None: ...


@pytest.fixture
def jobs(sessions: sessionmaker[Session]) -> Jobs:
    ran.clear()
    return Jobs(sessions, TaskBridge({"users.sync": sync_users, "fails": fails}, enabled=False))


def test_create_change_pause_resume_remove(jobs: Jobs) -> None:
    job = jobs.create(
        "users.sync", interval_minutes=5, arguments={"limit": 3}, names={"en": "Users", "ar": "مستخدمون"}
    )
    assert (job.job_type, job.task_key, job.is_enabled, job.max_instances) == (
        "interval",
        "users.sync",
        True,
        1,
    )
    assert (job.misfire_grace_time, job.time_zone) == (60, "UTC")
    assert jobs.get(job.id).names == {"en": "Users", "ar": "مستخدمون"}
    assert job.next_run_at == job.created_at + timedelta(minutes=5)
    changed = jobs.update(
        job.id, interval_minutes=None, cron_expression="0 3 * * *", time_zone="Africa/Cairo"
    )
    assert changed.job_type == "cron"
    assert changed.updated_at > job.created_at
    assert changed.next_run_at is not None
    assert changed.next_run_at > job.created_at
    assert changed.next_run_at.hour in (0, 1)  # three in the morning, in Cairo
    paused = jobs.pause(job.id)
    assert (paused.is_enabled, paused.next_run_at) == (False, None)
    assert jobs.resume(job.id).next_run_at == changed.next_run_at
    assert [one.job_key for one in jobs.all()] == ["users.sync"]
    jobs.remove(job.id)
    assert jobs.all() == []
    assert jobs.count() == 0
    for gone in (jobs.get, jobs.trigger, jobs.pause, jobs.remove):
        with pytest.raises(UnknownJob):
            gone(job.id)


def test_what_is_not_of_the_schedule_leaves_the_next_run_alone(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_minutes=5)
    assert jobs.update(job.id, arguments={"limit": 1}).next_run_at == job.next_run_at
    assert jobs.update(job.id).next_run_at == job.next_run_at


@pytest.mark.parametrize(
    "values, message",
    [
        ({}, "either an interval or a cron expression"),
        ({"interval_hours": 1, "cron_expression": "0 0 * * *"}, "either an interval or a cron"),
        ({"cron_expression": "0 0 * *"}, "has 4 fields"),
        ({"cron_expression": "0 0 30 2 *"}, "bad day-of-month"),
        ({"job_type": "cron", "interval_hours": 1}, "does not fit its schedule"),
        ({"interval_hours": 1, "arguments": {"limits": 3}}, "limits"),
        (
            {"interval_hours": 1, "arguments": {"execution_id": "x"}},
            "'execution_id' is given by the scheduler",
        ),
        ({"interval_hours": 1, "arguments": None}, "arguments cannot be null"),
        ({"interval_hours": 1, "arguments": {"limit": float("nan")}}, "arguments.limit is nan"),
        ({"interval_hours": 1, "arguments": {"limit": [2**70]}}, r"arguments.limit\[0\] is too large"),
        ({"interval_hours": 1, "arguments": {"limit": "\x00"}}, "a character that databases do not store"),
        ({"interval_hours": 1, "arguments": {"limit": "\ud800"}}, "a character that databases do not store"),
        ({"interval_hours": 1, "arguments": {"limit": "x" * 70_000}}, "more than 65536 characters"),
        ({"interval_hours": 1, "arguments": {"limit": object()}}, "which JSON cannot hold"),
        ({"interval_days": 10**9}, "interval of job 'users.sync' is longer than 3660 days"),
        ({"interval_seconds": 2**31}, "interval_seconds is a whole number"),
        ({"interval_seconds": -1}, "interval_seconds is a whole number"),
        ({"interval_hours": 1, "coalesce": None}, "coalesce cannot be null"),
        ({"interval_hours": 1, "max_instances": 0}, "max_instances is a whole number from 1"),
        ({"interval_hours": 1, "is_enabled": 1}, "is_enabled is true or false"),
        ({"interval_hours": 1, "names": {"english!": "x"}}, "no language"),
        ({"interval_hours": 1, "names": {"en": ""}}, "names.en is a text"),
        ({"interval_hours": 1, "time_zone": "Cairo"}, "no time zone 'Cairo'"),
        ({"interval_hours": 1, "task_key": "user.sync"}, "did you mean 'users.sync'"),
        ({"interval_hours": 1, "colour": "red"}, "no field colour"),
        ({"interval_hours": 1, "id": "1"}, "no field id"),
        ({"interval_hours": 1, "next_run_at": utcnow()}, "no field next_run_at"),
    ],
)
def test_a_job_that_could_not_run_is_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with databases.with_tables(f"sqlite:///{tmp_path}/jobs.db") as sessions:
        _refused(Jobs(sessions, TaskBridge({"users.sync": sync_users})), values, message)


def _refused(jobs: Jobs, values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidJob, match=message):
        jobs.create("users.sync", **values)
    assert jobs.all() == []
    job = jobs.create("users.sync", interval_minutes=5)
    if values:
        with pytest.raises(InvalidJob):
            jobs.update(job.id, **values)
    assert jobs.get(job.id).arguments == {}
    assert jobs.get(job.id).interval_minutes == 5


def test_arguments_that_hold_themselves_are_refused(jobs: Jobs) -> None:
    arguments: dict[str, Any] = {}
    arguments["limit"] = arguments
    with pytest.raises(InvalidJob, match="nested more than 32 deep"):
        jobs.create("users.sync", interval_minutes=5, arguments=arguments)


def test_a_key_is_taken_once_and_free_after_removal(jobs: Jobs) -> None:
    first = jobs.create("users.sync", interval_hours=1)
    with pytest.raises(DuplicateJob, match=r"there is a job 'users\.sync'"):
        jobs.create("users.sync", interval_hours=2)
    jobs.trigger(first.id)
    jobs.remove(first.id)
    second = jobs.create("users.sync", interval_hours=2)
    assert second.id != first.id
    assert jobs.executions(second.id) == []
    assert len(jobs.executions(first.id)) == 1


def test_several_jobs_for_one_task(jobs: Jobs) -> None:
    night = jobs.create("users.sync.night", task_key="users.sync", cron_expression="0 3 * * *")
    jobs.create("users.sync.often", task_key="users.sync", interval_minutes=5, arguments={"limit": 1})
    assert [one.job_key for one in jobs.all()] == ["users.sync.night", "users.sync.often"]
    assert jobs.trigger(night.id).status == "success"
    with pytest.raises(DuplicateJob):
        jobs.update(night.id, job_key="users.sync.often")
    assert jobs.update(night.id, job_key="users.sync.late").job_key == "users.sync.late"


def test_two_changes_that_fit_each_other_not_are_not_both_made(
    sessions: sessionmaker[Session], jobs: Jobs
) -> None:
    """Each of them is right on the row as it was: another interval, and a cron in its place."""
    job = jobs.create("users.sync", interval_hours=1)
    barrier = threading.Barrier(2)
    refused: list[Exception] = []

    def change(**values: Any) -> None:
        barrier.wait(20)
        try:
            jobs.update(job.id, **values)
        except InvalidJob as error:
            refused.append(error)

    for _ in range(10):
        jobs.update(job.id, interval_hours=1, interval_minutes=None, cron_expression=None)
        threads = [
            threading.Thread(target=change, kwargs=values)
            for values in ({"interval_hours": 2}, {"interval_hours": None, "cron_expression": "0 3 * * *"})
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        now = jobs.get(job.id)
        assert (now.interval_hours is None) != (now.cron_expression is None)
    assert all("either an interval or a cron" in str(error) for error in refused)


# ------------------------------------------------------------------------------------ runs by hand


def test_run_now(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1, arguments={"limit": 3})
    execution = jobs.trigger(job.id)
    assert ran == [execution.execution_id]
    assert (execution.status, execution.attempts) == ("success", 1)
    assert execution.task_id == execution.execution_id
    assert execution.leased_until is None
    assert execution.duration_ms is not None
    assert [one.id for one in jobs.executions(job.id)] == [execution.id]
    assert jobs.execution(execution.id).id == jobs.execution(execution.execution_id).id == execution.id
    for unknown in ("nobody", "x" * 1000, "\x00"):
        with pytest.raises(UnknownExecution):
            jobs.execution(unknown)
        with pytest.raises(UnknownJob):
            jobs.executions(unknown)


def test_a_run_that_fails_here_is_recorded_with_a_text_that_every_database_takes(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    execution = jobs.trigger(jobs.create("fails", interval_hours=1).id)
    assert (execution.status, execution.error_message) == ("failed", "ValueError: no users\\x00")
    assert execution.completed_at is not None
    assert "fails failed" in caplog.text


def test_the_same_request_runs_once(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    first = jobs.trigger(job.id, "payday")
    assert jobs.trigger(job.id, "payday").id == first.id
    assert jobs.trigger(job.id, "another").id != first.id
    assert jobs.trigger(jobs.create("fails", interval_hours=1).id, "payday").id != first.id
    assert len(ran) == 2


def test_several_requests_within_one_tick_of_the_clock(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    for _ in range(20):
        jobs.trigger(job.id)
    assert jobs.count_executions(job.id) == len(ran) == 20


def test_a_broker_that_is_away_is_told(sessions: sessionmaker[Session]) -> None:
    jobs = Jobs(sessions, TaskBridge({"unreachable": unreachable}))
    job = jobs.create("unreachable", interval_hours=1)
    with pytest.raises(NotSent) as caught:
        jobs.trigger(job.id)
    execution = jobs.execution(caught.value.execution.id)
    assert execution.status == "failed"
    assert "OperationalError" in (execution.error_message or "")
    # The message may have left all the same: a worker that has it refuses it.
    refused = patiently(sessions, lambda session: begin(session, Attempt(execution.execution_id, sending=1)))
    assert "it has ended, and is failed" in str(refused)


def test_cancel(sessions: sessionmaker[Session]) -> None:
    bridge = TaskBridge({"users.sync": sync_users})
    jobs = Jobs(sessions, bridge)
    job = jobs.create("users.sync", interval_hours=1)
    waiting = jobs.trigger(job.id)
    assert (waiting.status, waiting.leased_until) == ("pending", None)
    assert jobs.cancel(waiting.id).status == "revoked"
    refused = patiently(sessions, lambda session: begin(session, Attempt(waiting.execution_id, sending=1)))
    assert "it has ended, and is revoked" in str(refused)
    with pytest.raises(NotCancelled, match="has ended, and is revoked"):
        jobs.cancel(waiting.id)
    running = jobs.trigger(job.id)
    assert (
        patiently(sessions, lambda session: begin(session, Attempt(running.execution_id, sending=1))) is None
    )
    with pytest.raises(NotCancelled, match="is under way; terminate it"):
        jobs.cancel(running.id)
    assert jobs.cancel(running.id, terminate=True).status == "running"  # its worker will say when it is ended
    with pytest.raises(UnknownExecution):
        jobs.cancel("nobody")


# ------------------------------------------------------------------------------------ looking back


def test_pages_and_states(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    other = jobs.create("fails", interval_hours=1)
    for _ in range(5):
        jobs.trigger(job.id)
    jobs.trigger(other.id)
    every = jobs.executions(job.id)
    assert [one.scheduled_at for one in every] == sorted((one.scheduled_at for one in every), reverse=True)
    assert [one.id for one in jobs.executions(job.id, 2, 1)] == [one.id for one in every[1:3]]
    assert [one.status for one in jobs.executions(status="failed")] == ["failed"]
    assert (
        jobs.count_executions(),
        jobs.count_executions(job.id),
        jobs.count_executions(job.id, "lost"),
    ) == (6, 5, 0)
    assert [one.job_key for one in jobs.all(1, 1)] == ["users.sync"]


def test_old_history_is_forgotten_in_batches(jobs: Jobs, sessions: sessionmaker[Session]) -> None:
    kept, removed = jobs.create("users.sync", interval_hours=1), jobs.create("fails", interval_hours=1)
    runs = [jobs.trigger(kept.id) for _ in range(7)]
    jobs.trigger(removed.id)
    jobs.remove(removed.id)
    with sessions.begin() as session:
        session.add(ScheduledJobExecution(job_id=kept.id, scheduled_at=utcnow() - timedelta(days=99)))
        old = update(ScheduledJobExecution).where(ScheduledJobExecution.id != runs[0].id)
        finished = old.where(ScheduledJobExecution.completed_at.is_not(None))
        session.execute(finished.values(completed_at=utcnow() - timedelta(days=31)))
    assert forget_executions(sessions, timedelta(days=30), batch=3) == 7
    assert {one.status for one in jobs.executions(kept.id)} == {"success", "pending"}
    with sessions() as session:
        assert session.scalars(select(ScheduledJob.id)).all() == [kept.id]
    assert forget_executions(sessions, timedelta(days=30)) == 0

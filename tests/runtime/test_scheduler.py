"""Jobs in a database: changed by hand, fired on time, each moment once however many schedulers there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import create_engine, select, update
from sqlalchemy.orm import Session, sessionmaker

from celery_lint.runtime.bridge import TaskBridge, UnknownTaskKey
from celery_lint.runtime.jobs import DuplicateJob, Jobs, UnknownJob
from celery_lint.runtime.models import Base, ScheduledJob, ScheduledJobExecution, SchedulerInstance, utcnow
from celery_lint.runtime.schedule import cron_trigger, trigger_of
from celery_lint.runtime.scheduler import SchedulerService
from tests.proofs.pools import LONG
from tests.runtime.databases import driven

app = Celery("shop", broker="memory://", backend="cache+memory://")
ran: list[str | None] = []
gate = threading.Event()


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    ran.append(execution_id)
    return f"{limit} users"


@app.task
def fails(execution_id: str | None = None) -> None:
    raise ValueError("no users")


@app.task
def waits(execution_id: str | None = None) -> None:
    ran.append(execution_id)
    gate.wait(20)


@pytest.fixture
def sessions(empty_database: str) -> Iterator[sessionmaker[Session]]:
    patient = {"timeout": 30} if empty_database.startswith("sqlite") else {}
    engine = create_engine(driven(empty_database), connect_args=patient)
    Base.metadata.create_all(engine)
    ran.clear()
    gate.clear()
    yield sessionmaker(engine, expire_on_commit=False)
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def bridge() -> TaskBridge:
    return TaskBridge({"users.sync": sync_users, "fails": fails, "waits": waits}, enabled=False)


@pytest.fixture
def jobs(sessions: sessionmaker[Session], bridge: TaskBridge) -> Jobs:
    return Jobs(sessions, bridge)


Start = Callable[..., SchedulerService]


@pytest.fixture
def start(sessions: sessionmaker[Session], bridge: TaskBridge) -> Iterator[Start]:
    started: list[SchedulerService] = []

    def begin(**options: Any) -> SchedulerService:
        service = SchedulerService(sessions, bridge, **options)
        service.start()
        started.append(service)
        return service

    yield begin
    gate.set()
    for service in started:
        service.shutdown()


def eventually(true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def executions(sessions: sessionmaker[Session]) -> list[ScheduledJobExecution]:
    with sessions() as session:
        return list(session.scalars(select(ScheduledJobExecution)))


# ------------------------------------------------------------------------------------ jobs by hand


def test_create_change_pause_resume_remove(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_minutes=5, arguments={"limit": 3}, name_en="Users")
    assert (job.job_type, job.is_enabled, job.max_instances, job.misfire_grace_time) == (
        "interval",
        True,
        1,
        60,
    )
    assert job.created_at.tzinfo is not None
    changed = jobs.update(job.id, interval_minutes=None, cron_expression="0 3 * * *")
    assert changed.job_type == "cron"
    assert changed.updated_at > job.created_at
    assert not jobs.pause(job.id).is_enabled
    assert jobs.resume(job.id).is_enabled
    assert [one.job_key for one in jobs.all()] == ["users.sync"]
    jobs.remove(job.id)
    assert jobs.all() == []
    with pytest.raises(UnknownJob):
        jobs.get(job.id)
    with pytest.raises(UnknownJob):
        jobs.trigger(job.id)


@pytest.mark.parametrize(
    "values, kind, message",
    [
        ({}, ValueError, "either an interval or a cron expression"),
        ({"interval_hours": 1, "cron_expression": "0 0 * * *"}, ValueError, "either an interval or a cron"),
        ({"cron_expression": "0 0 * *"}, ValueError, "has 4 fields"),
        ({"cron_expression": "99 0 * * *"}, ValueError, "99"),
        ({"job_type": "cron", "interval_hours": 1}, ValueError, "does not fit its schedule"),
        ({"interval_hours": 1, "arguments": {"limits": 3}}, TypeError, "limits"),
        ({"interval_hours": 1, "colour": "red"}, TypeError, "no field colour"),
        ({"interval_hours": 1, "id": "1"}, TypeError, "no field id"),
    ],
)
def test_a_job_that_could_not_run_is_refused(
    jobs: Jobs, values: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        jobs.create("users.sync", **values)
    assert jobs.all() == []


def test_a_job_without_a_task_is_refused(jobs: Jobs) -> None:
    with pytest.raises(UnknownTaskKey, match=r"did you mean 'users.sync'"):
        jobs.create("user.sync", interval_hours=1)


def test_a_key_is_taken_once(jobs: Jobs) -> None:
    jobs.create("users.sync", interval_hours=1)
    with pytest.raises(DuplicateJob, match=r"there is, or was, a job 'users.sync'"):
        jobs.create("users.sync", interval_hours=2)


def test_a_change_that_is_refused_changes_nothing(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_minutes=5)
    with pytest.raises(ValueError, match="either"):
        jobs.update(job.id, cron_expression="0 0 * * *")
    assert jobs.get(job.id).cron_expression is None


def test_run_now(jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1, arguments={"limit": 3})
    execution = jobs.trigger(job.id)
    assert ran == [execution.execution_id]
    assert (execution.status, bool(execution.task_id)) == ("success", True)
    assert [one.id for one in jobs.executions(job.id)] == [execution.id]


def test_a_run_that_cannot_be_sent_is_recorded_as_failed(
    jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    execution = jobs.trigger(jobs.create("fails", interval_hours=1).id)
    assert (execution.status, execution.error_message) == ("failed", "ValueError: no users")
    assert execution.completed_at is not None
    assert "fails could not be dispatched" in caplog.text


# ------------------------------------------------------------------------------------ when


def test_intervals_count_from_the_creation_of_the_job() -> None:
    created = datetime(2026, 1, 1, 12, 0, 30, tzinfo=timezone.utc)
    job = ScheduledJob(
        job_key="x", job_type="interval", interval_minutes=1, interval_seconds=30, created_at=created
    )
    now = created + timedelta(seconds=100)
    assert trigger_of(job).get_next_fire_time(None, now) == created + timedelta(seconds=180)
    assert trigger_of(job).get_next_fire_time(None, created) == created + timedelta(seconds=90)


@pytest.mark.parametrize(
    "field, days",
    [
        ("0", "sun"),
        ("7", "sun"),
        ("1-5", "mon tue wed thu fri"),
        ("5-7", "fri sat sun"),
        ("*/2", "sun tue thu sat"),
        ("1,3", "mon wed"),
        ("MON-wed", "mon tue wed"),
        ("5/1", "fri sat"),
    ],
)
def test_weekdays_are_those_of_cron(field: str, days: str) -> None:
    trigger = cron_trigger(f"0 12 * * {field}")
    moment = datetime(2026, 11, 22, tzinfo=timezone.utc)  # a Sunday
    found = set()
    for _ in range(7):
        fired = trigger.get_next_fire_time(None, moment)
        found.add(fired.strftime("%a").lower())
        moment = fired + timedelta(minutes=1)
    assert found == set(days.split())


@pytest.mark.parametrize("field", ["8", "3-1", "monday-x", "x"])
def test_what_is_no_weekday(field: str) -> None:
    with pytest.raises(ValueError, match="weekday"):
        cron_trigger(f"0 0 * * {field}")


# ------------------------------------------------------------------------------------ schedulers


def test_each_moment_is_fired_once_by_two_schedulers(sessions: sessionmaker[Session]) -> None:
    """None twice, none never: 20 firings, and 200 in the long form."""
    number, moments = (10, 20) if LONG else (5, 4)
    bridge = TaskBridge({f"users.{n}": sync_users for n in range(number)}, enabled=False)
    jobs = Jobs(sessions, bridge)
    created = {
        job.id: job.created_at
        for job in [
            jobs.create(key, interval_seconds=1, max_instances=1000, coalesce=False) for key in bridge
        ]
    }
    schedulers = [SchedulerService(sessions, bridge), SchedulerService(sessions, bridge)]
    for scheduler in schedulers:
        scheduler.start()
    assert len(jobs.instances()) == 2
    try:
        eventually(lambda: len(ran) >= number * moments, 60)
    finally:
        for scheduler in schedulers:
            scheduler.shutdown()
    rows = executions(sessions)
    assert sorted(map(str, ran)) == sorted(row.execution_id for row in rows)
    assert {row.status for row in rows} == {"success"}
    for job_id, begin in created.items():
        fired = sorted(row.scheduled_at for row in rows if row.job_id == job_id)
        assert (fired[0] - begin) % timedelta(seconds=1) == timedelta(0)
        assert fired == [fired[0] + timedelta(seconds=n) for n in range(len(fired))]


def test_a_paused_and_a_removed_job_are_not_fired(jobs: Jobs, start: Start) -> None:
    paused = jobs.create("users.sync", interval_seconds=1)
    jobs.pause(paused.id)
    service = start()
    time.sleep(1.5)
    assert ran == []
    jobs.resume(paused.id)
    service.refresh()
    eventually(lambda: ran)
    jobs.remove(paused.id)
    service.refresh()
    time.sleep(0.2)
    before = len(ran)
    time.sleep(1.5)
    assert len(ran) == before


def test_a_job_whose_last_run_has_not_ended_waits(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    jobs.create("waits", interval_seconds=1, max_instances=1)
    start()
    eventually(lambda: "of it have not ended" in caplog.text)
    assert len(executions(sessions)) == 1


def test_changes_of_others_are_taken_over_at_the_heartbeat(jobs: Jobs, start: Start) -> None:
    start(heartbeat=0.2)
    jobs.create("users.sync", interval_seconds=1)
    eventually(lambda: ran)


def test_instances_that_are_silent_are_forgotten_and_lost_runs_marked(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    with sessions.begin() as session:
        long_ago = utcnow() - timedelta(days=1)
        session.add(SchedulerInstance(host="gone", process_id=1, heartbeat_at=long_ago))
        session.add(ScheduledJobExecution(job_id=job.id, status="running", started_at=long_ago))
    service = start(heartbeat=0.2)
    eventually(lambda: [instance.host for instance in service.instances()].count("gone") == 0)
    eventually(lambda: executions(sessions)[0].status == "lost")
    alive = service.instances()[0].heartbeat_at
    eventually(lambda: service.instances()[0].heartbeat_at > alive)


def test_a_scheduler_unregisters(start: Start, sessions: sessionmaker[Session], bridge: TaskBridge) -> None:
    service = SchedulerService(sessions, bridge)
    service.start()
    service.shutdown()
    assert start().instances()[0].process_id
    assert len(service.instances()) == 1


def test_a_scheduler_does_not_start_with_jobs_that_cannot_run(
    jobs: Jobs, sessions: sessionmaker[Session]
) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    with pytest.raises(UnknownTaskKey):
        SchedulerService(sessions, TaskBridge()).start()
    with sessions.begin() as session:
        session.execute(update(ScheduledJob).where(ScheduledJob.id == job.id).values(arguments={"limits": 1}))
    with pytest.raises(TypeError, match="limits"):
        SchedulerService(sessions, TaskBridge({"users.sync": sync_users})).start()

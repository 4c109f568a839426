"""Jobs that are fired on time, each moment once, whoever dies and whatever stands in other rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("cronsim")

from celery import Celery
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.models import ScheduledJob, ScheduledJobExecution, SchedulerInstance, utcnow
from celery_lint.runtime.records import Attempt, begin, patiently
from celery_lint.runtime.schedule import Cron, Every
from celery_lint.runtime.scheduler import Due, Scheduler, due
from tests.proofs.pools import LONG

app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
away.conf.task_publish_retry_policy = {"max_retries": 0}
ran: list[str | None] = []
gate = threading.Event()


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    ran.append(execution_id)
    return f"{limit} users"


@app.task
def waits(execution_id: str | None = None) -> None:
    ran.append(execution_id)
    gate.wait(60)


@app.task
def silent() -> None: ...


@away.task
def unreachable(execution_id: str | None = None) -> None: ...


@pytest.fixture
def bridge() -> TaskBridge:
    return TaskBridge({"users.sync": sync_users, "waits": waits}, enabled=False)


@pytest.fixture
def jobs(sessions: sessionmaker[Session], bridge: TaskBridge) -> Jobs:
    ran.clear()
    gate.clear()
    return Jobs(sessions, bridge)


Start = Callable[..., Scheduler]


@pytest.fixture
def start(jobs: Jobs) -> Iterator[Start]:
    started: list[Scheduler] = []

    def begin(of: Jobs | None = None, **options: Any) -> Scheduler:
        scheduler = Scheduler(of or jobs, **{"poll": 0.1, **options})
        scheduler.start()
        started.append(scheduler)
        return scheduler

    yield begin
    gate.set()
    for scheduler in started:
        scheduler.shutdown()


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def executions(sessions: sessionmaker[Session]) -> list[ScheduledJobExecution]:
    with sessions() as session:
        latest = select(ScheduledJobExecution).order_by(ScheduledJobExecution.scheduled_at)
        return list(session.scalars(latest))


def overdue(sessions: sessionmaker[Session], job: ScheduledJob, by: timedelta) -> datetime:
    """Let a moment of a job have passed so long ago; that moment."""
    moment = utcnow().replace(microsecond=0) - by
    with sessions.begin() as session:
        session.execute(update(ScheduledJob).where(ScheduledJob.id == job.id).values(next_run_at=moment))
    return moment


# ------------------------------------------------------------------------------------ which moment


NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "coalesce, grace, late, moment, following, missed",
    [
        (True, 60, 0, 0, 1, None),
        (True, 60, 0.9, 0, 1, None),
        (True, 60, 10.5, 10, 11, None),  # one run for ten moments
        (False, 60, 10.5, None, 10, 0),  # what is too old is passed over, the rest is made up for one by one
        (False, None, 10.5, 0, 1, None),
        (True, None, 10.5, 10, 11, None),
        (True, 20, 10.5, None, 11, 10),  # also the last one is too old
    ],
)
def test_which_moment_is_made_up_for(
    coalesce: bool,
    grace: int | None,
    late: float,
    moment: float | None,
    following: float,
    missed: float | None,
) -> None:
    job = ScheduledJob(next_run_at=NOON, coalesce=coalesce, misfire_grace_time=grace)

    def at(minutes: float | None) -> datetime | None:
        return None if minutes is None else NOON + minutes * MINUTE

    for schedule in (Every(MINUTE, NOON - 60 * MINUTE), Cron("* * * * *")):
        assert due(job, schedule, NOON + late * MINUTE) == Due(at(moment), at(following), at(missed))


# ------------------------------------------------------------------------------------ schedulers


def test_each_moment_is_fired_once_by_two_schedulers(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    """None twice, none never: 20 firings, and 200 in the long form."""
    number, moments = (10, 20) if LONG else (5, 4)
    made = [
        jobs.create(
            f"users.{n}", task_key="users.sync", interval_seconds=1, max_instances=1000, coalesce=False
        )
        for n in range(number)
    ]
    for _ in range(2):
        start()
    assert len(jobs.instances()) == 2
    eventually(lambda: len(ran) >= number * moments)
    for job in made:
        jobs.pause(job.id)
    eventually(lambda: all(row.status == "success" for row in executions(sessions)))
    rows = executions(sessions)
    assert sorted(map(str, ran)) == sorted(row.execution_id for row in rows)
    for job in made:
        fired = sorted(row.scheduled_at for row in rows if row.job_id == job.id)
        assert fired == [job.created_at + timedelta(seconds=n + 1) for n in range(len(fired))]


def test_a_moment_that_passed_while_nobody_ran(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    """It is made up for within the grace time, and passed over after it."""
    late = jobs.create("late", task_key="users.sync", interval_days=1, misfire_grace_time=3600)
    too_late = jobs.create("too-late", task_key="users.sync", interval_days=1, misfire_grace_time=60)
    moment = overdue(sessions, late, timedelta(minutes=30))
    overdue(sessions, too_late, timedelta(minutes=30))
    start()
    eventually(lambda: jobs.get(too_late.id).next_run_at > utcnow())
    eventually(lambda: jobs.get(late.id).next_run_at > utcnow())
    eventually(lambda: [row.status for row in executions(sessions)] == ["success"])
    (row,) = executions(sessions)
    assert (row.job_id, row.scheduled_at) == (late.id, moment)


def test_a_paused_and_a_removed_job_are_not_fired(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    paused = jobs.create("paused", task_key="users.sync", interval_seconds=1, misfire_grace_time=None)
    removed = jobs.create("removed", task_key="users.sync", interval_seconds=1)
    jobs.pause(paused.id)
    jobs.remove(removed.id)
    other = jobs.create("users.sync", interval_seconds=1)
    start()
    eventually(lambda: len(executions(sessions)) >= 2)
    assert {row.job_id for row in executions(sessions)} == {other.id}
    resumed = jobs.resume(paused.id)
    assert resumed.next_run_at is not None
    eventually(lambda: any(row.job_id == paused.id for row in executions(sessions)))
    first = min(row.scheduled_at for row in executions(sessions) if row.job_id == paused.id)
    assert first == resumed.next_run_at  # what passed while it was paused is not made up for


def test_a_job_whose_last_run_has_not_ended_waits(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session], caplog: pytest.LogCaptureFixture
) -> None:
    jobs.create("waits", interval_seconds=1, max_instances=1)
    start()
    eventually(lambda: "of it have not ended" in caplog.text)
    assert len(executions(sessions)) == 1


def test_two_schedulers_do_not_start_more_than_may_run(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    """Counted under the lock of the job: all moments are due at once, for four schedulers."""
    job = jobs.create("waits", interval_seconds=1, max_instances=2, coalesce=False, misfire_grace_time=None)
    for _ in range(5):
        overdue(sessions, job, timedelta(seconds=20))
        four = [start() for _ in range(4)]
        eventually(lambda: jobs.get(job.id).next_run_at > utcnow())
        eventually(lambda: len(ran) >= 2)
        open_runs = [row for row in executions(sessions) if row.status not in ("success", "failed")]
        assert len(open_runs) == 2
        jobs.pause(job.id)
        gate.set()
        eventually(lambda: all(row.status == "success" for row in executions(sessions)))
        gate.clear()
        ran.clear()
        jobs.resume(job.id)
        for scheduler in four:
            scheduler.shutdown()


def test_changes_of_other_processes_are_seen(
    sessions: sessionmaker[Session], bridge: TaskBridge, start: Start
) -> None:
    start()
    Jobs(sessions, bridge).create("users.sync", interval_seconds=1)
    eventually(lambda: ran)


BROKEN: list[dict[str, Any]] = [
    {"cron_expression": "0 0 * * *"},  # and an interval
    {"cron_expression": "sunshine", "interval_hours": None, "job_type": "cron"},
    {"task_key": "key.of.a.newer.version"},
    {"time_zone": "Berlin"},
    {"arguments": {"limits": 1}},
    {"arguments": ["no object"]},
    {"interval_hours": -1},
    {"interval_hours": 0},
]


def test_rows_that_do_not_fit_stop_nobody(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is told once, and keeps its moment for the process that knows better."""
    moments = {}
    for number, broken in enumerate(BROKEN):
        bad = jobs.create(f"bad.{number}", task_key="users.sync", interval_hours=1)
        moments[bad.id] = overdue(sessions, bad, timedelta(seconds=30))
        with sessions.begin() as session:
            session.execute(update(ScheduledJob).where(ScheduledJob.id == bad.id).values(**broken))
    good = jobs.create("users.sync", interval_seconds=1)
    start()
    eventually(lambda: len(executions(sessions)) >= 2)
    assert {row.job_id for row in executions(sessions)} == {good.id}
    assert {number: jobs.get(number).next_run_at for number in moments} == moments
    told = {number: caplog.text.count(f"row {number} is left alone") for number in moments}
    assert told == dict.fromkeys(moments, 1)


def test_a_job_whose_next_moment_nobody_has_worked_out(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    with sessions.begin() as session:
        session.execute(update(ScheduledJob).values(next_run_at=None))
    start()
    eventually(lambda: jobs.get(job.id).next_run_at == job.next_run_at)
    assert executions(sessions) == []


# ------------------------------------------------------------------------------------ sending again


def claimed(sessions: sessionmaker[Session], job: ScheduledJob, ago: timedelta = timedelta(0)) -> str:
    """A run that was claimed by a scheduler that was killed before it sent it; its execution."""
    with sessions.begin() as session:
        row = ScheduledJobExecution(
            job_id=job.id,
            scheduled_at=utcnow() - ago,
            sendings=1,
            leased_until=utcnow() - timedelta(seconds=1),
        )
        session.add(row)
    return row.execution_id


def test_what_is_not_known_to_be_sent_is_sent_again_under_the_same_id(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    job = jobs.create("users.sync", interval_hours=1, max_instances=1)
    execution_id = claimed(sessions, job)
    start()
    eventually(lambda: jobs.execution(execution_id).status == "success")
    assert ran == [execution_id]
    row = jobs.execution(execution_id)
    assert (row.sendings, row.attempts) == (2, 1)


def test_of_two_messages_of_a_run_one_runs(sessions: sessionmaker[Session], jobs: Jobs) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    execution_id = claimed(sessions, job)
    second, first = Attempt(execution_id, sending=2), Attempt(execution_id, sending=1)
    assert patiently(sessions, lambda session: begin(session, second)) is None
    refused = patiently(sessions, lambda session: begin(session, first))
    assert "another of them has begun" in str(refused)
    again = Attempt(execution_id, sending=2)  # its worker died, and the broker delivers it again
    assert patiently(sessions, lambda session: begin(session, again)) is None
    assert jobs.execution(execution_id).attempts == 2


def test_a_run_for_which_it_is_too_late_is_given_up(
    sessions: sessionmaker[Session], jobs: Jobs, start: Start
) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    execution_id = claimed(sessions, job, timedelta(minutes=10))
    start()
    eventually(lambda: jobs.execution(execution_id).status == "lost")
    assert "not known whether it was sent" in (jobs.execution(execution_id).error_message or "")
    assert ran == []


def test_a_run_that_the_broker_does_not_take_is_sent_when_it_does(
    sessions: sessionmaker[Session], start: Start
) -> None:
    """The moment is not lost, and nothing else waits for it."""
    failing = Jobs(sessions, TaskBridge({"job": unreachable}))
    job = failing.create("job", interval_seconds=1, misfire_grace_time=600)
    scheduler = start(failing, lease=0.5)
    eventually(lambda: any(row.sendings >= 2 for row in executions(sessions)))
    scheduler.shutdown()
    (row,) = executions(sessions)
    assert (row.status, row.begun_sending) == ("pending", None)
    assert "could not be sent: OperationalError" in (row.error_message or "")
    failing.pause(job.id)
    start(Jobs(sessions, TaskBridge({"job": sync_users}, enabled=False)), lease=0.5)
    eventually(lambda: executions(sessions)[0].status == "success")
    assert ran == [row.execution_id]


# ------------------------------------------------------------------------------------ instances


def test_instances_that_are_silent_are_forgotten_and_lost_runs_marked(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    job = jobs.create("users.sync", interval_hours=1)
    with sessions.begin() as session:
        long_ago = utcnow() - timedelta(days=1)
        session.add(SchedulerInstance(host="gone", process_id=1, heartbeat_at=long_ago))
        session.add(ScheduledJobExecution(job_id=job.id, status="running", started_at=long_ago))
    start(heartbeat=0.2)
    eventually(lambda: [instance.host for instance in jobs.instances()].count("gone") == 0)
    eventually(lambda: executions(sessions)[0].status == "lost")
    alive = jobs.instances()[0].heartbeat_at
    eventually(lambda: jobs.instances()[0].heartbeat_at > alive)


def test_an_instance_that_was_taken_for_dead_comes_back(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    start(heartbeat=0.2)
    (known,) = jobs.instances()
    with sessions.begin() as session:
        session.execute(delete(SchedulerInstance))
    eventually(jobs.instances)
    assert jobs.instances()[0].id == known.id


def test_long_runs_in_this_process_do_not_stop_the_heartbeat(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    jobs.create("waits", interval_seconds=1, max_instances=10)
    start(heartbeat=0.2, at_once=2)
    eventually(lambda: len(ran) == 2)
    for _ in range(3):
        alive = jobs.instances()[0].heartbeat_at
        eventually(lambda alive=alive: jobs.instances()[0].heartbeat_at > alive)
    assert len(executions(sessions)) == 2  # it claims no more than it can make


def test_a_process_that_is_full_leaves_the_jobs_to_others(
    jobs: Jobs, start: Start, sessions: sessionmaker[Session]
) -> None:
    waiting = jobs.create("waits", interval_seconds=1, max_instances=1)
    start(at_once=1)
    eventually(lambda: ran)
    jobs.pause(waiting.id)
    job = jobs.create("users.sync", interval_seconds=1)
    start(at_once=1)
    eventually(lambda: any(row.job_id == job.id and row.status == "success" for row in executions(sessions)))


def test_a_scheduler_unregisters(start: Start, jobs: Jobs) -> None:
    scheduler = Scheduler(jobs)
    scheduler.start()
    with pytest.raises(RuntimeError, match="runs already"):
        scheduler.start()
    scheduler.shutdown()
    assert jobs.instances() == []
    scheduler.start()
    scheduler.shutdown()


def test_a_scheduler_does_not_start_with_tasks_that_nobody_reports(sessions: sessionmaker[Session]) -> None:
    jobs = Jobs(sessions, TaskBridge({"silent": silent}))
    with pytest.raises(TypeError, match=r"nobody reports how these tasks end: 'silent'"):
        Scheduler(jobs).start()
    assert jobs.instances() == []


def test_the_clock_is_that_of_the_database(sessions: sessionmaker[Session]) -> None:
    from celery_lint.runtime.sending import now_of

    with sessions() as session:
        first = now_of(session)
        session.execute(text("select 1"))
        assert first.tzinfo is timezone.utc
        assert abs(first - utcnow()) < timedelta(minutes=5)

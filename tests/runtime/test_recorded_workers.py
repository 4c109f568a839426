"""What real workers record of tasks that know nothing of executions."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("cronsim")

from sqlalchemy import create_engine, select
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime.models import FINAL, Base, ScheduledJob, ScheduledJobExecution
from celery_lint.runtime.records import MOST_LOST_ATTEMPTS
from tests.runtime.databases import driven, fresh

if TYPE_CHECKING:
    from tests.proofs.harness import Servers, Worker

DEADLINE = 120.0


def until(condition: Any) -> bool:
    from tests.proofs.harness import until as wait

    return wait(condition, DEADLINE)


class Recorded:
    """A worker, and what stands in the database about what it was sent."""

    def __init__(self, worker: Worker, url: str) -> None:
        self.worker = worker
        self.engine = create_engine(driven(url))
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    def add(self) -> str:
        """A new execution, committed."""
        with self.sessions.begin() as session:
            job = ScheduledJob(
                job_key="recorded", task_key="recorded", job_type="interval", interval_minutes=5
            )
            session.add(job)
            session.flush()
            row = ScheduledJobExecution(job_id=job.id, sendings=1)
            session.add(row)
        return row.execution_id

    def send(
        self, task: str, *arguments: Any, execution_id: str = "", sending: int = 1, **options: Any
    ) -> str:
        """Send a task as the bridge does; its execution."""
        execution_id = execution_id or self.add()
        headers = {"execution_id": execution_id, "execution_sending": sending}
        name = f"recorded.{task}"
        self.worker._send(
            name, arguments, {"headers": headers, "task_id": execution_id, "ignore_result": True, **options}
        )
        return execution_id

    def row(self, execution_id: str) -> ScheduledJobExecution:
        with self.sessions() as session:
            wanted = select(ScheduledJobExecution).where(ScheduledJobExecution.execution_id == execution_id)
            return session.scalars(wanted).one()

    def ended(self, execution_id: str) -> tuple[str, str | None, int]:
        """How it ended: its state, what is said of it, and how often it began."""
        assert until(lambda: self.row(execution_id).status in FINAL), self.worker.log()[-3000:]
        row = self.row(execution_id)
        return row.status, row.error_message, row.attempts

    def runs(self, execution_id: str) -> int:
        return sum(name.startswith(execution_id) for name in self.worker.marks())

    def begun(self, execution_id: str) -> bool:
        return until(lambda: self.runs(execution_id) > 0)


@pytest.fixture(scope="module")
def home(servers: Servers, _postgres: str) -> Iterator[Servers]:
    """Servers with a database for the tests of this module."""
    if _postgres.startswith("missing: "):
        pytest.skip(_postgres.removeprefix("missing: "))
    pytest.importorskip("psycopg2")
    with fresh(_postgres) as url:
        engine = create_engine(driven(url))
        Base.metadata.create_all(engine)
        yield servers._replace(database=url)
        engine.dispose()


@pytest.fixture(scope="module")
def workers(home: Servers) -> Iterator[Any]:
    """One worker for each pool that is asked for."""
    from tests.proofs.harness import Worker

    folder = Path(__file__).parent / "applications"
    with ExitStack() as stack:
        known: dict[str, Recorded] = {}

        def started(pool: str) -> Recorded:
            if pool not in known:
                variables = {"RECORDED_POOL": pool}
                worker = stack.enter_context(
                    Worker("recorded", pool, home, folder=folder, environment=variables)
                )
                known[pool] = Recorded(worker, home.database)
                stack.callback(known[pool].engine.dispose)
            return known[pool]

        yield started


@pytest.fixture(params=["prefork", "threads", "solo", "gevent", "eventlet"])
def recorded(request: pytest.FixtureRequest, workers: Any) -> Recorded:
    if request.param in ("gevent", "eventlet"):
        pytest.importorskip(request.param)
    found: Recorded = workers(request.param)
    return found


@pytest.fixture
def prefork(workers: Any) -> Recorded:
    found: Recorded = workers("prefork")
    return found


def test_success_failure_and_retry(recorded: Recorded) -> None:
    (recorded.worker.marks_folder / "succeed").unlink(missing_ok=True)
    retried = recorded.send("is_retried")
    good, bad, rejected = (recorded.send(task) for task in ("succeeds", "fails", "rejects"))
    assert recorded.ended(good) == ("success", None, 1)
    assert recorded.row(good).result_summary == "3 users"
    assert recorded.ended(bad) == ("failed", "ValueError: no users\\x00", 1)
    assert recorded.ended(rejected) == ("failed", "rejected: no good", 1)
    # The next attempt may begin at once, and clears what the last one has left.
    seen = []

    def is_waiting() -> bool:
        seen.append(recorded.row(retried))
        return seen[-1].status == "retrying"

    assert until(is_waiting)
    assert (seen[-1].error_message, seen[-1].completed_at) == ("ConnectionError: busy", None)
    (recorded.worker.marks_folder / "succeed").touch()
    assert recorded.ended(retried) == ("success", None, recorded.runs(retried))
    assert recorded.runs(retried) >= 2


def test_a_run_that_is_sent_twice_runs_once(recorded: Recorded) -> None:
    """The second message comes while the first runs, and another after it has ended."""
    execution_id = recorded.send("sleeps", 1)
    for sending in (2, 3):
        recorded.send("sleeps", 0, execution_id=execution_id, sending=sending)
    assert recorded.ended(execution_id) == ("success", None, 1)
    recorded.send("sleeps", 0, execution_id=execution_id, sending=4)
    assert until(lambda: recorded.worker.log().count(f"execution {execution_id} is not run") == 3)
    assert recorded.ended(execution_id) == ("success", None, 1)
    assert recorded.runs(execution_id) == 1


def test_a_soft_limit_in_a_coroutine(prefork: Recorded) -> None:
    execution_id = prefork.send("sleeps", 60, soft_time_limit=1, time_limit=60)
    assert prefork.ended(execution_id) == ("failed", "SoftTimeLimitExceeded: SoftTimeLimitExceeded()", 1)


def test_a_hard_limit_is_seen_by_the_main_process(prefork: Recorded) -> None:
    from importlib.metadata import version

    if tuple(map(int, version("celery").split(".")[:2])) < (5, 7):
        pytest.skip("Celery tells of hard limits since 5.7; before, the run is given up for lost")
    # Its soft limit is ignored by the task: prefork enforces no hard limit below a soft one.
    execution_id = prefork.send("stubborn", 60, soft_time_limit=1, time_limit=2)
    # Its child, which is told to end, may say so first.
    assert until(lambda: prefork.row(execution_id).status == "failed")
    assert prefork.ended(execution_id) == ("failed", "TimeLimitExceeded: TimeLimitExceeded(2,)", 1)


def test_revoked_while_it_runs_and_expired_before(prefork: Recorded) -> None:
    running = prefork.send("sleeps", 60)
    assert prefork.begun(running)
    prefork.worker.revoke(running)
    assert until(lambda: prefork.row(running).status == "revoked")
    assert prefork.ended(running) == ("revoked", "revoked", 1)
    expired = prefork.send("succeeds", expires=-1)
    assert prefork.ended(expired) == ("revoked", "expired before a worker took it", 0)


def test_a_run_that_kills_its_worker_is_given_up(prefork: Recorded) -> None:
    execution_id = prefork.send("dies")
    status, message, attempts = prefork.ended(execution_id)
    assert until(lambda: prefork.row(execution_id).status == "failed"), (status, message)
    status, message, attempts = prefork.ended(execution_id)
    assert (status, attempts) == ("failed", MOST_LOST_ATTEMPTS)
    assert message == f"{MOST_LOST_ATTEMPTS} attempts ended without a word: it kills its workers"
    assert prefork.runs(execution_id) == MOST_LOST_ATTEMPTS


def test_a_run_that_is_not_delivered_again_is_lost(prefork: Recorded) -> None:
    execution_id = prefork.send("dies_once")
    status, message, attempts = prefork.ended(execution_id)
    assert (status, attempts) == ("lost", 1)
    assert (message or "").startswith("WorkerLostError: ")


def test_a_child_that_is_killed_from_outside(prefork: Recorded) -> None:
    execution_id = prefork.send("sleeps", 5)
    assert prefork.begun(execution_id)
    (name,) = (name for name in prefork.worker.marks() if name.startswith(execution_id))
    os.kill(int((prefork.worker.marks_folder / name).read_text()), signal.SIGKILL)
    assert until(lambda: prefork.row(execution_id).status == "success")
    assert prefork.ended(execution_id) == ("success", None, 2)
    assert prefork.row(execution_id).lost_attempts == 1

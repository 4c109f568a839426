"""What is recorded of executions when the broker, the database or the worker goes away in mid-task."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("celery")
pytest.importorskip("cronsim")

from celery import Celery
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.models import FINAL, Base, ScheduledJob, ScheduledJobExecution
from celery_lint.runtime.scheduler import Scheduler
from celery_lint.runtime.tracking import lost_executions
from tests.proofs import services
from tests.runtime.databases import driven, fresh

if TYPE_CHECKING:
    from tests.proofs.harness import Servers, Worker

#: Seconds that a machine with much else to do may need.
DEADLINE = 120.0


class Executions:
    """The rows of executions, in a database that the test has to itself."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(driven(url))
        Base.metadata.create_all(self.engine)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    def add(self, number: int) -> list[str]:
        """New executions, committed; their ids."""
        with self.sessions.begin() as session:
            job = ScheduledJob(job_key="faulty", task_key="faulty", job_type="interval", interval_minutes=5)
            session.add(job)
            session.flush()
            rows = [ScheduledJobExecution(job_id=job.id) for _ in range(number)]
            session.add_all(rows)
        return [row.execution_id for row in rows]

    def rows(self) -> list[ScheduledJobExecution]:
        with self.sessions() as session:
            return list(session.scalars(select(ScheduledJobExecution)))

    def outcomes(self) -> set[tuple[str, int]]:
        """The states and numbers of attempts that occur."""
        return {(row.status, row.attempts) for row in self.rows()}

    def ended(self, number: int) -> bool:
        """Whether so many have ended."""
        return sum(row.status in FINAL for row in self.rows()) >= number

    def asleep(self, worker: Worker) -> int:
        """How many tasks wait for the database; what comes before that is recorded."""
        waiting = "select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active'"
        with self.engine.connect() as connection:
            return int(
                connection.execute(text(f"{waiting} and application_name = '{worker.name}'")).scalar_one()
            )

    def end_connections_of(self, worker: Worker) -> int:
        """End the worker's connections as an administrator does, or a restart of the server."""
        return self._end_connections(f"application_name = '{worker.name}'")

    def end_idle_connections(self) -> int:
        """End those connections to this database that nobody uses at the moment."""
        return self._end_connections("datname = current_database() and state = 'idle'")

    def _end_connections(self, which: str) -> int:
        ended = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and "
        with self.engine.connect() as connection:
            return len(connection.execute(text(ended + which)).all())

    def forget_the_silent(self) -> None:
        """What a scheduler does at each heartbeat."""
        with self.sessions.begin() as session:
            session.execute(lost_executions(timedelta(0)))


@pytest.fixture
def own(database: Servers) -> Iterator[Servers]:
    """The servers with a database of the test's own."""
    with fresh(database.database) as url:
        yield database._replace(database=url)


@pytest.fixture
def executions(own: Servers) -> Iterator[Executions]:
    made = Executions(own.database)
    yield made
    made.engine.dispose()


class Broker:
    """A Redis that can be stopped and started again, and keeps what it has."""

    def __init__(self, folder: Path) -> None:
        self.port = services._free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = services._redis_server()
        keeping = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(folder)]
        self.command = [program, "--port", str(self.port), "--bind", "127.0.0.1", *keeping]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, start_new_session=True)
        services._wait_for_port(self.port, self.process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    try:
        made = Broker(tmp_path)
    except services.Missing as missing:
        pytest.skip(str(missing))
    yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def start(own: Servers) -> Iterator[Any]:
    """Start a worker with the tasks of ``applications/faulty.py``."""
    from contextlib import ExitStack

    from tests.proofs.harness import Worker

    folder = Path(__file__).parent / "applications"
    with ExitStack() as stack:

        def started(broker: str = "") -> Worker:
            servers = own._replace(broker=broker or own.broker)
            return stack.enter_context(Worker("faulty", "prefork", servers, folder=folder))

        yield started


def until(condition: Any) -> bool:
    from tests.proofs.harness import until as wait

    return wait(condition, DEADLINE)


def runs(worker: Worker) -> dict[str, list[int]]:
    """For each execution that has begun, the processes that ran it."""
    found: dict[str, list[int]] = {}
    for name in worker.marks():
        if " " in name:
            path = worker.marks_folder / name
            found.setdefault(name.partition(" ")[0], []).append(int(path.read_text() or 0))
    return found


def counted(worker: Worker, executions: Executions) -> bool:
    """Whether every run is counted in the row of its execution, and none is counted that was not."""
    begun = runs(worker)
    return all(row.attempts == len(begun.get(row.execution_id, [])) for row in executions.rows())


def test_a_broker_that_goes_away_and_comes_back(start: Any, executions: Executions, broker: Broker) -> None:
    """Nothing is lost; what ran while it was away may run again, and is counted."""
    worker = start(broker.url)
    ids = executions.add(10)
    for execution_id in ids:
        worker.send("queries", execution_id, 0.3)
    assert until(lambda: len(runs(worker)) >= 3)
    broker.stop()
    begun = len(runs(worker))
    assert until(lambda: executions.ended(begun)), "what runs needs no broker"
    broker.start()
    assert until(lambda: executions.ended(10)), worker.log()[-3000:]
    assert {row.status for row in executions.rows()} == {"success"}
    assert counted(worker, executions)


def test_connections_that_are_ended_in_mid_query(start: Any, executions: Executions) -> None:
    """The task fails, and is run again by its retry policy."""
    worker = start()
    for execution_id in executions.add(2):
        worker.send("queries", execution_id, 60)
    assert until(lambda: executions.asleep(worker) == 2)
    assert executions.end_connections_of(worker) >= 2
    assert until(lambda: executions.outcomes() == {("success", 2)}), executions.outcomes()
    assert counted(worker, executions)


def test_connections_that_are_ended_while_nobody_uses_them(start: Any, executions: Executions) -> None:
    """The task never notices, and its end is recorded all the same."""
    worker = start()
    for execution_id in executions.add(2):
        worker.send("pauses", execution_id, "go-on")
    assert until(lambda: len(runs(worker)) == 2)
    assert executions.end_connections_of(worker) >= 2
    (worker.marks_folder / "go-on").touch()
    assert until(lambda: executions.ended(2)), worker.log()[-3000:]
    assert executions.outcomes() == {("success", 1)}


def test_a_process_that_is_killed_in_mid_task(start: Any, executions: Executions) -> None:
    """Its parent gives the message back to the broker at once."""
    worker = start()
    (execution_id,) = executions.add(1)
    worker.send("queries", execution_id, 60)
    assert until(lambda: executions.asleep(worker) == 1)
    os.kill(runs(worker)[execution_id][0], signal.SIGKILL)
    assert until(lambda: executions.outcomes() == {("success", 2)}), executions.outcomes()
    assert counted(worker, executions)


def test_a_worker_that_is_killed_in_mid_task(start: Any, executions: Executions) -> None:
    """With late acknowledgement the broker delivers again; without, the scheduler tells that it is lost."""
    worker = start()
    late, early = executions.add(2)
    worker.send("queries", late, 60)
    worker.send("queries_once", early, 60)
    assert until(lambda: executions.asleep(worker) == 2)
    worker.kill()
    assert executions.outcomes() == {("running", 1)}
    worker.launch()
    assert until(lambda: executions.ended(1)), worker.log()[-3000:]
    assert executions.outcomes() == {("success", 2), ("running", 1)}
    executions.forget_the_silent()
    states = {row.execution_id: (row.status, row.attempts) for row in executions.rows()}
    assert states == {late: ("success", 2), early: ("lost", 1)}
    assert counted(worker, executions)


def test_a_scheduler_whose_connections_are_ended(executions: Executions, own: Servers) -> None:
    """No moment is left out."""
    app = Celery("faults", broker="memory://", set_as_current=False)

    @app.task
    def nothing(execution_id: str) -> None:
        return None

    engine = create_engine(driven(own.database))
    bridge = TaskBridge({"nothing": nothing}, enabled=False)
    jobs = Jobs(sessionmaker(engine, expire_on_commit=False), bridge)
    job = jobs.create("nothing", interval_seconds=1, max_instances=100, coalesce=False)
    scheduler = Scheduler(jobs)
    scheduler.start()
    try:
        for number in (1, 2, 3):
            assert until(lambda number=number: executions.ended(number))
            assert until(executions.end_idle_connections)  # at this moment all may be busy
        assert until(lambda: executions.ended(5))
    finally:
        scheduler.shutdown()
        engine.dispose()
    fired = sorted(row.scheduled_at for row in executions.rows())
    assert fired == [job.created_at + timedelta(seconds=number + 1) for number in range(len(fired))]

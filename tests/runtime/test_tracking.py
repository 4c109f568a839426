"""The record of an execution by a block, whatever becomes of the task and of the database."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")

from celery import Celery
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from celery_lint.runtime import run_async, shutdown
from celery_lint.runtime.models import ScheduledJob, ScheduledJobExecution, utcnow
from celery_lint.runtime.records import (
    Attempt,
    DuplicateRun,
    Outcome,
    TooManyAttempts,
    begin,
    end,
    end_from_outside,
    outcome_of,
    patiently,
)
from celery_lint.runtime.retries import RetryPolicy
from celery_lint.runtime.tracking import current_run, lost_executions, track, track_execution
from tests.runtime.databases import driven


class Table:
    """A database with one job and one execution of it."""

    def __init__(self, url: str, sessions: sessionmaker[Session]) -> None:
        self.sessions = sessions
        self.asynchronous = create_async_engine(driven(url, asynchronous=True))
        self.async_sessions = async_sessionmaker(self.asynchronous)
        with self.sessions.begin() as session:
            job = ScheduledJob(
                job_key="users.sync", active_key="users.sync", task_key="users.sync", job_type="interval"
            )
            job.interval_minutes = 5
            session.add(job)
            session.flush()
            session.add(ScheduledJobExecution(job_id=job.id, execution_id="e1"))

    @property
    def row(self) -> ScheduledJobExecution:
        with self.sessions() as session:
            return session.scalars(select(ScheduledJobExecution)).one()

    @property
    def outcome(self) -> tuple[str, str | None, int]:
        row = self.row
        return row.status, row.error_message, row.attempts


@pytest.fixture
def table(empty_database: str, sessions: sessionmaker[Session]) -> Iterator[Table]:
    made = Table(empty_database, sessions)
    yield made
    run_async(made.asynchronous.dispose())
    shutdown()


class Away:
    """Sessions of a database that cannot be reached for a while."""

    def __init__(self, sessions: Callable[[], Any], times: int) -> None:
        self.sessions = sessions
        self.left = times

    def __call__(self) -> Any:
        if self.left:
            self.left -= 1
            raise OperationalError("select 1", {}, ConnectionRefusedError("refused"))
        return self.sessions()


def test_success(table: Table) -> None:
    with track_execution(table.sessions, "e1") as run:
        during = table.row
        time.sleep(0.05)
        run.summary = {"users": 3}
    assert (during.status, during.attempts, during.completed_at) == ("running", 1, None)
    row = table.row
    assert (row.status, row.error_message, row.result_summary) == ("success", None, "{'users': 3}")
    assert row.started_at is not None
    assert row.completed_at is not None
    assert row.started_at.tzinfo is not None
    assert row.completed_at >= row.started_at
    assert row.duration_ms is not None
    assert row.duration_ms >= 50


@pytest.mark.parametrize(
    "error, status, message",
    [
        (ValueError("no users"), "failed", "ValueError: no users"),
        (SoftTimeLimitExceeded(), "failed", "SoftTimeLimitExceeded: SoftTimeLimitExceeded()"),
        (SystemExit(1), "lost", "interrupted by SystemExit: 1"),
        (Retry("in 5 s", OSError("busy")), "retrying", "OSError: busy"),
        (Retry("in 5 s"), "retrying", "in 5 s"),
        (Ignore(), "success", None),
        (Reject("no good", requeue=False), "failed", "rejected: no good"),
        (Reject("later", requeue=True), "retrying", "given back to the broker"),
    ],
)
def test_what_the_task_raises_is_recorded_and_goes_on(
    table: Table, error: BaseException, status: str, message: str | None
) -> None:
    with pytest.raises(type(error)) as caught:
        _fail(table, error)
    assert caught.value is error
    assert table.outcome == (status, message, 1)


def _fail(table: Table, error: BaseException) -> None:
    with track_execution(table.sessions, "e1"):
        raise error


def test_the_record_survives_the_rollback_of_the_task(table: Table) -> None:
    if table.sessions.kw["bind"].dialect.name == "sqlite":
        pytest.skip("one writer at a time: the record would wait for the task's own transaction")
    with pytest.raises(ValueError, match="halfway"), table.sessions.begin() as session:
        _work(table, session)
    assert table.row.status == "failed"
    with table.sessions() as session:
        assert session.scalars(select(ScheduledJob)).one().interval_minutes == 5


def _work(table: Table, session: Any) -> None:
    with track_execution(table.sessions, "e1"):
        session.scalars(select(ScheduledJob)).one().interval_minutes = 6
        raise ValueError("halfway")


def test_a_second_attempt_is_counted(table: Table) -> None:
    with pytest.raises(Retry):
        _fail(table, Retry("again"))
    assert table.row.completed_at is None
    with track_execution(table.sessions, "e1"):
        pass
    assert table.outcome == ("success", None, 2)


def test_a_cancelled_coroutine(table: Table) -> None:
    """Nobody told why, and the message may come again."""

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
    assert table.outcome == ("lost", "interrupted by CancelledError: ", 1)


def test_asynchronous_success(table: Table) -> None:
    async def work() -> None:
        async with track_execution(table.async_sessions, "e1") as run:
            run.summary = "x" * 5000

    run_async(work())
    assert table.row.status == "success"
    assert len(table.row.result_summary or "") == 2000


class Mute(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error, message",
    [
        (ValueError("no\x00thing"), "ValueError: no\\x00thing"),
        (FileNotFoundError("/tmp/\udcff"), "FileNotFoundError: /tmp/\\udcff"),
        (Mute(), "Mute: <Mute whose text cannot be had: RuntimeError>"),
    ],
)
def test_texts_that_no_database_takes(table: Table, error: Exception, message: str) -> None:
    with pytest.raises(type(error)) as caught:
        _fail(table, error)
    assert caught.value is error
    assert table.outcome == ("failed", message, 1)


def test_a_summary_without_a_text(table: Table) -> None:
    with track_execution(table.sessions, "e1") as run:
        run.summary = Mute()
    assert table.row.status == "success"
    assert table.row.result_summary == "<Mute whose text cannot be had: RuntimeError>"


def test_a_long_text_of_characters_that_become_longer(table: Table) -> None:
    with pytest.raises(ValueError, match="ä"):
        _fail(table, ValueError("ä\x00" * 3000))
    assert len(table.row.error_message or "") == 2000


# ------------------------------------------------------------------------------------ a database that is away


def test_a_database_that_is_away_at_the_start_and_at_the_end_is_waited_for(table: Table) -> None:
    sessions = Away(table.sessions, 3)
    with track_execution(sessions, "e1") as run:
        assert sessions.left == 0
        run.summary = "done"
        sessions.left = 3
    assert table.outcome == ("success", None, 1)
    assert table.row.result_summary == "done"


def test_the_same_for_a_coroutine(table: Table) -> None:
    async def work() -> None:
        async with track_execution(sessions, "e1"):
            sessions.left = 3

    sessions = Away(table.async_sessions, 3)
    run_async(work())
    assert table.outcome == ("success", None, 1)


def test_what_cannot_be_written_is_told_with_all_that_it_was(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """And the task is not disturbed: its error goes on, and it is run without a record of its start."""
    sessions = Away(table.sessions, 1_000_000)
    run = track_execution(sessions, "e1", patience=0.3)
    with pytest.raises(ValueError, match="the real error"), run:
        _half(run)
    assert table.outcome == ("pending", None, 0)
    told = [
        record.getMessage()
        for record in caplog.records
        if "cannot record execution e1: " in record.getMessage()
    ]
    begun, ended = (json.loads(message.partition(": ")[2]) for message in told)
    assert begun["status"] == "running"
    assert (ended["status"], ended["message"]) == ("failed", "ValueError: the real error")
    assert ended["summary"] == "half"


def _half(run: track_execution) -> None:
    run.summary = "half"
    raise ValueError("the real error")


def test_a_start_that_could_not_be_written_is_made_up_for_at_the_end(table: Table) -> None:
    sessions = Away(table.sessions, 1_000_000)
    with track_execution(sessions, "e1", patience=0.2):
        sessions.left = 0
    assert table.outcome == ("success", None, 1)


def test_a_fault_that_time_does_not_mend_is_not_waited_for(
    table: Table, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with table.sessions.kw["bind"].begin() as connection:
        connection.execute(text("drop table scheduled_job_executions"))
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with pytest.raises(ValueError, match="the real error"):
        _fail(table, ValueError("the real error"))
    assert waited == []
    assert caplog.text.count("cannot record execution e1") == 2


def test_a_row_that_is_missing_is_told(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    with track_execution(table.sessions, "e2"):
        pass
    assert "no execution e2: its row was not committed before dispatch" in caplog.text


def test_without_an_execution_nothing_is_recorded(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    with track_execution(table.sessions, None):
        pass
    assert table.row.status == "pending"
    assert not caplog.records


def test_a_commit_whose_answer_was_lost_is_not_counted_twice(table: Table) -> None:
    class Lost(Session):
        def commit(self) -> None:
            super().commit()
            if lost.pop():
                raise OperationalError("commit", {}, ConnectionResetError("gone"))

    lost = [False, True, False, True]
    sessions = sessionmaker(table.sessions.kw["bind"], class_=Lost)
    with track_execution(sessions, "e1"):
        pass
    assert lost == []
    assert table.outcome == ("success", None, 1)
    assert table.row.lost_attempts == 0


# ------------------------------------------------------------------------------------ which message runs


def test_a_run_that_has_ended_is_not_run_again(table: Table) -> None:
    with track_execution(table.sessions, "e1"):
        pass
    with (
        pytest.raises(DuplicateRun, match="it has ended, and is success"),
        track_execution(table.sessions, "e1"),
    ):
        pytest.fail("it runs")
    assert table.outcome == ("success", None, 1)


def test_an_old_attempt_does_not_overwrite_a_later_one(table: Table) -> None:
    old, new = (track_execution(table.sessions, "e1") for _ in range(2))
    old.__enter__()
    new.__enter__()  # the broker has delivered again what the old one is still at
    new.__exit__(None, None, None)
    old.__exit__(ValueError, ValueError("too late"), None)
    assert table.outcome == ("success", None, 2)


def test_a_message_whose_retry_is_on_its_way(table: Table) -> None:
    """The worker died between sending the retry and acknowledging the message."""

    def start(retries: int) -> Exception | None:
        attempt = Attempt("e1", sending=1, retries=retries)
        refusal = patiently(table.sessions, lambda session: begin(session, attempt))
        if refusal is None:
            patiently(table.sessions, lambda session: end(session, attempt, Outcome("retrying", "later")))
        return refusal

    assert start(0) is None
    assert "its retry 1 is on its way" in str(start(0))
    assert start(1) is None
    assert "its retry 2 is on its way" in str(start(1))
    assert table.outcome == ("retrying", "later", 2)


def test_a_run_that_kills_its_workers_is_given_up(table: Table) -> None:
    for number in range(3):
        track_execution(table.sessions, "e1").__enter__()
        assert table.row.lost_attempts == number
    with pytest.raises(TooManyAttempts) as caught:
        track_execution(table.sessions, "e1").__enter__()
    assert caught.value.requeue is False
    assert table.outcome == ("failed", "3 attempts ended without a word: it kills its workers", 3)


def test_a_run_that_was_believed_lost_may_come_back(table: Table) -> None:
    with track_execution(table.sessions, "e1"):
        assert _give_up(table, timedelta(hours=1)).status == "running"
        row = _give_up(table, timedelta(0))
        assert row.status == "lost"
        assert row.completed_at is not None
    assert table.outcome == ("success", None, 1)


def _give_up(table: Table, older_than: timedelta) -> ScheduledJobExecution:
    with table.sessions.begin() as session:
        session.execute(lost_executions(older_than, utcnow() + timedelta(seconds=1)))
    return table.row


def test_an_interruption_does_not_replace_what_interrupted(table: Table) -> None:
    """The main process of a worker has written that a hard limit ended the run, and its child follows."""
    attempt = Attempt("e1", sending=1, retries=0)
    assert patiently(table.sessions, lambda session: begin(session, attempt)) is None
    limit = Outcome("failed", "TimeLimitExceeded: 2")
    patiently(table.sessions, lambda session: end_from_outside(session, "e1", limit))
    patiently(table.sessions, lambda session: end(session, attempt, outcome_of(SystemExit(1))))
    assert table.outcome == ("failed", "TimeLimitExceeded: 2", 1)


def test_deaths_that_celery_has_sent_anew_are_counted(table: Table) -> None:
    died = Outcome("retrying", "WorkerLostError", worker_died=True)
    for retries in range(3):
        attempt = Attempt("e1", sending=1, retries=retries)
        assert patiently(table.sessions, lambda session, a=attempt: begin(session, a)) is None
        patiently(table.sessions, lambda session: end_from_outside(session, "e1", died))
    last = Attempt("e1", sending=1, retries=3)
    assert isinstance(patiently(table.sessions, lambda session: begin(session, last)), TooManyAttempts)
    assert table.row.lost_attempts == 3


def test_starts_at_the_same_time(table: Table) -> None:
    """Many messages of one run, each of another sending: one begins."""
    begun: list[Attempt] = []
    refused: list[Exception] = []
    barrier = threading.Barrier(8)

    def start(number: int) -> None:
        attempt = Attempt("e1", sending=number)
        barrier.wait(30)
        refusal = patiently(table.sessions, lambda session: begin(session, attempt))
        refused.append(refusal) if refusal else begun.append(attempt)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(begun), len(refused)) == (1, 7)
    assert table.row.begun_sending == begun[0].sending


# ------------------------------------------------------------------------------------ with Celery's signals


@pytest.fixture
def app() -> Celery:
    return Celery("blocks", broker="memory://", backend="cache+memory://", set_as_current=False)


def test_a_retry_of_the_policy_is_foreseen_by_the_block(app: Celery, table: Table) -> None:
    """The block sees the error, and Celery makes a retry of it afterwards."""
    seen: list[str] = []

    @app.task(name="foreseen", **RetryPolicy((ConnectionError,), limit=1, jitter=False).options())
    def foreseen(execution_id: str) -> None:
        try:
            with track_execution(table.sessions, execution_id):
                raise ConnectionError("busy")
        finally:
            seen.append(table.row.status)

    with pytest.raises(ConnectionError):
        foreseen.apply(kwargs={"execution_id": "e1"}, throw=False).get(disable_sync_subtasks=False)
    assert seen == ["retrying", "failed"]
    assert table.outcome == ("failed", "ConnectionError: busy", 2)


def test_what_follows_the_block_is_written_as_well(app: Celery, table: Table) -> None:
    @app.task(name="afterwards")
    def afterwards(execution_id: str) -> None:
        with track_execution(table.sessions, execution_id):
            pass
        raise ValueError("after the block")

    with pytest.raises(ValueError, match="after the block"):
        afterwards.apply(kwargs={"execution_id": "e1"}, throw=True)
    assert table.outcome == ("failed", "ValueError: after the block", 1)


def test_the_same_from_a_coroutine(app: Celery, table: Table) -> None:
    async def work(execution_id: str) -> None:
        async with track_execution(table.async_sessions, execution_id):
            pass

    @app.task(name="coroutine")
    def coroutine(execution_id: str) -> None:
        run_async(work(execution_id))
        raise ValueError("after the block")

    with pytest.raises(ValueError, match="after the block"):
        coroutine.apply(kwargs={"execution_id": "e1"}, throw=True)
    assert table.outcome == ("failed", "ValueError: after the block", 1)


HEADERS = {"execution_id": "e1", "execution_sending": 1}


def tracked(table: Table) -> Celery:
    made = Celery("tracked", broker="memory://", backend="cache+memory://", set_as_current=False)
    track(made, table.sessions)
    return made


def test_a_task_without_any_code_for_it(table: Table) -> None:
    @tracked(table).task(name="plain")
    def plain() -> None:
        assert table.row.status == "running"
        current_run().summary = "3 users"

    plain.apply(headers=HEADERS, throw=True)
    assert table.outcome == ("success", None, 1)
    assert table.row.result_summary == "3 users"


def test_a_second_message_of_it_is_ignored(table: Table) -> None:
    ran: list[int] = []

    @tracked(table).task(name="once")
    def once() -> None:
        ran.append(1)

    once.apply(headers=HEADERS, throw=True)
    assert once.apply(headers={**HEADERS, "execution_sending": 2}).state == "IGNORED"
    assert ran == [1]
    assert table.outcome == ("success", None, 1)


def test_the_block_leaves_the_record_to_the_application(table: Table) -> None:
    @tracked(table).task(name="both")
    def both(execution_id: str) -> None:
        with track_execution(table.sessions, execution_id) as run:
            run.summary = "from the block"
        assert table.row.status == "running"
        run_async(work())

    async def work() -> None:
        async with track_execution(table.async_sessions, "e1") as run:
            run.summary = f"{run.summary} and the coroutine"

    both.apply(kwargs={"execution_id": "e1"}, headers=HEADERS, throw=True)
    assert table.outcome == ("success", None, 1)
    assert table.row.result_summary == "from the block and the coroutine"


def test_a_task_that_calls_another_one_here(table: Table) -> None:
    application = tracked(table)

    @application.task(name="inner")
    def inner() -> None:
        current_run().summary = "nobody looks"

    @application.task(name="outer")
    def outer() -> None:
        current_run().summary = "outer"
        inner.apply(throw=True)
        assert current_run().summary == "outer"
        raise OSError("after it")

    with pytest.raises(OSError, match="after it"):
        outer.apply(headers=HEADERS, throw=True)
    assert table.outcome == ("failed", "OSError: after it", 1)
    assert table.row.result_summary == "outer"


def test_an_application_that_has_tasks_already_is_told(sessions: sessionmaker[Session]) -> None:
    late = Celery("late", broker="memory://", set_as_current=False)

    @late.task(lazy=False)
    def early() -> None: ...

    with pytest.raises(RuntimeError, match="before its first task"):
        track(late, sessions)


def test_a_record_that_waits_does_not_hold_what_the_row_says_of_revokes(table: Table) -> None:
    with track_execution(table.sessions, "e1"), table.sessions.begin() as session:
        session.execute(update(ScheduledJobExecution).values(status="revoked", error_message="revoked"))
    assert table.outcome == ("revoked", "revoked", 1)

"""Proofs of what others get to know of a task, and of locks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import celery
import pytest
from celery import Celery

from tests.proofs.harness import Outcome, Servers, Worker, until

Start = Callable[..., Worker]


@pytest.fixture
def worker(start: Start, servers: Servers) -> Worker:
    """A worker of two processes."""
    return start("states", "prefork", servers)


@pytest.mark.proof("CEL431")
def test_an_exception_is_made_again_from_its_arguments(worker: Worker) -> None:
    """Where they do not fit, another one takes its place."""
    assert worker.good("raises_what_can_be_made_again").failed_only_with("OrderError: 1, nothing to pay")
    bad = worker.bad("raises_what_cannot_be_made_again")
    assert bad.succeeded == 0
    assert not bad.failed_only_with("PaymentError: .*")


@pytest.mark.proof("CEL432")
def test_a_failure_without_its_exception_cannot_be_read(worker: Worker) -> None:
    """Whoever asks for the result gets an error of Celery's own."""
    task_id = worker._send("states.fails_by_hand", (), {})
    assert until(lambda: "failed-by-hand" in worker.marks())
    with pytest.raises(ValueError, match="Exception information must include the exception type") as caught:
        worker.app.backend.get_result(task_id)
    text = f"ValueError: {caught.value}"
    worker.outcomes.append(("bad", "fails_by_hand()", Outcome(1, 0, {text: 1}, 0, [], None, 0)))
    assert worker.good("fails").failed_only_with("ValueError: the disk is full")


@pytest.mark.proof("CEL432")
def test_only_a_database_stores_the_end_over_such_a_failure(tmp_path: Path) -> None:
    """The other backends read a state before they store another."""
    for reading in ("cache+memory://", f"file://{tmp_path}"):
        backend = Celery(backend=reading).backend
        backend.store_result("1", {"error": "no width"}, "FAILURE")
        for state, end in (("FAILURE", OSError("the disk is full")), ("SUCCESS", 3)):
            with pytest.raises(ValueError, match="must include the exception type"):
                backend.store_result("1", end, state)
    database = Celery(backend=f"db+sqlite:///{tmp_path}/results").backend
    for state, end in (("FAILURE", OSError("the disk is full")), ("SUCCESS", 3)):
        database.store_result(state, {"error": "no width"}, "FAILURE")
        with pytest.raises(ValueError, match="must include the exception type"):
            database.get_state(state)
        database.store_result(state, end, state)
        assert database.get_state(state) == state
        assert repr(database.get_result(state)) == repr(end)


@pytest.mark.proof("CEL432")
def test_a_state_of_any_name_ends_with_the_task(tmp_path: Path) -> None:
    """SUCCESS is stored over it, whatever the backend."""
    for url in ("cache+memory://", f"file://{tmp_path}", f"db+sqlite:///{tmp_path}/results"):
        backend = Celery(backend=url).backend
        task = str(uuid.uuid4())  # what is in memory is there for all tests
        backend.store_result(task, {"error": "no width"}, "FAILED")
        assert backend.get_state(task) == "FAILED"
        backend.store_result(task, {"error": "no width"}, "SUCCESS")
        assert backend.get_task_meta(task, cache=False)["status"] == "SUCCESS"


@pytest.mark.proof("CEL433")
def test_success_is_final(worker: Worker, tmp_path: Path) -> None:
    """What the task raises or returns later is not stored; a database stores it before Celery 5.7."""
    assert worker.bad("succeeds_by_hand").results == [{"rows": 3}]
    database = Celery(backend=f"db+sqlite:///{tmp_path}/results").backend
    database.store_result("1", {"rows": 3}, "SUCCESS")
    database.store_result("1", "done", "SUCCESS")
    kept = tuple(map(int, celery.__version__.split(".")[:2])) >= (5, 7)
    assert database.get_task_meta("1", cache=False)["result"] == ({"rows": 3} if kept else "done")
    assert worker.bad("succeeds_too_early").results == [{"rows": 3}]
    assert worker.run("reports_a_list").results == ["done"]
    assert worker.good("reports_progress").failed_only_with("ValueError: the disk is full")


@pytest.mark.proof("CEL434")
def test_a_state_is_json(worker: Worker) -> None:
    """The report of progress fails, and the task with it."""
    assert worker.bad("reports_a_set").failed_only_with(
        "EncodeError: .*Object of type set is not JSON serializable.*"
    )
    assert worker.good("reports_a_list").results == ["done"]


@pytest.mark.proof("CEL527")
def test_a_lock_in_two_steps_is_taken_twice(worker: Worker) -> None:
    """Both processes find it free."""
    assert worker.bad("asks_then_sets", times=2).results == [True, True]
    assert sorted(worker.good("sets_if_free", times=2).results) == [False, True]


@pytest.mark.proof("CEL528")
def test_a_lock_that_never_expires_outlives_its_process(worker: Worker) -> None:
    """Nobody gets it any more."""

    def after(name: str, seconds: float | None) -> list[Any]:
        worker.run("dies_with_the_lock", name, seconds, hung=1)
        return worker.noted("good" if seconds else "bad", "wants_the_lock", name, seconds).results

    assert after("kept", None) == [False]
    assert after("freed", 1) == [True]

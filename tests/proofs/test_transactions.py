"""Proofs of what becomes of tasks that are sent in transactions of Django."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Worker, until

Start = Callable[..., Worker]


@pytest.fixture
def worker(alone: Start) -> Worker:
    """Two processes: one writes while the other reads."""
    pytest.importorskip("django")
    return alone("transactions", "prefork", concurrency=2)


@pytest.mark.proof("CEL623", "CEL626")
def test_a_worker_does_not_see_what_is_not_committed(worker: Worker) -> None:
    """The message is quicker than the transaction."""
    assert worker.bad("sends_at_once").all_succeeded()
    assert until(lambda: worker.marks() == {"missing"})
    worker.forget_marks()
    assert worker.bad("sends_before_commit").all_succeeded()
    assert until(lambda: worker.marks() == {"missing"})
    worker.forget_marks()
    assert worker.good("sends_after_commit").all_succeeded()
    assert until(lambda: worker.marks() == {"found"})


@pytest.mark.proof("CEL623")
def test_a_request_has_one_transaction(worker: Worker) -> None:
    """Under ``ATOMIC_REQUESTS`` a view's own block commits nothing; a view may be taken out."""
    for served, address, mark in (
        (worker.bad, "/buy/", "missing"),
        (worker.good, "/buy-later/", "found"),
        (worker.good, "/buy-alone/", "found"),
    ):
        assert served("serves", address).results == [200]
        assert until(lambda mark=mark: worker.marks() == {mark})  # type: ignore[misc]
        worker.forget_marks()


@pytest.mark.proof("CEL624")
def test_callbacks_run_after_the_loop(worker: Worker) -> None:
    """A name is looked up when it is needed."""
    assert worker.bad("binds_late").all_succeeded()
    assert worker.marks() == {"number 2"}
    worker.forget_marks()
    assert worker.good("binds_now").all_succeeded()
    assert worker.marks() == {"number 0", "number 1", "number 2"}


@pytest.mark.proof("CEL625")
def test_on_commit_calls_what_it_gets(worker: Worker) -> None:
    """Without arguments, and what was called already is no function."""
    assert worker.bad("registers", "sent").failed_only_with(
        r"TypeError: on_commit\(\)'s callback must be a callable.*"
    )
    assert worker.bad("registers", "lacking").failed_only_with(
        r"TypeError: reads\(\) missing 1 required positional argument: 'pk'"
    )
    for form, error in (
        ("for a database", "TypeError: attribute name must be string, not 'int'"),
        ("for another database", "ConnectionDoesNotExist: .*"),
        ("by keyword", r"TypeError: on_commit\(\) got an unexpected keyword argument 'pk'"),
    ):
        assert worker.bad("registers", form).failed_only_with(error)
    assert worker.good("registers", "bound").all_succeeded()


@pytest.mark.proof("CEL627")
def test_receivers_run_before_the_commit(worker: Worker) -> None:
    """One in the transaction that changes the relation, one before the row is written."""
    for form in ("m2m_changed", "pre_save"):
        assert worker.bad("receives", form).all_succeeded()
        assert until(lambda: worker.marks() == {"missing"})
        worker.forget_marks()
    assert worker.good("receives", "after the commit").all_succeeded()
    assert until(lambda: worker.marks() == {"found"})


@pytest.mark.proof("CEL664")
def test_only_tasks_of_django_wait_for_a_commit(worker: Worker) -> None:
    """A class that derives from Celery's own has no such method."""
    assert worker.bad("waits_for_the_commit", "plain").failed_only_with(
        "AttributeError: '.*' object has no attribute 'delay_on_commit'"
    )
    assert worker.good("waits_for_the_commit", "of Django").all_succeeded()
    assert until(lambda: worker.marks() == {"a task of Django"})


@pytest.mark.proof("CEL658")
def test_there_is_no_result_before_the_commit(worker: Worker) -> None:
    """There is nothing that could have an id."""
    assert worker.bad("reads_the_id").failed_only_with(
        "AttributeError: 'NoneType' object has no attribute 'id'"
    )
    assert worker.good("chooses_the_id").results == ["chosen"]

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

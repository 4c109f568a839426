"""Proofs of what canvases hand on, and what tasks and results are in the place of names and ids."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, text_of, until

Start = Callable[..., Worker]


@pytest.fixture
def worker(start: Start, servers: Servers) -> Worker:
    """A worker of two processes."""
    return start("canvases", "prefork", servers)


@pytest.mark.proof("CEL643")
def test_the_result_comes_first(worker: Worker) -> None:
    """The task before it has done its work and fails all the same; the next one never runs."""
    many = "TypeError: notify() takes 1 positional argument but 2 were given"
    assert _failure(worker, "chains_one_too_many") == many
    assert (
        _failure(worker, "chains_one_twice") == "TypeError: notify() got multiple values for argument 'order'"
    )
    nothing = "TypeError: after() takes 0 positional arguments but 1 was given"
    assert _failure(worker, "chords_with_a_body_of_nothing") == (
        "ChordError: Callback error: TypeError('after() takes 0 positional arguments but 1 was given')"
    )
    assert _failure(worker, "pipes_a_group_into_nothing").startswith("ChordError: Callback error: TypeError")
    assert _failure(worker, "links_what_takes_nothing") == nothing
    assert _failure(worker, "links_what_takes_nothing_to_a_chain") == nothing
    assert worker.marks() == {"one"}
    assert worker.good("chains_immutably").all_succeeded()
    assert until(lambda: "notified of 7" in worker.marks())


def _failure(worker: Worker, task: str) -> str:
    """What the task failed with whose id this one returns."""
    answer = worker.answer(worker.bad(task).results[0])
    assert answer is not None
    assert answer["status"] == "FAILURE"
    return text_of(answer["result"])


@pytest.mark.proof("CEL653")
def test_a_result_is_no_id(worker: Worker) -> None:
    """It cannot be sent to the workers."""
    error = r"EncodeError: .*Object of type AsyncResult is not JSON serializable.*"
    assert worker.bad("revokes_a_result").failed_only_with(error)
    assert worker.good("revokes_an_id").all_succeeded()


@pytest.mark.proof("CEL654")
def test_a_task_is_no_name(worker: Worker) -> None:
    """It cannot be sent to anybody."""
    error = "TypeError: Object of type one is not JSON serializable"
    assert worker.bad("sends_a_task_by_itself").failed_only_with(error)
    assert worker.good("sends_a_task_by_name").all_succeeded()


@pytest.mark.proof("CEL663")
def test_a_group_has_no_link(worker: Worker) -> None:
    """Celery says so before it sends anything."""
    error = "TypeError: Cannot add link to group: use a chord"
    assert worker.bad("links_to_a_group").failed_only_with(error)
    error = "TypeError: Cannot add link to group: do that on individual tasks"
    assert worker.bad("links_errors_to_a_group").failed_only_with(error)
    assert not worker.marks()
    assert worker.good("pipes_a_group").all_succeeded()
    assert until(lambda: {"one", "after"} <= worker.marks())


@pytest.mark.proof("CEL667")
def test_a_chord_needs_a_body(worker: Worker) -> None:
    """Nothing of it is sent."""
    error = "AttributeError: 'NoneType' object has no attribute 'clone'"
    for how in ("applies", "delays", "calls"):
        assert worker.bad(f"{how}_a_chord_without_a_body").failed_only_with(error)
    assert not worker.marks()
    assert worker.good("calls_a_chord_with_a_body").all_succeeded()
    assert until(lambda: {"one", "after"} <= worker.marks())

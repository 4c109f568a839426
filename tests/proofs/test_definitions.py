"""Proofs of what becomes of tasks that are defined in ways that cannot work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Worker

Start = Callable[..., Worker]


@pytest.fixture
def worker(alone: Start) -> Worker:
    """One process."""
    return alone("definitions", "prefork", concurrency=1)


@pytest.mark.proof("CEL310")
def test_a_word_that_is_no_option_changes_nothing(worker: Worker) -> None:
    """The result is stored, and with the real option it is not."""
    assert worker.bad("keeps_its_result").results == ["kept"]
    assert worker.good("ignores_its_result", hung=2.0).hung == 1


@pytest.mark.proof("CEL312")
def test_a_bound_task_needs_a_place_for_itself(worker: Worker) -> None:
    """The task is an argument like any other."""
    assert worker.bad("takes_nothing").failed_only_with(
        r"TypeError: takes_nothing\(\) takes 0 positional arguments but 1 was given"
    )
    assert worker.good("takes_itself").all_succeeded()


@pytest.mark.proof("CEL313")
def test_nobody_gives_self_without_bind(worker: Worker) -> None:
    """A parameter is not filled for its name."""
    assert worker.bad("wants_itself").failed_only_with(
        r"TypeError: wants_itself\(\) missing 1 required positional argument: 'self'"
    )
    assert worker.good("takes_itself").all_succeeded()

"""Proofs of what becomes of results, and of what is to be called when a task fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import run
from tests.proofs.harness import HERE, Servers, Worker, until

OF_FILES = HERE / "applications" / "chords_of_files.py"

Start = Callable[..., Worker]


@pytest.fixture
def worker(start: Start, servers: Servers) -> Worker:
    """A worker of two processes."""
    return start("outcomes", "prefork", servers)


@pytest.mark.proof("CEL331")
def test_a_result_that_json_does_not_take(worker: Worker) -> None:
    """The work is done, and the run has failed; where nobody keeps results it has not."""
    plain = ("exception", "set", "Path", "timedelta", "map", "in a dictionary", "deque")
    made = ("process", "started process", "response", "response of httpx", "response of django")
    for form in (*plain, *made):
        error = r"EncodeError: .*Object of type \w+ is not JSON serializable.*"
        assert worker.bad("returns_what_json_refuses", form).failed_only_with(error)
        assert f"did the work of {form}" in worker.marks()
    assert worker.good("returns_what_json_takes").all_succeeded()
    assert worker.run("returns_it_to_nobody", "set", hung=2.0).hung == 1
    assert until(lambda: "ignored set" in worker.marks())


@pytest.mark.proof("CEL631")
def test_a_process_that_polls_does_nothing_else(start: Start, servers: Servers) -> None:
    """The only one of a worker waits for what nobody runs."""
    worker = start("outcomes", "prefork", servers, concurrency=1)
    assert worker.good("goes_on").all_succeeded()
    assert until(lambda: "came next" in worker.marks())
    assert worker.bad("polls", hung=5.0).hung == 1
    assert "polled for" not in worker.marks()


@pytest.mark.proof("CEL632")
def test_what_is_ignored_has_no_result(worker: Worker) -> None:
    """Although the task has run."""
    assert worker.bad("reads_what_is_ignored", "ran").results == [[None, False, False, False]]
    assert "ran" in worker.marks()
    assert worker.good("reads_what_is_kept").results == [True]


@pytest.mark.proof("CEL648")
def test_what_errbacks_are_given(worker: Worker) -> None:
    """Three arguments, where they have more than one parameter and are not bound; else the id."""
    for name in ("takes_two", "takes_four", "takes_none", "takes_itself_and_three"):
        assert worker.bad("fails_with", name).all_succeeded()
    for name, trace in {
        "takes_three": "takes three of ValueError",
        "takes_the_id": "takes the id",
        "takes_itself_and_the_id": "takes itself and the id",
    }.items():
        assert worker.good("fails_with", name).all_succeeded()
        assert until(lambda trace=trace: trace in worker.marks())
    assert not {"takes two", "takes four", "takes none", "takes itself and three"} & worker.marks()


@pytest.mark.proof("CEL650")
def test_an_immutable_signature_takes_nothing_more(worker: Worker) -> None:
    """It is sent with what it was made with."""
    assert worker.bad("gives_more_to_an_immutable_one").all_succeeded()
    assert worker.good("gives_more_to_a_mutable_one").all_succeeded()
    assert until(lambda: {"as it was", "as it was given"} <= worker.marks())
    assert "as it was not" not in worker.marks()


@pytest.mark.proof("CEL652")
def test_starmap_unpacks_each_item(worker: Worker) -> None:
    """A number cannot be, and a text is many letters."""
    for form, outcome in {
        "chunks": "FAILURE: .* must be an iterable, not int",
        "numbers": "FAILURE: .* must be an iterable, not int",
        "texts": r"FAILURE: .*takes 2 positional arguments but 3 were given",
        "pairs": r"SUCCESS: \[3, 7\]",
    }.items():
        sent = worker.good if form == "pairs" else worker.bad
        (task_id,) = sent("maps_stars_over", form).results
        (told,) = worker.run("tells_what_became", task_id).results
        assert re.fullmatch(outcome, told), told


def test_a_chord_over_redis_counts_who_has_ended(start: Start, servers: Servers) -> None:
    """Also where nobody keeps the results."""
    worker = start("outcomes", "prefork", servers)
    assert worker.run("counts", False).all_succeeded()
    assert until(lambda: "counted" in worker.marks())


@pytest.mark.proof("CEL645")
def test_a_chord_waits_for_results_that_nobody_keeps(tmp_path: Path) -> None:
    """Where the backend looks for them; the same chord ends where they are kept."""
    for form, told in {"kept": "ran", "ignored": "waits"}.items():
        folder = tmp_path / form
        folder.mkdir()
        command = [sys.executable, str(OF_FILES), form, str(folder)]
        done = run(command)
        assert done.code == 0, done
        assert done.out.split()[-1] == told, done


@pytest.mark.proof("CEL321")
def test_threads_share_the_task(start: Start, servers: Servers) -> None:
    """And what is kept in it."""
    worker = start("outcomes", "threads", servers)
    told = worker.bad("remembers", times=5, numbered=True).results
    assert False in told
    assert worker.good("hands_on", times=5, numbered=True).results == [True] * 5


@pytest.mark.proof("CEL665")
def test_a_task_that_is_called_has_no_id(worker: Worker) -> None:
    """It is no run."""
    error = r"ValueError: task_id must not be empty\. Got None instead\."
    assert worker.bad("calls_it").failed_only_with(error)
    assert worker.good("sends_it").all_succeeded()
    caught = worker.bad("calls_one_that_catches_it").results
    assert caught == ["task_id must not be empty. Got None instead."]
    assert worker.good("tells_it_as_the_one_that_runs").results == ["told"]
    assert worker.good("tells_it_as_the_one_that_runs", True).results == ["told"]

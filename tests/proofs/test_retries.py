"""Proofs of what becomes of tasks that fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, until

Start = Callable[..., Worker]

NOT_YET = "ValueError: not yet"
TOO_MANY = "MaxRetriesExceededError: .*"
SOFT = "SoftTimeLimitExceeded: .*"


def runs(worker: Worker, task: str) -> int:
    """How often a task has begun."""
    return sum(name.startswith(f"ran {task} ") for name in worker.marks())


def delays(worker: Worker, task: str) -> set[str]:
    """The seconds that its retries wait."""
    found = (name.split() for name in worker.marks())
    return {words[2] for words in found if words[:2] == ["delay", task]}


@pytest.fixture
def worker(alone: Start) -> Worker:
    """One process, so that the states of a task come in the order of its runs."""
    return alone("retries", "prefork", concurrency=1)


@pytest.fixture
def own_worker(start: Start, servers: Servers) -> Worker:
    """The same for one test, which leaves it in no good state."""
    return start("retries", "prefork", servers, concurrency=1)


# ------------------------------------------------------------------------------------ automatic retries


@pytest.mark.proof("CEL412")
def test_a_soft_limit_is_an_exception_to_retry(worker: Worker) -> None:
    """A task that takes too long takes too long again."""
    assert worker.bad("retries_everything").failed_only_with(SOFT)
    assert worker.good("retries_what_may_pass").failed_only_with(SOFT)
    assert runs(worker, "retries_everything") == 2
    assert runs(worker, "retries_what_may_pass") == 1


@pytest.mark.proof("CEL443")
def test_a_hard_limit_is_not_raised_in_the_task(worker: Worker) -> None:
    """The process is killed, and nothing retries."""
    assert worker.bad("retries_the_hard_limit").failed_only_with("TimeLimitExceeded: .*")
    assert worker.good("retries_the_soft_limit").failed_only_with(SOFT)
    assert runs(worker, "retries_the_hard_limit") == 1
    assert runs(worker, "retries_the_soft_limit") == 2


@pytest.mark.proof("CEL413")
def test_retry_does_not_look_at_the_backoff(worker: Worker) -> None:
    """It waits ``default_retry_delay``."""
    for task in ("backs_off_by_hand", "backs_off"):
        worker.run(task, hung=0.1)
    assert until(lambda: delays(worker, "backs_off") >= {"1"})
    assert until(lambda: delays(worker, "backs_off_by_hand") == {"77"})


@pytest.mark.proof("CEL413")
def test_retry_does_not_look_at_the_bound_of_automatic_retries(worker: Worker) -> None:
    """It tries three times more, as every task does."""
    assert worker.bad("bounds_by_mapping").failed_only_with(NOT_YET)
    assert worker.good("bounds_by_option").failed_only_with(NOT_YET)
    assert runs(worker, "bounds_by_mapping") == 4
    assert runs(worker, "bounds_by_option") == 2


@pytest.mark.proof("CEL414")
def test_the_backoff_takes_the_place_of_the_delay(worker: Worker) -> None:
    """One second, and not the 77 that the task asks for."""
    for task in ("waits", "backs_off", "backs_off_for_an_hour"):
        worker.run(task, hung=0.1)
    assert until(lambda: delays(worker, "waits") == {"77"})
    assert until(lambda: delays(worker, "backs_off") >= {"1"})
    assert "77" not in delays(worker, "backs_off")
    assert until(lambda: delays(worker, "backs_off_for_an_hour") == {"600"})


@pytest.mark.proof("CEL414")
def test_a_retry_by_hand_leaves_nothing_to_the_automatic_one(worker: Worker) -> None:
    """Neither of the two options sets a delay."""
    assert worker.run("waits_as_it_says").failed_only_with(NOT_YET)
    assert runs(worker, "waits_as_it_says") == 4
    assert delays(worker, "waits_as_it_says") == {"0"}
    for task in ("waits_while_it_may", "waits_until_it_is_exceeded"):
        assert worker.run(task).failed_only_with(NOT_YET)
        assert runs(worker, task) == 4
        assert delays(worker, task) == {"0"}
    worker.run("waits_once", hung=0.1)
    assert until(lambda: delays(worker, "waits_once") >= {"0", "2"})


@pytest.mark.proof("CEL415")
def test_a_backoff_is_rounded_down(worker: Worker) -> None:
    """2.9 counts as 2."""
    worker.run("backs_off_a_fraction", hung=0.1)
    assert until(lambda: delays(worker, "backs_off_a_fraction"))
    assert "2" in delays(worker, "backs_off_a_fraction")


@pytest.mark.proof("CEL444")
def test_a_bound_does_not_ask_for_retries(worker: Worker) -> None:
    """The first error is the last."""
    assert worker.bad("describes_retries").failed_only_with(NOT_YET)
    assert worker.good("asks_for_retries").failed_only_with(NOT_YET)
    assert runs(worker, "describes_retries") == 1
    assert runs(worker, "asks_for_retries") == 3


# ------------------------------------------------------------------------------------ retry()


@pytest.mark.proof("CEL418", "CEL448")
def test_a_task_without_a_bound_comes_back_for_ever(own_worker: Worker) -> None:
    """Far more often than a bound would allow."""
    assert own_worker.good("gives_up").failed_only_with(TOO_MANY)
    assert runs(own_worker, "gives_up") == 3
    assert own_worker.bad("never_gives_up", hung=1).hung == 1
    assert until(lambda: runs(own_worker, "never_gives_up") > 20)


@pytest.mark.proof("CEL419")
def test_no_bound_is_no_number(worker: Worker) -> None:
    """``None`` cannot be compared."""
    assert worker.bad("compares").failed_only_with(
        "TypeError: '<' not supported between instances of 'int' and 'NoneType'"
    )
    assert worker.good("compares_numbers").results == ["again"]


@pytest.mark.proof("CEL420")
def test_retries_with_a_cause_end_with_it(worker: Worker) -> None:
    """``retry(exc=error)`` raises ``error`` at the end, and the handler does not run."""
    assert worker.bad("looks_for_the_wrong_end").failed_only_with(NOT_YET)
    assert worker.good("looks_for_the_right_end").all_succeeded()
    assert "wrong end" not in worker.marks()
    assert "right end" in worker.marks()


@pytest.mark.proof("CEL440")
def test_a_handler_does_not_catch_what_its_neighbour_raises(worker: Worker) -> None:
    """The error of the last retry leaves the task."""
    assert worker.bad("looks_beside").failed_only_with(TOO_MANY)
    assert worker.good("looks_for_the_right_end").all_succeeded()
    assert "beside" not in worker.marks()
    assert "right end" in worker.marks()


@pytest.mark.proof("CEL421")
def test_retry_ignores_what_it_does_not_know(worker: Worker) -> None:
    """The bound with a wrong name is none."""
    assert worker.bad("misspells_the_bound").failed_only_with(TOO_MANY)
    assert worker.good("bounds").failed_only_with(TOO_MANY)
    assert runs(worker, "misspells_the_bound") == 4
    assert runs(worker, "bounds") == 2


@pytest.mark.proof("CEL422")
def test_retries_without_a_cause_end_without_it(worker: Worker) -> None:
    """The result does not tell what went wrong."""
    assert worker.bad("forgets_the_cause").failed_only_with(TOO_MANY)
    assert worker.good("tells_the_cause").failed_only_with("ValueError: the disk is full")


@pytest.mark.proof("CEL441")
def test_a_text_cannot_be_raised(worker: Worker) -> None:
    """The last attempt fails with an error of its own."""
    assert worker.bad("tells_a_text").failed_only_with("TypeError: exceptions must derive from BaseException")
    assert worker.good("tells_the_cause").failed_only_with("ValueError: the disk is full")


@pytest.mark.proof("CEL445")
def test_an_error_is_no_tuple_of_arguments(worker: Worker) -> None:
    """The first parameter of ``retry`` is not the error."""
    assert worker.bad("passes_the_error_first").failed_only_with(
        "TypeError: 'OSError' object is not iterable"
    )
    assert worker.good("tells_the_cause").failed_only_with("ValueError: the disk is full")


@pytest.mark.proof("CEL411", "CEL423")
def test_a_swallowed_retry_is_a_success(worker: Worker) -> None:
    """The task is done for its caller, and runs again."""
    assert worker.bad("swallows_the_retry").results == ["done"]
    assert until(lambda: runs(worker, "swallows_the_retry") == 2)
    assert worker.run("suppresses_the_retry").results == ["done"]
    assert until(lambda: runs(worker, "suppresses_the_retry") == 2)
    assert worker.run("swallows_the_replacement").results in (["done"], [0])
    assert until(lambda: runs(worker, "reads_what_is_bound") > 0)
    assert worker.bad("swallows_the_error").results == ["done"]
    assert worker.good("asks_for_retries").failed_only_with(NOT_YET)
    assert runs(worker, "swallows_the_error") == 1
    assert runs(worker, "asks_for_retries") == 3


@pytest.mark.proof("CEL449")
def test_a_result_replaces_nothing(worker: Worker) -> None:
    """The work is done all the same, and the task fails."""
    before = runs(worker, "reads_what_is_bound")
    bad = worker.bad("replaces_itself_with_a_result")
    assert bad.failed_only_with("AttributeError: 'AsyncResult' object has no attribute .*")
    assert until(lambda: runs(worker, "reads_what_is_bound") == before + 1)
    assert worker.good("replaces_itself_with_a_signature").results == ["again"]


@pytest.mark.proof("CEL446")
def test_a_retry_of_a_retry_doubles_the_runs(worker: Worker) -> None:
    """Each run sends two more."""
    assert worker.good("gives_up").failed_only_with(TOO_MANY)
    worker.bad("retries_twice")
    assert until(lambda: runs(worker, "retries_twice") == 7)
    assert runs(worker, "gives_up") == 3


# ------------------------------------------------------------------------------------ exceptions


@pytest.mark.proof("CEL424")
def test_a_description_of_a_failure_is_a_success(worker: Worker) -> None:
    """The chain goes on with it."""
    assert worker.good("fails").failed_only_with(NOT_YET)
    assert worker.bad("describes_the_failure").results == ["failed: not yet"]
    for first in ("fails", "describes_the_failure"):
        assert worker.run("chains", first).all_succeeded()
    assert until(lambda: "passed on failed: not yet" in worker.marks())
    assert runs(worker, "fails") == 2
    assert runs(worker, "passed_on") == 1


@pytest.mark.proof("CEL426")
def test_a_return_in_finally_drops_the_exception(worker: Worker) -> None:
    """The task is a success, and nothing is logged."""
    assert worker.bad("returns_in_finally").results == ["done"]
    assert worker.good("returns_after_finally").failed_only_with(NOT_YET)
    assert "cleaned up" in worker.marks()


@pytest.mark.proof("CEL427")
def test_what_the_handler_leaves_unbound_hides_the_error(worker: Worker) -> None:
    """The backend gets to know another error than the real one."""
    unbound = "UnboundLocalError: .*number.*"
    assert worker.bad("reads_what_is_not_bound").failed_only_with(unbound)
    for task in ("reads_in_the_handler", "reads_in_the_finally"):
        assert worker.run(task).failed_only_with(unbound)
    assert worker.good("reads_what_is_bound").results == [0]


@pytest.mark.proof("CEL437")
def test_a_bare_except_swallows_the_revocation(worker: Worker) -> None:
    """The task goes on after it was revoked."""
    for task, trace in (("swallows_exceptions", "lets pass"), ("swallows_the_revocation", "swallows")):
        task_id = worker.send(task)
        assert until(lambda trace=trace: f"{trace} began" in worker.marks())
        worker.revoke(task_id)
        assert worker.run("compares_numbers", hung=60).all_succeeded()
    assert "swallows went on" in worker.marks()
    assert "lets pass went on" not in worker.marks()


# ------------------------------------------------------------------------------------ limits


@pytest.mark.proof("CEL533")
def test_no_soft_limit_comes_unless_it_is_set(worker: Worker) -> None:
    """The handler waits for an exception that nobody raises."""
    assert worker.bad("waits_for_a_limit_that_is_not_set").results == ["went on"]
    assert worker.good("waits_for_a_limit_that_is_set").results == ["stopped"]


@pytest.mark.proof("CEL529", "CEL533")
def test_a_signal_raises_the_soft_limit_and_ends_no_process(worker: Worker) -> None:
    """``SIGUSR1`` is how a soft limit comes, and ``SIGINT`` does not; without a signal the process ends."""
    ends = {
        "SIGUSR1": "met a soft limit",
        "USR1": "met a soft limit",
        signal.SIGUSR1: "met a soft limit",
        "SIGINT": "went on",
        "SIGTERM": "",
    }
    for sent, end in ends.items():
        name = str(sent)
        task_id = worker.send("says_what_ends_it", name)
        assert until(lambda name=name: any(mark.startswith(f"{name} runs in ") for mark in worker.marks()))
        (process,) = [int(mark.split()[-1]) for mark in worker.marks() if mark.startswith(f"{name} runs")]
        worker.revoke(task_id, sent)
        if end:
            assert until(lambda name=name, end=end: f"{name} {end}" in worker.marks())
        assert until(lambda process=process, end=end: _is_alive(process) == bool(end))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.proof("CEL510")
def test_without_a_limit_a_silent_peer_keeps_the_process(own_worker: Worker) -> None:
    """With as many such calls as processes no other task runs."""
    assert own_worker.good("waits_for_a_while").failed_only_with(SOFT)
    assert own_worker.run("compares_numbers").all_succeeded()
    assert own_worker.bad("waits_for_ever", hung=3).hung == 1
    assert own_worker.run("compares_numbers", hung=3).hung == 1


@pytest.mark.proof("CEL515")
def test_a_swallowed_soft_limit_does_not_end_the_task(worker: Worker) -> None:
    """It goes on, and succeeds."""
    assert worker.bad("swallows_the_limit").results == ["done"]
    assert "swallowed" in worker.marks()
    assert worker.run("suppresses_the_limit").results == ["done"]
    assert "next step" in worker.marks()
    assert worker.run("swallows_the_limit_in_a_coroutine").results == ["done"]
    assert worker.marks() >= {"swallowed first", "went on with second"}
    assert worker.run("is_cancelled_in_a_coroutine").failed_only_with(SOFT)
    assert "swallowed what was awaited" not in worker.marks()
    assert worker.good("waits_for_a_while").failed_only_with(SOFT)

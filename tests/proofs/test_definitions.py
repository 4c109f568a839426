"""Proofs of what becomes of tasks that are defined in ways that cannot work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from celery import Celery

from tests.proofs.harness import Servers, Worker

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
    hidden = r"TypeError: 'bool' object is not callable"
    assert worker.bad("hides_retry").failed_only_with(hidden)
    assert worker.bad("hides_the_retry_of_celery").failed_only_with(hidden)
    assert worker.bad("hides_delay").failed_only_with(r"TypeError: 'int' object is not callable")


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


@pytest.mark.proof("CEL316")
def test_nobody_gives_a_method_its_object(worker: Worker) -> None:
    """The task in a class is no method."""
    assert worker.bad("sends_a_method", "send").failed_only_with(
        r"TypeError: .*send\(\) missing 1 required positional argument: 'to'"
    )
    assert worker.good("sends_a_method", "send_without").all_succeeded()


@pytest.mark.proof("CEL319")
def test_nobody_goes_through_a_generator(worker: Worker) -> None:
    """None of its lines has run."""
    assert worker.bad("yields").failed_only_with(
        "EncodeError: .*Object of type generator is not JSON serializable.*"
    )
    assert worker.good("runs").all_succeeded()
    assert worker.marks() == {"ran"}


# ------------------------------------------------------------------------------------ options


@pytest.mark.proof("CEL326")
def test_a_worker_ends_at_a_rate_that_it_cannot_read(start: Start, servers: Servers) -> None:
    """It reads them all when it starts."""
    with pytest.raises(RuntimeError, match="KeyError: 'min'"):
        start("bad_rates", "prefork", servers, concurrency=1)


@pytest.mark.proof("CEL314", "CEL327", "CEL329")
def test_what_cannot_be_built_fails_before_any_run(worker: Worker) -> None:
    """Whoever starts the application gets the error."""
    assert worker.bad("builds", "lambda").failed_only_with("SyntaxError: .*")
    assert worker.bad("builds", "static method below").failed_only_with("AttributeError: .*")
    assert worker.bad("builds", "class").failed_only_with("AttributeError: .*")
    assert worker.bad("builds", "name by position").failed_only_with(
        r"TypeError: argument 1 to @task\(\) must be a callable"
    )
    assert worker.bad("builds", "class of exceptions").failed_only_with(
        "TypeError: 'type' object is not iterable"
    )
    assert worker.good("builds", "a function, a tuple").all_succeeded()


@pytest.mark.proof("CEL328")
def test_values_fail_where_they_are_needed(worker: Worker) -> None:
    """Where the task is built, where it is sent, or where it is retried."""
    assert worker.bad("builds", "text as backoff").failed_only_with("ValueError: .*")
    assert worker.bad("sends", "no_serializer").failed_only_with("SerializerNotInstalled: .*")
    assert worker.bad("sends", "no_compression").failed_only_with("OperationalError: 'gz'")
    assert worker.bad("sends", "duration").failed_only_with("TypeError: .*")
    assert worker.good("sends", "sendable").all_succeeded()
    assert worker.bad("counts_with_text").failed_only_with("TypeError: '>' not supported .*")
    assert worker.bad("waits_for_a_duration").failed_only_with("Reject: TypeError.*")
    assert worker.good("waits_for_seconds").failed_only_with("MaxRetriesExceededError: .*")


@pytest.mark.proof("CEL322")
def test_handlers_are_called_by_position(worker: Worker) -> None:
    """What takes another number of arguments is not called."""
    assert worker.bad("never_begins", hung=4.0).succeeded == 0
    assert worker.good("begins").all_succeeded()
    assert worker.marks() == {"began"}
    worker.forget_marks()
    worker.bad("fails_unheard", hung=4.0)
    assert worker.good("fails_heard").failed_only_with("OSError: heard")
    assert worker.marks() == {"heard"}


# ------------------------------------------------------------------------------------ names, decorators


@pytest.mark.proof("CEL311")
def test_one_task_for_a_name(worker: Worker) -> None:
    """Which of the two it is depends on the order in which they are made."""
    for names, bodies in worker.bad("sends_both", "one name").results:
        assert names == ["definitions.one_name"] * 2
        assert bodies in (["first"] * 2, ["second"] * 2)
    assert worker.run("definitions.one_name").results in (["first"], ["second"])
    names, bodies = worker.good("sends_both", "named").results[0]
    assert bodies == ["first", "second"]


@pytest.mark.proof("CEL317")
def test_a_decorator_above_hides_the_task(worker: Worker) -> None:
    """What has the name is a function."""
    assert worker.bad("sends_decorated", "below").failed_only_with(
        "AttributeError: 'function' object has no attribute 'delay'"
    )
    assert worker.good("sends_decorated", "above").all_succeeded()


@pytest.mark.proof("CEL318")
def test_a_decorator_without_wraps_hides_names(worker: Worker) -> None:
    """Both tasks have the name of the function around them, and run the same."""
    for names, bodies in worker.bad("sends_both", "nameless").results:
        assert names == ["definitions.wrapper"] * 2
        assert bodies in (["first"] * 2, ["second"] * 2)
    for names, bodies in worker.good("sends_both", "named").results:
        assert names == ["definitions.first_with_a_name", "definitions.second_with_a_name"]
        assert bodies == ["first", "second"]


@pytest.mark.proof("CEL333")
def test_a_default_is_worked_out_once(worker: Worker) -> None:
    """When the module is imported."""
    assert len(set(worker.bad("remembers_its_start", times=3, at_once=False).results)) == 1
    assert len(set(worker.good("looks_at_the_clock", times=3, at_once=False).results)) == 3


@pytest.mark.proof("CEL326", "CEL526")
def test_an_annotation_of_every_task_wins_over_one_by_name() -> None:
    """It is applied last, and both win over what the task says."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.task_annotations = {"shop.pull": {"time_limit": 50, "max_retries": 7}, "*": {"time_limit": 60}}

    @app.task(name="shop.pull", time_limit=40, max_retries=1)
    def pull() -> None: ...

    app.finalize()
    assert (pull.time_limit, pull.max_retries) == (60, 7)

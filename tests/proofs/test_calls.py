"""Proofs of what calls of tasks, their results and signatures become."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, until
from tests.proofs.pools import pools

Start = Callable[..., Worker]

NEVER = r"RuntimeError: Never call result\.get\(\) within a task!.*"


@pytest.fixture
def worker(start: Start, servers: Servers) -> Worker:
    """A worker of two processes."""
    return start("calls", "prefork", servers)


@pytest.mark.proof("CEL610")
def test_arguments_that_do_not_fit(worker: Worker) -> None:
    """The sender gets the error, or the worker where nobody compares."""
    for task, error in {
        "sends_without_an_argument": r"TypeError: add\(\) missing 1 required positional argument: 'y'",
        "sends_one_too_many": r"TypeError: add\(\) takes 2 positional arguments but 3 were given",
        "sends_an_unknown_one": r"TypeError: add\(\) got an unexpected keyword argument 'z'",
        "sends_a_bound_one_too_many": r"TypeError: counts\(\) takes 2 positional arguments but 3 were given",
        "sends_one_twice": r"TypeError: add\(\) got multiple values for argument 'y'",
    }.items():
        assert worker.bad(task).failed_only_with(error)
    missing = r"TypeError: \w*(Summing\.run)?\(\) missing 1 required positional argument: 'y'"
    assert worker.bad("add", 1).failed_only_with(missing)
    assert worker.bad("unchecked", 1).failed_only_with(missing)
    assert worker.bad("summing", 1).failed_only_with(missing)
    assert worker.good("sends_all").all_succeeded()
    made = r"TypeError: added\(\) missing 1 required positional argument: 'y'"
    assert worker.bad("sends_what_is_made").failed_only_with(made)
    assert worker.run("sends_what_is_wrapped").all_succeeded()
    for task in ("measures", "numbers"):
        wrapped = rf"TypeError: {task}\(\) missing 1 required positional argument: 'y'"
        assert worker.bad(task, 1).failed_only_with(wrapped)
        assert worker.good(task, 1, 2, kwargs={"trace": "x"}).results == [3]
    unknown = r".*retries_with_an_unknown_one\(\) got an unexpected keyword argument \\?'y\\?'.*"
    assert worker.bad("retries_with_an_unknown_one", 1).failed_only_with(unknown)
    many = r".*retries_with_one_too_many\(\) takes 2 positional arguments but 3 were given.*"
    assert worker.bad("retries_with_one_too_many", 1).failed_only_with(many)


@pytest.mark.proof("CEL611")
def test_delay_has_no_options(worker: Worker) -> None:
    """They are arguments of the task."""
    error = r"TypeError: add\(\) got an unexpected keyword argument 'countdown'"
    assert worker.bad("gives_delay_an_option").failed_only_with(error)
    assert worker.run("swallows", 1, kwargs={"countdown": 60}).results == [["countdown"]]
    wrapped = r"TypeError: measures\(\) got an unexpected keyword argument 'expires'"
    assert worker.bad("measures", 1, 2, kwargs={"expires": 60}).failed_only_with(wrapped)
    assert worker.good("gives_apply_async_an_option").all_succeeded()


@pytest.mark.proof("CEL614")
def test_unknown_options_are_ignored(worker: Worker) -> None:
    """The message is sent without; and `retries` counts those that are used up."""
    assert worker.bad("misspells_the_countdown").all_succeeded()
    assert worker.good("spells_the_countdown").all_succeeded()
    assert until(lambda: "misspelt" in worker.marks())
    assert "spelt" not in worker.marks()
    assert worker.run("tells_retries", retries=3).results == [3]


@pytest.mark.proof("CEL666")
def test_a_function_is_no_task(worker: Worker) -> None:
    """None of the methods is there."""
    for method in ("delay", "apply_async", "s", "si", "signature", "delay_on_commit"):
        error = f"AttributeError: 'function' object has no attribute '{method}'"
        assert worker.bad("sends_a_function", method).failed_only_with(error)
    assert worker.good("sends_all").all_succeeded()


@pytest.mark.proof("CEL668")
def test_a_result_is_no_signature(worker: Worker) -> None:
    """It has none of the methods, and the task has been sent."""
    methods = ("apply_async", "delay", "clone", "freeze", "link", "link_error", "on_error", "retry")
    for method in (*methods, "s", "set", "si", "update_state"):
        error = f"AttributeError: 'AsyncResult' object has no attribute '{method}'"
        assert worker.bad("takes_a_result_for_a_signature", method).failed_only_with(error)
    assert until(lambda: "sent" in worker.marks())
    assert worker.good("sends_all").all_succeeded()


@pytest.mark.proof("CEL617")
def test_a_time_without_a_zone_is_utc(start: Start, servers: Servers) -> None:
    """In New York an hour from now has long been, in UTC."""
    worker = start("calls", "prefork", servers, environment={"TZ": "America/New_York"})
    assert worker.good("due_in_a_zone").all_succeeded()
    assert worker.bad("due_in_local_time").all_succeeded()
    assert until(lambda: "local" in worker.marks())
    assert "zoned" not in worker.marks()


@pytest.mark.proof("CEL629")
@pools("prefork", "solo", "threads")
def test_a_task_must_not_wait_for_another(start: Start, servers: Servers, pool: str) -> None:
    """Neither for a group, nor for what has run."""
    worker = start("calls", pool, servers)
    for task in ("gets", "joins", "gets_what_ran_here"):
        assert worker.bad(task).failed_only_with(NEVER)
    assert worker.bad("gets_by_id", "somebody").failed_only_with(NEVER)
    assert worker.good("chains").all_succeeded()
    assert until(lambda: "chained" in worker.marks())
    if pool != "solo":  # there is nobody else to run it
        assert worker.run("gets_with_leave").results == [3]


@pools("gevent")
def test_greenlets_wait_for_another_task(start: Start, servers: Servers, pool: str) -> None:
    """Others run meanwhile."""
    assert start("calls", pool, servers).run("gets").results == [3]


@pytest.mark.proof("CEL634")
def test_a_result_is_always_true(worker: Worker) -> None:
    """And never what the task returns."""
    assert worker.bad("takes_results_for_values", "nobody").results == [[True, True, False]]


@pytest.mark.proof("CEL640")
def test_a_signature_sends_nothing(worker: Worker) -> None:
    """Until somebody sends it."""
    assert worker.bad("makes_signatures").all_succeeded()
    assert worker.good("sends_signatures").all_succeeded()
    assert until(lambda: "second" in worker.marks())
    assert "left" not in worker.marks()


@pytest.mark.proof("CEL612")
def test_arguments_are_a_tuple_and_a_mapping(worker: Worker) -> None:
    """Whatever else they are is refused where they are sent."""
    number = r"TypeError: calls\.add\(\) argument after \* must be an iterable, not int"
    assert worker.bad("gives_no_tuple", "number").failed_only_with(number)
    for form in ("text", "set", "dictionary"):
        assert worker.bad("gives_no_tuple", form).failed_only_with(r"TypeError: .*")
    mapping = r"TypeError: calls\.add\(\) argument after \*\* must be a mapping, not int"
    assert worker.bad("gives_one_by_one").failed_only_with(mapping)
    assert worker.good("sends_all").all_succeeded()


@pytest.mark.proof("CEL641")
def test_canvases_are_made_of_signatures(worker: Worker) -> None:
    """What is sent in them has been sent, and they fail."""
    chain = r"TypeError: unsupported operand type\(s\) for \|: .* and 'AsyncResult'"
    assert worker.bad("chains_what_is_sent").failed_only_with(chain)
    # A group asks its elements for their tasks by `get`, which a result has as well.
    assert worker.bad("groups_what_is_sent").failed_only_with("AttributeError: .*", NEVER)
    assert worker.bad("links_what_is_sent").failed_only_with(r"EncodeError: .*")
    assert worker.bad("links_a_task").failed_only_with(r"EncodeError: .*")
    assert worker.good("links_a_signature").all_succeeded()
    assert until(lambda: {"sent in a chain", "sent in a group", "linked"} <= worker.marks())


@pytest.mark.proof("CEL646")
def test_a_chord_needs_a_backend(worker: Worker) -> None:
    """One that counts."""
    none = r"NotImplementedError: Starting chords requires a result backend to be configured\."
    assert worker.bad("chords_without_a_backend", None).failed_only_with(none)
    rpc = r'NotImplementedError: The "rpc" result backend does not support chords!'
    assert worker.bad("chords_without_a_backend", "rpc://").failed_only_with(rpc)
    disabled = "AttributeError: 'DisabledBackend' object has no attribute '_get_task_meta_for'"
    assert worker.bad("asks_without_a_backend").failed_only_with(disabled)
    assert worker.good("chords_with_a_backend").all_succeeded()
    assert until(lambda: "counted" in worker.marks())


@pytest.mark.proof("CEL655")
def test_no_worker_no_answer(worker: Worker) -> None:
    """It is no empty answer either."""
    error = "AttributeError: 'NoneType' object has no attribute 'values'"
    assert worker.bad("asks_nobody").failed_only_with(error)
    assert worker.good("expects_nobody").results == [0]


@pytest.mark.proof("CEL619")
def test_what_json_does_not_take(worker: Worker) -> None:
    """Whoever sends it gets the error."""
    for form in (
        "object",
        "set",
        "Path",
        "timedelta",
        "lambda",
        "generator",
        "exception",
        "einfo",
        "result",
        "BytesIO",
    ):
        error = r"EncodeError: .*Object of type \w+ is not JSON serializable.*"
        assert worker.bad("sends_what_json_refuses", form).failed_only_with(error)
    assert worker.good("sends_what_json_takes").all_succeeded()


@pytest.mark.proof("CEL618")
def test_what_is_no_time(worker: Worker) -> None:
    """Celery compares and calculates with it."""
    for form in ("duration", "text", "expiry"):
        error = r"TypeError: '<' not supported between instances of '[\w.]+' and 'int'"
        assert worker.bad("gives_no_time", form).failed_only_with(error)
    error = "AttributeError: 'int' object has no attribute 'isoformat'"
    assert worker.bad("gives_no_time", "seconds").failed_only_with(error)
    assert worker.good("gives_times").all_succeeded()


@pytest.mark.proof("CEL616")
def test_a_countdown_wins(worker: Worker) -> None:
    """Whatever the moment is."""
    assert worker.bad("gives_two_times").all_succeeded()
    assert worker.good("gives_one_time").all_succeeded()
    assert until(lambda: "counted down" in worker.marks())
    assert "due" not in worker.marks()

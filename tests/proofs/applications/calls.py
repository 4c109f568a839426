"""Tasks that send others, wait for them and ask about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import wraps
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from application import app, mark
from billiard.einfo import ExceptionInfo
from celery import Celery, Task, chain, chord, group
from celery.result import AsyncResult, allow_join_result

HOUR = timedelta(hours=1)


@app.task
def add(x: int, y: int) -> int:
    """Takes two arguments."""
    return x + y


@app.task(typing=False)
def unchecked(x: int, y: int) -> int:
    """Celery does not compare its arguments with its parameters."""
    return x + y


class Summing(Task):
    """Has no function whose parameters could be compared."""

    name = "calls.summing"

    def run(self, x: int, y: int) -> int:
        """Take two arguments."""
        return x + y


summing = app.register_task(Summing())


@app.task
def swallows(x: int, **kwargs: Any) -> list[str]:
    """Takes whatever it is given."""
    return sorted(kwargs)


def made(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Makes tasks as Celery does."""
    return app.task(**options)


def measured(function: Callable[..., Any]) -> Any:
    """Makes tasks of wrappers that look like the function."""

    @app.task
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("trace", None)
        return function(*args, **kwargs)

    return run


def numbered(function: Callable[..., Any]) -> Any:
    """Makes tasks of wrappers that do not."""

    def run(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("trace", None)
        return function(*args, **kwargs)

    return app.task(name=f"calls.{function.__name__}")(run)


@made(bind=True)
def added(self: Task, x: int, y: int) -> int:
    """Made by a function of the project."""
    return x + y


@measured
def measures(x: int, y: int) -> int:
    """With a wrapper around it."""
    return x + y


@numbered
def numbers(x: int, y: int) -> int:
    """With another one."""
    return x + y


@app.task
def sends_what_is_made() -> None:
    """An argument is missing."""
    added.delay(1)


@app.task
def sends_what_is_wrapped() -> None:
    """An argument is missing, and nobody says so here."""
    measures.delay(1)
    numbers.delay(1)
    measures.delay(1, 2, expires=60)
    numbers.delay(1, 2, expires=60)


@app.task
def leaves(name: str) -> None:
    """Leave a trace."""
    mark(name)


@app.task(bind=True, max_retries=3)
def tells_retries(self: Task) -> int:
    """How many there were."""
    retries: int = self.request.retries
    return retries


@app.task
def fails() -> None:
    """Raise an error."""
    raise ValueError("no such order")


# ------------------------------------------------------------------------------------ arguments


@app.task
def sends_without_an_argument() -> None:
    """`delay()` compares."""
    add.delay(1)


@app.task
def sends_one_too_many() -> None:
    """`apply_async()` too."""
    add.apply_async((1, 2, 3))


@app.task(bind=True)
def counts(self: Task, x: int) -> int:
    """It is its own first argument."""
    return x


@app.task
def sends_a_bound_one_too_many() -> None:
    """Celery counts the task as well."""
    counts.delay(1, 2)


@app.task
def sends_an_unknown_one() -> None:
    """Under a name that it does not have."""
    add.s(1, 2, z=3).delay()


@app.task
def sends_one_twice() -> None:
    """By its place and by its name."""
    add.delay(1, 2, y=3)


@app.task
def sends_all() -> None:
    """As it wants them."""
    add.delay(1, y=2)


@app.task
def gives_delay_an_option() -> None:
    """It is an argument."""
    add.delay(1, 2, countdown=60)


@app.task
def gives_apply_async_an_option() -> None:
    """It is an option."""
    add.apply_async((1, 2), countdown=1)


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def retries_with_an_unknown_one(self: Task, x: int) -> None:
    """The run has `x`, the retry would have `y` as well."""
    raise self.retry(exc=OSError("not yet"), kwargs={"y": x})


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def retries_with_one_too_many(self: Task, x: int) -> None:
    """It is not sent."""
    raise self.retry(exc=OSError("not yet"), args=(x, x))


# ------------------------------------------------------------------------------------ options


def plain(x: int) -> int:
    """No decorator has made it a task."""
    return x


@app.task
def sends_a_function(method: str) -> None:
    """A function has no such method."""
    getattr(plain, method)(1)


@app.task
def takes_a_result_for_a_signature(method: str) -> None:
    """The task is sent, and its result has no such method."""
    getattr(leaves.delay("sent"), method)()


@app.task
def misspells_the_countdown() -> None:
    """Nobody says a word."""
    leaves.apply_async(("misspelt",), count_down=3600)


@app.task
def spells_the_countdown() -> None:
    """It waits."""
    leaves.apply_async(("spelt",), countdown=3600)


@app.task
def due_in_local_time() -> None:
    """In an hour, by the clock on the wall."""
    leaves.apply_async(("local",), eta=datetime.now() + HOUR)


@app.task
def due_in_a_zone() -> None:
    """In an hour."""
    leaves.apply_async(("zoned",), eta=datetime.now(timezone.utc) + HOUR)


# ------------------------------------------------------------------------------------ results


@app.task
def gets() -> Any:
    """Wait for another."""
    return add.delay(1, 2).get(timeout=20)


@app.task
def gets_by_id(task_id: str) -> Any:
    """Wait for one that has long run."""
    return AsyncResult(task_id, app=app).get(timeout=20)


@app.task
def gets_what_ran_here() -> Any:
    """There is nothing to wait for."""
    return add.apply((1, 2)).get()


@app.task
def joins() -> Any:
    """Wait for a group."""
    return group(add.s(1, 2), add.s(3, 4)).apply_async().join(timeout=20)


@app.task
def gets_with_leave() -> Any:
    """Whoever says so may wait."""
    with allow_join_result():
        return add.delay(1, 2).get(timeout=20)


@app.task
def chains() -> None:
    """Let the next task do it."""
    chain(add.s(1, 2), add.s(3), leaves.si("chained")).delay()


@app.task
def takes_results_for_values(task_id: str) -> list[bool]:
    """Of an id that nobody sent, of a task that fails, of one that returns 3."""
    return [bool(AsyncResult(task_id, app=app)), bool(fails.delay()), add.delay(1, 2) == 3]


# ------------------------------------------------------------------------------------ signatures


@app.task
def makes_signatures() -> None:
    """And leaves them."""
    leaves.s("left")
    chain(leaves.si("left"), leaves.si("left"))
    leaves.si("left") | leaves.si("left")
    leaves.delay  # noqa: B018


@app.task
def sends_signatures() -> None:
    """One after the other."""
    chain(leaves.si("first"), leaves.si("second")).delay()


@app.task
def gives_no_tuple(form: str) -> None:
    """Send something else."""
    wrong: Any = {"number": 3, "text": "ab", "set": {1, 2}, "dictionary": {"x": 1}}[form]
    add.apply_async(wrong)


@app.task
def gives_one_by_one() -> None:
    """The second one is taken for the keywords."""
    wrong: Any = 2
    add.apply_async((1,), wrong)


@app.task
def chains_what_is_sent() -> None:
    """The second one is a result."""
    chain(add.s(1, 2), leaves.delay("sent in a chain")).delay()


@app.task
def groups_what_is_sent() -> None:
    """They are results."""
    group([leaves.delay("sent in a group")]).delay()


@app.task
def links_a_task() -> None:
    """It is no signature."""
    add.apply_async((1, 2), link=leaves)


@app.task
def links_what_is_sent() -> None:
    """It is a result."""
    add.apply_async((1, 2), link=leaves.delay("sent in a link"))


@app.task
def links_a_signature() -> None:
    """As it should be."""
    add.apply_async((1, 2), link=leaves.si("linked"))


@app.task
def chords_without_a_backend(backend: str | None) -> None:
    """Nobody counts."""
    bare = Celery("bare", broker=app.conf.broker_url, backend=backend, set_as_current=False)
    part, body = bare.signature("calls.add", (1, 2)), bare.signature("calls.leaves", ("body",))
    chord([part], body, app=bare)()


@app.task
def chords_with_a_backend() -> None:
    """It counts."""
    chord([add.s(1, 2)], leaves.si("counted"))()


@app.task
def asks_without_a_backend() -> bool:
    """Nobody knows."""
    ready: bool = Celery("bare", backend=None, set_as_current=False).AsyncResult("somebody").ready()
    return ready


# ------------------------------------------------------------------------------------ workers


@app.task
def asks_nobody() -> int:
    """No worker of that name answers."""
    return len(app.control.inspect(destination=["nobody"], timeout=0.5).active().values())


@app.task
def expects_nobody() -> int:
    """And is content with it."""
    return len((app.control.inspect(destination=["nobody"], timeout=0.5).active() or {}).values())


# ------------------------------------------------------------------------------------ arguments in messages


class Plain:
    """Nothing but an object."""


@app.task
def sends_what_json_refuses(form: str) -> None:
    """Send it."""
    add.delay(1, _REFUSED[form]())


@app.task
def sends_what_json_takes() -> None:
    """Celery's encoder knows more than JSON does."""
    for value in (uuid4(), datetime.now(timezone.utc), Decimal(1), b"bytes", add.s(1), (1, 2)):
        swallows.delay(1, value=value)


def _information() -> Any:
    """What ``on_failure`` gets as ``einfo``."""
    try:
        raise ValueError
    except ValueError:
        return ExceptionInfo()


_REFUSED: dict[str, Callable[[], Any]] = {
    "object": Plain,
    "set": set,
    "Path": Path,
    "timedelta": timedelta,
    "lambda": lambda: print,
    "generator": lambda: (x for x in "ab"),
    "exception": ValueError,
    "einfo": _information,
    "result": lambda: add.delay(1, 2),
    "BytesIO": BytesIO,
}


@app.task
def gives_no_time(form: str) -> None:
    """Send it with that."""
    options: dict[str, dict[str, Any]] = {
        "duration": {"countdown": HOUR},
        "text": {"countdown": "60"},
        "seconds": {"eta": 60},
        "expiry": {"expires": HOUR},
    }
    add.apply_async((1, 2), **options[form])


@app.task
def gives_times() -> None:
    """Each in its own way."""
    add.apply_async((1, 2), countdown=HOUR.total_seconds(), expires=datetime.now(timezone.utc) + 2 * HOUR)


@app.task
def gives_two_times() -> None:
    """One of them is now, the other an hour later."""
    leaves.apply_async(("counted down",), countdown=0.1, eta=datetime.now(timezone.utc) + HOUR)


@app.task
def gives_one_time() -> None:
    """In an hour."""
    leaves.apply_async(("due",), eta=datetime.now(timezone.utc) + HOUR)

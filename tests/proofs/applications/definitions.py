"""Tasks that are defined in ways that cannot work."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from application import app, mark
from celery import Celery, Task, _state

# ------------------------------------------------------------------------------------ options


@app.task(ignore_results=True)
def keeps_its_result() -> str:
    """The option is spelled with one letter too many."""
    return "kept"


@app.task(bind=True, retry=True)
def hides_retry(self: Task) -> None:
    """An option has the name of a method."""
    self.retry(countdown=0)


@app.task(autoretry_for=(OSError,), retry=True)
def hides_the_retry_of_celery() -> None:
    """Celery calls the method as well."""
    raise OSError


@app.task(bind=True, delay=30)
def hides_delay(self: Task) -> None:
    """An option has the name of another method."""
    self.delay()


@app.task(ignore_result=True)
def ignores_its_result() -> str:
    """The real option."""
    return "lost"


# ------------------------------------------------------------------------------------ the task itself


@app.task(bind=True)
def takes_nothing() -> None:
    """Has no parameter for the task."""


@app.task(bind=True)
def takes_itself(self: Task) -> None:
    """Has one."""


@app.task
def wants_itself(self: Task) -> None:
    """Nobody gives it."""


class Mailer:
    """A class with a task in it."""

    @app.task
    def send(self, to: str) -> str:
        """Nobody gives the object."""
        return to

    @staticmethod
    @app.task
    def send_without(to: str) -> str:
        """Needs none."""
        return to


@app.task
def sends_a_method(name: str) -> None:
    """Send a task of the class."""
    getattr(Mailer(), name).delay("somebody")


@app.task
def yields() -> Iterator[int]:
    """Nobody goes through it."""
    mark("yielded")
    yield 1


@app.task
def runs() -> list[int]:
    """Yields nothing."""
    mark("ran")
    return [1]


# ------------------------------------------------------------------------------------ what cannot be built


def plain() -> None:
    """No task yet."""


class Plain:
    """None either."""

    def run(self) -> None:
        """Nobody comes here."""


def _builds(form: str) -> None:
    """Define a task of another application in this form."""
    other = Celery("other", set_as_current=False)
    options: dict[str, Any] = {"name": "other.plain"} if form != "name by position" else {}
    if form == "lambda":
        other.task(lambda: 1, **options)
    elif form == "static method below":
        other.task(staticmethod(plain), **options)
    elif form == "class":
        other.task(Plain, **options)
    elif form == "name by position":
        other.task("other.task", **options)(plain)
    elif form == "class of exceptions":
        other.task(autoretry_for=OSError, **options)(plain)
    elif form == "text as backoff":
        other.task(autoretry_for=(OSError,), retry_backoff="often", **options)(plain)
    else:
        other.task(autoretry_for=(OSError,), retry_backoff="2", **options)(plain)
    other.finalize()


@app.task
def builds(form: str) -> None:
    """The same in a worker, which forgets what it could not build."""
    shared = set(_state._on_app_finalizers)
    try:
        _builds(form)
    finally:
        _state._on_app_finalizers.clear()
        _state._on_app_finalizers.update(shared)


# ------------------------------------------------------------------------------------ values


@app.task(serializer="jsonn")
def no_serializer() -> None:
    """Cannot be sent."""


@app.task(compression="gz")
def no_compression() -> None:
    """Cannot be sent."""


@app.task(expires=timedelta(seconds=60))
def duration() -> None:
    """Cannot be sent."""


@app.task(serializer="json", compression="gzip", expires=60)
def sendable() -> None:
    """Can be sent."""


SENDABLE: dict[str, Any] = {
    task.__name__: task for task in (no_serializer, no_compression, duration, sendable)
}


@app.task
def sends(name: str) -> None:
    """Send one of these."""
    SENDABLE[name].delay()


@app.task(bind=True, max_retries="3", default_retry_delay=0)
def counts_with_text(self: Task) -> None:
    """The number of retries is compared with a text."""
    raise self.retry()


@app.task(bind=True, max_retries=1, default_retry_delay=timedelta(seconds=1))
def waits_for_a_duration(self: Task) -> None:
    """The retry cannot be sent."""
    raise self.retry()


@app.task(bind=True, max_retries=1, default_retry_delay=1)
def waits_for_seconds(self: Task) -> None:
    """The retry can."""
    raise self.retry()


# ------------------------------------------------------------------------------------ handlers


class Unready(Task):
    """Its handler takes too little."""

    def before_start(self, task_id: str) -> None:  # type: ignore[override]
        """Is given two arguments more."""


class Ready(Task):
    """Its handlers take what they are given, by whatever name."""

    def before_start(self, *given: Any) -> None:
        """Is given three."""

    def on_failure(self, error: Exception, task: str, given: Any, named: Any, info: Any) -> None:
        """Is given five."""
        mark("heard")


class Deaf(Task):
    """Its handler takes too little."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any) -> None:  # type: ignore[override]
        """Is given one argument more."""
        mark("never")


@app.task(base=Unready)
def never_begins() -> None:
    """Nobody comes here."""
    mark("began")


@app.task(base=Ready)
def begins() -> None:
    """Runs."""
    mark("began")


@app.task(base=Deaf)
def fails_unheard() -> None:
    """The handler cannot be called."""
    raise OSError("unheard")


@app.task(base=Ready)
def fails_heard() -> None:
    """The handler can."""
    raise OSError("heard")


# ------------------------------------------------------------------------------------ names, decorators


def nameless(function: Any) -> Any:
    """Put a function around another, and keep nothing of it."""

    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def named(function: Any) -> Any:
    """The same, and keep the name."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@app.task
@nameless
def first_without_a_name() -> str:
    """Is named as the function around it."""
    return "first"


@app.task
@nameless
def second_without_a_name() -> str:
    """The same."""
    return "second"


@app.task
@named
def first_with_a_name() -> str:
    """Has its own."""
    return "first"


@app.task
@named
def second_with_a_name() -> str:
    """The same."""
    return "second"


@app.task
def sends_both(form: str) -> list[Any]:
    """The names of two tasks with a decorator below, and what each runs."""
    tasks = {
        "nameless": (first_without_a_name, second_without_a_name),
        "named": (first_with_a_name, second_with_a_name),
        "one name": (first_of_one_name, second_of_one_name),
    }[form]
    return [[task.name for task in tasks], [task.run() for task in tasks]]


@app.task(name="definitions.one_name")
def first_of_one_name() -> str:
    """Has the same name as the next."""
    return "first"


@app.task(name="definitions.one_name")
def second_of_one_name() -> str:
    """Has the same name as the last."""
    return "second"


@named
@app.task
def below() -> str:
    """Stands below a decorator."""
    return "below"


@app.task
@named
def above() -> str:
    """Stands above it."""
    return "above"


@app.task
def sends_decorated(name: str) -> str:
    """Send one of these."""
    return str({"below": below, "above": above}[name].delay().id)


@app.task
def remembers_its_start(moment: float = time.time()) -> float:
    """The moment is of the import."""
    return moment


@app.task
def looks_at_the_clock(moment: float | None = None) -> float:
    """The moment is of the run."""
    return moment or time.time()

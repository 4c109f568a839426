"""Ask workers and command them. Silence is said: a worker that does not answer is no empty answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from celery import Celery

from celery_lint.runtime.deadlines import NotDone, Work, close, hasty_connection, hasty_copy, once

T = TypeVar("T")

QUESTIONS = (
    "active",
    "active_queues",
    "conf",
    "registered",
    "report",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
)


class NoWorkerAnswered(TimeoutError):
    """No worker, or none of those that were named, answered in time."""


class Health(NamedTuple):
    """Whether what an application needs can be reached, and who answers; ``errors`` say why not."""

    broker: bool
    backend: bool
    workers: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything is there, at least one worker included."""
        return self.broker and self.backend and bool(self.workers)


def ask(app: Celery, question: str, workers: list[str] | None = None, timeout: float = 1.0) -> dict[str, Any]:
    """The answers of the workers, by name: one of :data:`QUESTIONS`.

    Without names, answers are waited for until the ``timeout``: nobody knows how many workers there are. A
    worker of the solo pool does not answer while it runs a task. It takes at most twice the ``timeout``, also
    when the broker says nothing. Raises :class:`NoWorkerAnswered`, or what the broker's client raises.
    """
    if question not in QUESTIONS:
        raise ValueError(f"unknown question {question!r}; one of {', '.join(QUESTIONS)}")
    return _broadcast(app, question, {}, workers, timeout)


def ping(app: Celery, workers: list[str] | None = None, timeout: float = 1.0) -> list[str]:
    """The names of the workers that answer. Raises like :func:`ask`."""
    return sorted(_broadcast(app, "ping", {}, workers, timeout))


def restart_pool(app: Celery, workers: list[str] | None = None, timeout: float = 1.0) -> dict[str, Any]:
    """Replace the processes of the workers' pools. They refuse unless ``worker_pool_restarts`` is set.

    Raises like :func:`ask`, and ``RuntimeError`` with what the workers said if one of them refused.
    """
    answers = _broadcast(app, "pool_restart", {"reload": False}, workers, timeout)
    refused = {name: answer["error"] for name, answer in answers.items() if "error" in answer}
    if refused:
        raise RuntimeError(f"workers did not restart their pool: {refused}")
    return answers


def shutdown(
    app: Celery, workers: list[str] | None = None, timeout: float = 1.0, *, everybody: bool = False
) -> list[str]:
    """Tell workers to end once their tasks are done, and return who was there to hear it.

    ``everybody`` is meant literally: every worker on this broker, those of other applications too. Raises
    ``ValueError`` without names and without it, and otherwise like :func:`ask`: :class:`NoWorkerAnswered` if
    nobody was there.
    """
    if not workers and not everybody:
        raise ValueError(
            "name the workers to end: this would end all on the broker, of other applications too"
        )
    begun = time.monotonic()
    present = ping(app, workers, timeout)

    def tell() -> None:
        with hasty_connection(app, timeout) as connection:
            app.control.shutdown(destination=present, connection=connection)

    Work(tell).within(begun + 2 * timeout - time.monotonic())
    return present


def health(app: Celery, timeout: float = 1.0) -> Health:
    """Whether the broker and the result backend can be reached, and which workers answer.

    It takes at most twice the ``timeout`` and never raises, whatever the servers do or do not. One that has
    not answered an earlier question is not asked again until that has ended.
    """
    errors: dict[str, str] = {}

    def begin(what: str, function: Callable[[], T]) -> Work[T] | None:
        try:
            return once((id(app), what), function)
        except NotDone as error:
            errors[what] = said(error)
            return None

    def answer(what: str, work: Work[T] | None, deadline: float) -> T | None:
        try:
            return None if work is None else work.within(deadline - time.monotonic())
        except Exception as error:
            errors[what] = said(error)
            return None

    begun = time.monotonic()
    backend_asked = begin("backend", lambda: _backend_answers(app, timeout))
    broker_asked = begin("broker", lambda: _broker_answers(app, timeout))
    broker = answer("broker", broker_asked, begun + timeout)
    backend = answer("backend", backend_asked, begun + timeout)
    names: list[str] = []
    if broker:
        try:
            names = sorted(_broadcast(app, "ping", {}, None, timeout, begun + 2 * timeout - time.monotonic()))
        except Exception as error:
            errors["workers"] = said(error)
    return Health(
        bool(broker), bool(backend), tuple(names), tuple(f"{what}: {e}" for what, e in errors.items())
    )


def _broker_answers(app: Celery, timeout: float) -> bool:
    with hasty_connection(app, timeout) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout)
    return True


def _backend_answers(app: Celery, timeout: float) -> bool:
    copy = hasty_copy(app, timeout)
    try:
        # Any id will do: the backend has to look it up. Without a backend this raises.
        copy.backend.get_task_meta("celery-lint-health", cache=False)
    finally:
        close(copy)
    return True


def said(error: BaseException) -> str:
    """The text of an error for others to read: that of an address which cannot be read tells the password."""
    if isinstance(error, ValueError) and "ort could not be cast" in str(error):
        return "the address cannot be read; write special characters of its password as %2F and so on"
    return str(error) or type(error).__name__


def _broadcast(
    app: Celery,
    command: str,
    arguments: Mapping[str, Any],
    workers: list[str] | None,
    timeout: float,
    within: float | None = None,
) -> dict[str, Any]:
    """What workers answer to a command, by their names; who has not when the deadline comes is silent.

    The ``timeout`` is for the workers, and for each step of asking; ``within`` for all of it, twice as long.
    """
    answers: dict[str, Any] = {}

    def collect() -> None:
        with hasty_connection(app, timeout) as connection:
            app.control.broadcast(
                command,
                arguments=dict(arguments),
                destination=workers,
                connection=connection,
                reply=True,
                timeout=timeout,
                limit=len(workers) if workers else None,
                callback=answers.update,
            )

    with suppress(NotDone):
        Work(collect).within(2 * timeout if within is None else within)
    return _answers(dict(answers), command, workers, timeout)


def _answers(
    answers: dict[str, Any] | None, question: str, workers: list[str] | None, timeout: float
) -> dict[str, Any]:
    missing = sorted(set(workers or ()) - set(answers or ()))
    if missing:
        raise NoWorkerAnswered(f"{', '.join(missing)} did not answer {question!r} within {timeout} s")
    if not answers:
        raise NoWorkerAnswered(f"no worker answered {question!r} within {timeout} s")
    return answers

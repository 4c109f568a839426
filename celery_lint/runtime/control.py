"""Ask workers and command them. Silence is said: a worker that does not answer is no empty answer."""

from __future__ import annotations

from typing import Any, NamedTuple

from celery import Celery

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
    worker of the solo pool does not answer while it runs a task. Raises :class:`NoWorkerAnswered`.
    """
    if question not in QUESTIONS:
        raise ValueError(f"unknown question {question!r}; one of {', '.join(QUESTIONS)}")
    inspect = app.control.inspect(destination=workers, timeout=timeout, limit=_limit(workers))
    return _answers(getattr(inspect, question)(), question, workers, timeout)


def ping(app: Celery, workers: list[str] | None = None, timeout: float = 1.0) -> list[str]:
    """The names of the workers that answer. Raises :class:`NoWorkerAnswered`."""
    inspect = app.control.inspect(destination=workers, timeout=timeout, limit=_limit(workers))
    return sorted(_answers(inspect.ping(), "ping", workers, timeout))


def restart_pool(app: Celery, workers: list[str] | None = None, timeout: float = 1.0) -> dict[str, Any]:
    """Replace the processes of the workers' pools. They refuse unless ``worker_pool_restarts`` is set.

    Raises :class:`NoWorkerAnswered`, and ``RuntimeError`` with what the workers said if one of them refused.
    """
    replies = app.control.broadcast(
        "pool_restart",
        arguments={"reload": False},
        destination=workers,
        reply=True,
        timeout=timeout,
        limit=_limit(workers),
    )
    answers = _answers(_by_name(replies), "pool_restart", workers, timeout)
    refused = {name: answer["error"] for name, answer in answers.items() if "error" in answer}
    if refused:
        raise RuntimeError(f"workers did not restart their pool: {refused}")
    return answers


def shutdown(app: Celery, workers: list[str] | None = None, timeout: float = 1.0) -> list[str]:
    """Tell workers to end once their tasks are done, and return who was there to hear it.

    Raises :class:`NoWorkerAnswered` if nobody was.
    """
    present = ping(app, workers, timeout)
    app.control.shutdown(destination=present)
    return present


def health(app: Celery, timeout: float = 1.0) -> Health:
    """Whether the broker and the result backend can be reached, and which workers answer. Never raises."""
    errors: list[str] = []
    broker = backend = False
    names: tuple[str, ...] = ()
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=timeout)
        broker = True
    except Exception as error:
        errors.append(f"broker: {error}")
    try:
        # Any id will do: the backend has to look it up. Without a backend this raises.
        app.AsyncResult("celery-lint-health").state  # noqa: B018
        backend = True
    except Exception as error:
        errors.append(f"backend: {error}")
    if broker:
        try:
            names = tuple(ping(app, timeout=timeout))
        except Exception as error:
            errors.append(f"workers: {error}")
    return Health(broker, backend, names, tuple(errors))


def _limit(workers: list[str] | None) -> int | None:
    """How many answers are enough."""
    return len(workers) if workers else None


def _by_name(replies: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {name: answer for reply in replies or () for name, answer in reply.items()}


def _answers(
    answers: dict[str, Any] | None, question: str, workers: list[str] | None, timeout: float
) -> dict[str, Any]:
    missing = sorted(set(workers or ()) - set(answers or ()))
    if missing:
        raise NoWorkerAnswered(f"{', '.join(missing)} did not answer {question!r} within {timeout} s")
    if not answers:
        raise NoWorkerAnswered(f"no worker answered {question!r} within {timeout} s")
    return answers

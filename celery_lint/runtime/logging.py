"""One line for the start and one for the end of every task, as JSON, on the standard library's logging.

::

    configure_logging()          # before the worker starts, for example where the application is made

Celery itself logs the exception of a task that fails, with its traceback; the lines here say what happened to
which task, in fields that a log store can search.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from typing import Any

from celery import signals

logger = logging.getLogger("celery_lint.runtime.tasks")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_started: dict[str, float] = {}


class JSONFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, the ``extra`` fields and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logging(level: int | str = logging.INFO) -> None:
    """Log the tasks of this process, and give every logger of a worker the JSON format.

    Connects to Celery's signals; a second call changes nothing but the level.
    """
    logger.setLevel(level)
    signals.after_setup_logger.connect(_format, weak=False, dispatch_uid="celery_lint.runtime.logging")
    signals.after_setup_task_logger.connect(_format, weak=False, dispatch_uid="celery_lint.runtime.logging")
    for signal, handler in (
        (signals.task_prerun, _on_start),
        (signals.task_postrun, _on_end),
        (signals.task_failure, _on_failure),
        (signals.task_retry, _on_retry),
    ):
        signal.connect(handler, weak=False, dispatch_uid="celery_lint.runtime.logging")


def _format(logger: logging.Logger, **_: object) -> None:
    for handler in logger.handlers:
        handler.setFormatter(JSONFormatter())


def _fields(task: Any, task_id: str) -> dict[str, Any]:
    request = task.request
    return {
        "task": task.name,
        "task_id": task_id,
        "root_id": request.root_id,
        "parent_id": request.parent_id,
        "worker": request.hostname,
        "attempt": (request.retries or 0) + 1,
    }


def _duration(task_id: str) -> int | None:
    started = _started.pop(task_id, None)
    return None if started is None else round(1000 * (time.monotonic() - started))


def _on_start(task_id: str, task: Any, **_: object) -> None:
    _started[task_id] = time.monotonic()
    logger.info("task started", extra=_fields(task, task_id))


def _on_end(task_id: str, task: Any, state: str | None, **_: object) -> None:
    # A failure and a retry have said so already, with their reason.
    duration = _duration(task_id)
    if duration is not None:
        fields = {**_fields(task, task_id), "state": state, "duration_ms": duration}
        logger.info("task finished", extra=fields)


def _on_failure(task_id: str, exception: BaseException, sender: Any, **_: object) -> None:
    _say(logging.ERROR, "task failed", sender, task_id, exception)


def _on_retry(request: Any, reason: object, sender: Any, **_: object) -> None:
    _say(logging.WARNING, "task is retried", sender, request.id, reason)


def _say(level: int, message: str, task: Any, task_id: str, reason: object) -> None:
    fields = {**_fields(task, task_id), "duration_ms": _duration(task_id)}
    cause = getattr(reason, "exc", None) or reason
    if isinstance(cause, BaseException):
        fields["error"] = type(cause).__name__
    logger.log(level, "%s: %s", message, reason, extra=fields)


__all__ = ["JSONFormatter", "configure_logging"]

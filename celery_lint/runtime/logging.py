"""One line for the start and one for the end of every task, as JSON, on the standard library's logging.

::

    configure_logging()          # before the worker starts, for example where the application is made

Celery itself logs the exception of a task that fails, with its traceback; the lines here say what happened to
which task, in fields that a log store can search.
"""

from __future__ import annotations

import json
import logging
import math
import time
from datetime import datetime, timezone
from typing import Any

from celery import signals

logger = logging.getLogger("celery_lint.runtime.tasks")

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_started: dict[str, float] = {}


class JSONFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, the ``extra`` fields, traceback and stack.

    Every record gives a line, and every line is JSON: what has no form there is a text, a number that is none
    (``NaN``) as well. An extra field with the name of one of ours is called ``extra_time`` and so on.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        elif record.exc_text:  # from another process, say, where the exception itself cannot go
            line["traceback"] = record.exc_text
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        for key, value in vars(record).items():
            if key not in _STANDARD:
                line[f"extra_{key}" if key in line or key in _OURS else key] = value
        try:
            return json.dumps(line, default=_text, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return json.dumps(_plain(line), allow_nan=False)


_OURS = frozenset({"time", "level", "logger", "message", "traceback", "stack"})


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # arguments that do not fit, or cannot be shown
        return f"{_text(record.msg)} ({type(error).__name__} in its arguments)"


def _text(value: object) -> str:
    """The value as ``str`` shows it; if that fails, what it is."""
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__} in its __str__>"


def _plain(value: object, around: tuple[int, ...] = ()) -> object:
    """The value with what JSON cannot hold as texts: keys, numbers that are none, what contains itself."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if id(value) in around or len(around) > _DEPTH:
        return "…"
    around = (*around, id(value))
    if isinstance(value, dict):
        return {_text(key): _plain(held, around) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(held, around) for held in value]
    return _text(value)


#: How deep values are shown that are not plain JSON already.
_DEPTH = 20


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

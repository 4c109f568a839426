"""The lines about tasks, and their form."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, signals

from celery_lint.runtime.logging import JSONFormatter, configure_logging

app = Celery("shop", broker="memory://", backend="cache+memory://")


@app.task
def works() -> int:
    return 1


@app.task
def fails() -> None:
    raise ValueError("no users")


@app.task(bind=True)
def comes_back(self: Any) -> None:
    raise self.retry(countdown=0, exc=OSError("busy"), max_retries=1)


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    configure_logging()
    configure_logging()
    yield
    for name in ("task_prerun", "task_postrun", "task_failure", "task_retry", "after_setup_logger"):
        getattr(signals, name).disconnect(dispatch_uid="celery_lint.runtime.logging")


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    formatter = JSONFormatter()
    records = [record for record in caplog.records if record.name.startswith("celery_lint")]
    return [json.loads(formatter.format(record)) for record in records]


def test_a_start_and_an_end(caplog: pytest.LogCaptureFixture) -> None:
    outcome = works.apply()
    start, end = lines(caplog)
    assert start["message"] == "task started"
    assert end["message"] == "task finished"
    assert start["task_id"] == end["task_id"] == outcome.id
    assert end["task"] == works.name
    assert (end["state"], end["attempt"], end["level"]) == ("SUCCESS", 1, "info")
    assert end["duration_ms"] >= 0
    assert end["worker"]


def test_a_failure_with_its_reason_and_no_second_end(caplog: pytest.LogCaptureFixture) -> None:
    fails.apply()
    _, end = lines(caplog)
    assert (end["message"], end["level"], end["error"]) == ("task failed: no users", "error", "ValueError")


def test_a_retry_counts_the_attempts(caplog: pytest.LogCaptureFixture) -> None:
    comes_back.apply()
    found = lines(caplog)
    assert [(line["attempt"], line["level"]) for line in found] == [
        (1, "info"),
        (1, "warning"),
        (2, "info"),
        (2, "error"),
    ]
    assert found[1]["error"] == "OSError"


def test_a_traceback_and_extra_fields_are_fields() -> None:
    try:
        raise KeyError("x")
    except KeyError:
        record = logging.getLogger("shop").makeRecord(
            "shop", logging.ERROR, __file__, 1, "lost %s", ("order",), sys.exc_info(), extra={"pk": 3}
        )
    line = json.loads(JSONFormatter().format(record))
    assert line["message"] == "lost order"
    assert line["pk"] == 3
    assert "KeyError: 'x'" in line["traceback"]
    assert line["time"].endswith("+00:00")


def test_loggers_of_a_worker_get_the_format() -> None:
    logger = logging.Logger("worker")
    handler = logging.StreamHandler()
    logger.addHandler(handler)
    signals.after_setup_logger.send(sender=None, logger=logger)
    assert isinstance(handler.formatter, JSONFormatter)

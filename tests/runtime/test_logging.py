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


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError("no words")


def line_of(message: str = "said", arguments: tuple[Any, ...] = (), **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, __file__, 1, message, arguments, None, extra=extra
    )

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = JSONFormatter().format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def test_every_record_gives_a_line_of_json() -> None:
    cycle: dict[str, Any] = {"name": "cycle"}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert line_of(found={(1, 2): "tuple"})["found"] == {"(1, 2)": "tuple"}
    assert line_of(found=cycle)["found"] == {"name": "cycle", "self": "…"}
    assert line_of(found=deep)["found"]
    assert line_of(found=float("nan"))["found"] == "nan"
    assert line_of(found=[float("inf")])["found"] == ["inf"]
    assert line_of(found={1: float("nan"), "set": {3}})["found"] == {"1": "nan", "set": "{3}"}
    assert "Unspeakable" in line_of(found=Unspeakable())["found"]
    assert line_of("%s is lost", (Unspeakable(),))["message"] == "%s is lost (ValueError in its arguments)"
    assert line_of("%d of %d", ("one",))["message"] == "%d of %d (TypeError in its arguments)"


def test_extra_fields_take_no_name_of_ours() -> None:
    line = line_of(time="later", level=9, logger="x", traceback="none", stack="s", pk=3)
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"], line["pk"]) == ("info", "shop", 3)
    assert (line["extra_time"], line["extra_level"], line["extra_logger"]) == ("later", 9, "x")
    assert (line["extra_traceback"], line["extra_stack"]) == ("none", "s")


def test_the_stack_is_a_field(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("shop").warning("here", stack_info=True)
    line = json.loads(JSONFormatter().format(caplog.records[-1]))
    assert "test_the_stack_is_a_field" in line["stack"]

"""Tasks that know nothing of executions, in an application that records them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import Any

from application import MARKS, PREFIX, app, mark, sync_engine
from celery.exceptions import Reject, SoftTimeLimitExceeded
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime import run_async
from celery_lint.runtime.application import recommended_settings
from celery_lint.runtime.retries import RetryPolicy
from celery_lint.runtime.tracking import current_run, track

of_backend = app.conf.result_backend_transport_options
settings = recommended_settings(os.environ.get("RECORDED_POOL", "prefork"))
app.conf.update({**settings, "result_backend_transport_options": of_backend})
# What nobody has acknowledged is delivered again after seconds, so that the tests need not wait for hours.
again = {"visibility_timeout": 5, "unacked_restore_interval": 0.3}
app.conf.broker_transport_options = {"global_keyprefix": f"{PREFIX}:", **again}
track(app, sessionmaker(sync_engine(pool_pre_ping=True), expire_on_commit=False))


def begin(task: Any) -> str:
    """Leave a trace of this run; its execution."""
    execution_id = str(task.request.headers["execution_id"])
    mark(f"{execution_id} {time.monotonic_ns()}")
    return execution_id


@app.task(bind=True)
def succeeds(self: Any) -> str:
    begin(self)
    current_run().summary = "3 users"
    return "ignored"


@app.task(bind=True)
def fails(self: Any) -> None:
    begin(self)
    raise ValueError("no users\x00")


async def sleep(seconds: float) -> None:
    """Says that it was cleaned up after."""
    await asyncio.sleep(seconds)


# Celery sends anew what a worker died over, since 5.7; before, the broker delivers it again.
@app.task(bind=True, reject_on_worker_lost=True, default_retry_delay=0)
def sleeps(self: Any, seconds: float) -> None:
    """In a coroutine, as most tasks that wait."""
    begin(self)
    run_async(sleep(seconds))


@app.task(bind=True)
def stubborn(self: Any, seconds: float) -> None:
    """Does not heed its soft limit."""
    begin(self)
    with suppress(SoftTimeLimitExceeded):
        time.sleep(seconds)
    time.sleep(seconds)


@app.task(bind=True, **RetryPolicy((ConnectionError,), base=1, jitter=False, limit=3).options())
def is_retried(self: Any) -> None:
    """Fails until the test lets it succeed."""
    begin(self)
    if not (MARKS / "succeed").exists():
        raise ConnectionError("busy")


@app.task(bind=True, reject_on_worker_lost=True, default_retry_delay=0)
def dies(self: Any) -> None:
    begin(self)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True, acks_late=False, retry_on_worker_lost=False)
def dies_once(self: Any) -> None:
    begin(self)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True)
def rejects(self: Any) -> None:
    begin(self)
    raise Reject("no good", requeue=False)

"""Tasks whose messages come back, or do not."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import Any

from application import MARKS, app, mark
from celery import Task
from celery.exceptions import Reject
from celery.signals import task_prerun


@task_prerun.connect
def count(task: Task, **_: Any) -> None:
    """Leave a trace of each run."""
    mark(f"ran {task.name.rpartition('.')[2]} {time.monotonic_ns()}")


@app.task
def works() -> str:
    """Nothing is wrong with it."""
    return "done"


@app.task(acks_late=True, reject_on_worker_lost=True)
def kills_its_process_late() -> None:
    """The message goes back to the queue each time."""
    os._exit(1)


@app.task(reject_on_worker_lost=True)
def kills_its_process() -> None:
    """The message has been acknowledged."""
    os._exit(1)


@app.task(acks_late=True, reject_on_worker_lost=True)
def kills_its_process_once() -> str:
    """Works when it comes back."""
    if not (MARKS / "killed").exists():
        mark("killed")
        os._exit(1)
    return "done"


@app.task
def rejects() -> None:
    """Nothing is left to reject."""
    raise Reject("not now", requeue=True)


@app.task(acks_late=True)
def rejects_late() -> str:
    """The message comes back."""
    if not (MARKS / "rejected").exists():
        mark("rejected")
        raise Reject("not now", requeue=True)
    return "done"


@app.task(acks_late=True)
def rejects_for_ever() -> None:
    """The message comes back at once, each time."""
    raise Reject("not now", requeue=True)


@app.task(acks_late=True, acks_on_failure_or_timeout=False, time_limit=1)
def comes_back_when_late() -> None:
    """Into the same limit."""
    time.sleep(30)


@app.task(acks_late=True, acks_on_failure_or_timeout=False)
def is_gone_when_failed() -> None:
    """Fails."""
    raise ValueError("no such order")


@app.task(soft_time_limit=1)
def catches_the_soft_limit() -> str:
    """There is no other."""
    for _ in range(2):
        with suppress(Exception):
            time.sleep(2)
    return "done"


@app.task(soft_time_limit=1, time_limit=2)
def catches_the_soft_limit_only() -> str:
    """The hard one cannot be caught."""
    for _ in range(2):
        with suppress(Exception):
            time.sleep(20)
    return "done"


@app.task
def goes_on() -> str:
    """Is revoked meanwhile."""
    mark("began")
    time.sleep(2)
    mark("went on")
    return "done"


@app.task
def waits_to_be_ended() -> None:
    """Would say so if anything failed, and cleans up."""
    mark("waits")
    try:
        time.sleep(30)
    except Exception:
        mark("handled")
        raise
    finally:
        mark("cleaned up")


@app.task
def asks_without_a_timeout() -> None:
    """The peer is silent."""
    here, there = socket.socketpair()
    with here, there:
        here.recv(1)


@app.task
def asks_with_a_timeout() -> None:
    """The peer is silent, and the client does not wait for ever."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(1)
        here.recv(1)

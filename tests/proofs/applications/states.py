"""What tasks say about themselves, and the locks that they take."""

from __future__ import annotations

import os
import time
from typing import Any

from application import MARKS, PREFIX, app, mark
from celery import Task
from redis import Redis

redis = Redis.from_url(os.environ["PROOF_BACKEND"])


class PaymentError(Exception):
    """Does not hand on what it was made with."""

    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"{order}: {reason}")


class OrderError(Exception):
    """Hands it on."""

    def __init__(self, order: int, reason: str) -> None:
        super().__init__(order, reason)


@app.task
def raises_what_cannot_be_made_again() -> None:
    """The class wants two arguments and ``args`` has one."""
    raise PaymentError(1, "nothing to pay")


@app.task
def raises_what_can_be_made_again() -> None:
    """The class gets what it wants."""
    raise OrderError(1, "nothing to pay")


@app.task(bind=True)
def fails_by_hand(self: Task) -> str:
    """The state of a failure, without the exception that belongs to it."""
    self.update_state(state="FAILURE", meta={"error": "the disk is full"})
    mark("failed-by-hand")
    return "done"


@app.task
def fails() -> None:
    """Celery stores the failure."""
    raise ValueError("the disk is full")


@app.task(bind=True)
def succeeds_too_early(self: Task) -> str:
    """The state is final."""
    self.update_state(state="SUCCESS", meta={"rows": 3})
    raise ValueError("the disk is full")


@app.task(bind=True)
def succeeds_by_hand(self: Task) -> str:
    """What it returns is not stored."""
    self.update_state(state="SUCCESS", meta={"rows": 3})
    return "done"


@app.task(bind=True)
def reports_progress(self: Task) -> str:
    """The state is not final."""
    self.update_state(state="PROGRESS", meta={"rows": 3})
    raise ValueError("the disk is full")


@app.task(bind=True)
def reports_a_set(self: Task) -> str:
    """JSON has no sets."""
    self.update_state(state="PROGRESS", meta={"missing": {1, 2}})
    return "done"


@app.task(bind=True)
def reports_a_list(self: Task) -> str:
    """But lists."""
    self.update_state(state="PROGRESS", meta={"missing": [1, 2]})
    return "done"


def meet(trace: str) -> None:
    """Wait until the other process is here as well."""
    mark(f"{trace} {os.getpid()}")
    end = time.monotonic() + 30
    while sum(path.name.startswith(trace) for path in MARKS.iterdir()) < 2 and time.monotonic() < end:
        time.sleep(0.01)


@app.task
def asks_then_sets() -> bool:
    """Between the question and the answer's use the other process asks as well."""
    name = f"{PREFIX}-asked"
    taken = redis.get(name)
    meet("asked")
    if taken:
        return False
    redis.set(name, 1, ex=60)
    return True


@app.task
def sets_if_free() -> bool:
    """One command asks and sets."""
    meet("set")
    return bool(redis.set(f"{PREFIX}-set", 1, nx=True, ex=60))


def take(name: str, seconds: float | None) -> Any:
    """A lock that is given up after a while, or never."""
    return redis.lock(f"{PREFIX}-{name}", timeout=seconds)


@app.task
def dies_with_the_lock(name: str, seconds: float | None) -> None:
    """The end of the block never comes."""
    with take(name, seconds):
        os._exit(1)


@app.task
def wants_the_lock(name: str, seconds: float | None) -> bool:
    """Waits for a while."""
    return bool(take(name, seconds).acquire(blocking_timeout=4))

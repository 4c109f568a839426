"""Time limits."""

from __future__ import annotations

import time

from application import app, mark


@app.task(soft_time_limit=60, time_limit=30)
def soft_above_hard() -> None:
    """The hard limit would always come first."""


@app.task(soft_time_limit=30, time_limit=60)
def soft_below_hard() -> None:
    """Time to clean up."""


@app.task
def sends(name: str) -> None:
    """Send a task from the worker."""
    app.tasks[f"limits.{name}"].apply_async()


@app.task(soft_time_limit=1)
def soft_only() -> None:
    """Runs for longer than its limit, if it may."""
    try:
        time.sleep(3)
        mark("went on")
    finally:
        mark("clean-up began")
        time.sleep(1)
        mark("clean-up ended")


@app.task(time_limit=1)
def hard_only() -> None:
    """Runs for longer than its limit, if it may."""
    try:
        time.sleep(3)
        mark("went on")
    finally:
        mark("clean-up began")
        time.sleep(1)
        mark("clean-up ended")


@app.task(soft_time_limit=1, time_limit=1)
def one_limit_for_both() -> None:
    """The soft limit strikes, and the hard one behind it."""
    _clean_up_after(30)


@app.task
def limits_of_the_call() -> None:
    """Sent with a soft limit above the hard one: what lies between them is run."""
    _clean_up_after(2)


def _clean_up_after(seconds: float) -> None:
    try:
        time.sleep(seconds)
        mark("went on")
        time.sleep(30)
    finally:
        mark("clean-up began")
        time.sleep(1)
        mark("clean-up ended")

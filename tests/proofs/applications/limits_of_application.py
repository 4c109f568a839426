"""A soft limit of the application, and tasks with a hard limit that is shorter."""

from __future__ import annotations

import time

from application import app, mark

app.conf.task_soft_time_limit = 30


@app.task(time_limit=1)
def hard_alone() -> None:
    """Runs for longer than its limit, if it may."""
    time.sleep(4)
    mark("went on")


@app.task(soft_time_limit=0.5, time_limit=1)
def both() -> None:
    """Ignores its soft limit."""
    try:
        time.sleep(60)
    except Exception:
        time.sleep(60)

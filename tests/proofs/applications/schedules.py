"""A task that is due again and again."""

from __future__ import annotations

import time

from application import app, mark

app.conf.beat_schedule = {"tick": {"task": "schedules.tick", "schedule": 0.1}}


@app.task(ignore_result=True)
def tick() -> None:
    """Leave a trace of its own."""
    mark(f"tick-{time.monotonic_ns()}")

"""Sends a task to whoever imports it."""

from __future__ import annotations

import os

from application import app, mark


@app.task
def warms_up(process: int) -> None:
    """Leave a trace of who has sent it."""
    mark(f"sent by {process}")


@app.task
def waits() -> None:
    """Nobody sends it."""
    mark("sent by nobody")


warms_up.delay(os.getpid())

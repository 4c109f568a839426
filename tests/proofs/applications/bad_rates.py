"""A task with a rate that no worker can read."""

from __future__ import annotations

from application import app


@app.task(rate_limit="10/min")
def limited() -> None:
    """Never runs."""

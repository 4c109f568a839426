"""Tasks that are defined in ways that cannot work."""

from __future__ import annotations

from application import app
from celery import Task

# ------------------------------------------------------------------------------------ options


@app.task(ignore_results=True)
def keeps_its_result() -> str:
    """The option is spelled with one letter too many."""
    return "kept"


@app.task(ignore_result=True)
def ignores_its_result() -> str:
    """The real option."""
    return "lost"


# ------------------------------------------------------------------------------------ the task itself


@app.task(bind=True)
def takes_nothing() -> None:
    """Has no parameter for the task."""


@app.task(bind=True)
def takes_itself(self: Task) -> None:
    """Has one."""


@app.task
def wants_itself(self: Task) -> None:
    """Nobody gives it."""

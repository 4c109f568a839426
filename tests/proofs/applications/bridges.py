"""A registry through which tasks are sent by their keys."""

from __future__ import annotations

from typing import Any

from application import app, mark
from celery import Celery


@app.task
def accepts(execution_id: Any = None) -> None:
    """Takes what the bridge passes."""
    mark("accepts")


@app.task
def refuses(to: str = "all") -> None:
    """Takes something else."""
    mark("refuses")


def plain(execution_id: Any = None) -> None:
    """Is no task."""
    mark("plain")


TASKS: dict[str, Any] = {"accepts": accepts, "refuses": refuses, "plain": plain}


@app.task
def dispatch(key: str) -> None:
    """Send the task that is registered under a key."""
    TASKS[key].delay(execution_id=1)


@app.task
def queue_of(routed: str) -> str:
    """The queue of the task ``accepts``, where the routes have one for another name."""
    other = Celery("routes", set_as_current=False)
    other.conf.task_routes = {routed: {"queue": "slow"}}
    return str(other.amqp.router.route({}, accepts.name)["queue"].name)

"""A registry through which tasks are sent by their keys."""

from __future__ import annotations

from typing import Any

from application import app, mark
from celery import Celery, Task


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


@app.task
def knows(how: str, name: str) -> bool:
    """Whether an application knows the task of a package once it has imported what a worker imports."""
    other = Celery("other", set_as_current=False)
    if how == "discovered":
        other.autodiscover_tasks([name])
    else:
        other.conf.include = name
    other.loader.import_default_modules()
    return "jobs.reports.weekly" in other.tasks


@app.task
def send_to(queue: str) -> None:
    """Send the task ``accepts`` to a queue."""
    accepts.apply_async(queue=queue or None)


class Forgotten(Task):  # type: ignore[misc]
    """A class of tasks that nobody registers."""

    name = "bridges.forgotten"

    def run(self) -> None:
        """Leave a trace."""
        mark("forgotten")


class Registered(Forgotten):
    """One that is registered."""

    name = "bridges.registered"


app.register_task(Registered())


@app.task
def send_class(name: str) -> str | None:
    """Send a task by an object of its class."""
    return (Forgotten() if name == "forgotten" else Registered()).delay().id

"""Queues that are declared, without the default one."""

from __future__ import annotations

from application import PREFIX, app, mark
from kombu import Queue

DEFAULT = f"{PREFIX}-default"
app.conf.update(task_default_queue=DEFAULT, task_queues=[Queue(PREFIX)])


@app.task
def accepts() -> None:
    """Leaves a trace."""
    mark("accepts")


@app.task
def send_to(queue: str) -> str:
    """Send the task ``accepts`` to a queue, or where no route sends it; the name of the default queue."""
    accepts.apply_async(queue=queue or None)
    return DEFAULT

"""Handlers that are coroutine functions."""

from __future__ import annotations

from typing import Any

from application import app, mark
from celery import Task
from celery.signals import task_postrun


@task_postrun.connect
async def coroutine_handler(task: Task, **_: Any) -> None:
    """Celery calls it, and nobody awaits what the call returns."""
    mark(f"coroutine_handler {task.name}")


@task_postrun.connect
def plain_handler(task: Task, **_: Any) -> None:
    """Runs after each task."""
    mark(f"plain_handler {task.name}")


class WithHandlers(Task):
    """A base class with handlers of both kinds."""

    async def on_success(self, *_: Any) -> None:  # type: ignore[override]
        """Celery calls it, and nobody awaits what the call returns."""
        mark("coroutine_on_success")

    def after_return(self, *_: Any) -> None:
        """Runs after each task."""
        mark("plain_after_return")


@app.task(base=WithHandlers)
def handled() -> None:
    """Has a base class with handlers."""

"""Coroutines that nobody awaits."""

from __future__ import annotations

import asyncio

from application import app, mark


async def leave(trace: str) -> None:
    """A coroutine whose effect can be seen."""
    mark(trace)


@app.task
async def coroutine_task(trace: str) -> None:
    """Celery calls it, and nobody awaits what the call returns."""
    mark(trace)


@app.task(ignore_result=True)
async def ignored_coroutine_task(trace: str) -> None:
    """The same without a result that could not be encoded."""
    mark(trace)


@app.task
def plain_task(trace: str) -> None:
    """The body runs."""
    mark(trace)


@app.task
def forgets_to_await(trace: str) -> None:
    """Makes a coroutine and runs nothing."""
    leave(trace)  # type: ignore[unused-coroutine]


@app.task
def runs_the_coroutine(trace: str) -> None:
    """Runs it."""
    asyncio.run(leave(trace))


@app.task
def passes_the_function(trace: str) -> None:
    """Passes the coroutine function where a coroutine belongs."""
    asyncio.run(leave)  # type: ignore[arg-type]


@app.task
def creates_a_task(trace: str) -> None:
    """There is no loop that could run the task."""
    asyncio.create_task(leave(trace))  # noqa: RUF006

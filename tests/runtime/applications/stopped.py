"""Tasks whose coroutines are ended by what is no error, and others on the same loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from application import MARKS, app, async_engine, mark
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from celery_lint.runtime import per_process, run_async
from celery_lint.runtime.event_loop import warn_when_blocked

app.conf.task_acks_late = True
app.conf.task_track_started = True
warn_when_blocked(1)
engine = per_process(async_engine, AsyncEngine.dispose)


async def cancel_oneself() -> None:
    """As a library's cancel scope does."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


async def leave() -> None:
    """End the program."""
    await asyncio.sleep(0)
    sys.exit(3)


async def press() -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


async def ask() -> int:
    """A connection of the process."""
    async with engine().connect() as connection:
        return int((await connection.execute(text("select 7"))).scalar_one())


async def bystand() -> int:
    """Wait, and ask again."""
    before = await ask()
    mark("bystander begun")
    while not (MARKS / "go on").exists():
        await asyncio.sleep(0.02)
    return before + await ask()


STOPS = {"CancelledError": cancel_oneself, "SystemExit": leave, "KeyboardInterrupt": press}


@app.task
def stops(by: str) -> None:
    """Is ended by one of them."""
    run_async(STOPS[by]())


@app.task
def asks() -> int:
    """Goes on."""
    return run_async(ask())


@app.task
def bystands() -> int:
    """Waits meanwhile."""
    return run_async(bystand())


async def wait_anyway() -> None:
    """Take no notice of a cancellation."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    mark("stubborn cancelled")


async def ignore() -> None:
    """Refuse to be cancelled."""
    while True:
        await wait_anyway()


@app.task(soft_time_limit=1)
def is_stubborn() -> None:
    """Leaves a coroutine behind that does not end."""
    run_async(ignore())


async def block() -> None:
    """Keep the loop for itself."""
    while not (MARKS / "go on").exists():
        time.sleep(0.05)


@app.task
def blocks() -> None:
    """Is told by the watchdog."""
    run_async(block())

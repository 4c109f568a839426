"""Tasks with the same coroutine, run in three ways; each says when it began and ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from application import MARKS, app, async_engine
from bridge import adaptive
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from celery_lint.runtime import per_process, run_async

kept = per_process(async_engine, AsyncEngine.dispose)
shared = async_engine()


async def twice(engine: AsyncEngine) -> None:
    """Two small queries in one session."""
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
        await connection.execute(text("select 1"))


async def pooled() -> None:
    """The process keeps its connections."""
    await twice(kept())


async def disposed() -> None:
    """Every task opens and closes its own."""
    try:
        await twice(shared)
    finally:
        await shared.dispose()


WAYS: dict[str, Callable[[], Any]] = {
    "run_async": lambda: run_async(pooled()),
    "adaptive helper": lambda: adaptive(disposed()),
    "asyncio.run": lambda: asyncio.run(disposed()),
}


@app.task
def timed(way: str) -> tuple[float, float]:
    """Run the coroutine in the way that is named."""
    begun = time.monotonic()
    WAYS[way]()
    return begun, time.monotonic()


@app.task
def gate(name: str) -> None:
    """Keep a process from starting with what waits behind this task."""
    while not (MARKS / name).exists():
        time.sleep(0.005)

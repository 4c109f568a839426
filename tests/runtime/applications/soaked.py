"""Tasks that await coroutines on an engine with a pool, which each worker process keeps."""

from __future__ import annotations

import asyncio
import logging

from application import app, async_engine, mark
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from celery_lint.runtime import per_process, run_async

logger = logging.getLogger("soaked")
engine = per_process(async_engine, AsyncEngine.dispose)


async def ask(number: int) -> int:
    """Use a connection, log, wait, and use it again: the locks of logging are green where threads are."""
    async with engine().connect() as connection:
        await connection.execute(text("select 1"))
        logger.warning("%s has a connection", number)
        await asyncio.sleep(0.01)
        return int((await connection.execute(text(f"select {int(number)}"))).scalar_one())


@app.task
def query(number: int) -> int:
    """Ask the database for the number."""
    return run_async(ask(number))


async def hold(trace: str, seconds: float) -> None:
    """Wait in a transaction."""
    async with engine().connect() as connection:
        await connection.execute(text("select 1"))
        mark(f"{trace} begun")
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0.05)
            mark(f"{trace} finally")


@app.task
def holds(trace: str, seconds: float) -> None:
    """Is interrupted while its coroutine waits."""
    run_async(hold(trace, seconds))

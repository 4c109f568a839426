"""What is made once for a process and used on one event loop after the other."""

from __future__ import annotations

import asyncio
import os
import threading
from functools import cache
from typing import Any

from application import app, async_engine
from bridge import RUNNERS, adaptive, kept_loop
from redis.asyncio import Redis
from sqlalchemy import text

REDIS = os.environ["PROOF_BACKEND"]

# ------------------------------------------------------------------------------------ clients

client = Redis.from_url(REDIS)
clients: dict[str, Any] = {}


async def ping(redis: Any) -> bool:
    """Ask the server."""
    return bool(await redis.ping())


@app.task
def asks_the_shared_client(runner: str) -> bool:
    """The client keeps the connection that it has opened."""
    return bool(RUNNERS[runner](ping(client)))


@app.task
def asks_a_client_of_its_own() -> bool:
    """The connection is closed before the loop is."""

    async def execute() -> bool:
        async with Redis.from_url(REDIS) as own:
            return await ping(own)

    return asyncio.run(execute())


@app.task
def asks_the_kept_client() -> bool:
    """A dictionary that holds what an earlier task has put there."""

    async def execute() -> bool:
        if "redis" not in clients:
            clients["redis"] = Redis.from_url(REDIS)
        return await ping(clients["redis"])

    return asyncio.run(execute())


@cache
def cached() -> Any:
    """A client that is made at the first call."""
    return Redis.from_url(REDIS)


@app.task
def asks_the_cached_client() -> bool:
    """The same through a cached function."""
    return asyncio.run(ping(cached()))


@app.task
def asks_one_client_in_each_of_its_runs(runner: str) -> list[str]:
    """The client belongs to the task, and each of its runs has another loop."""
    own = Redis.from_url(REDIS)

    def outcome() -> str:
        try:
            RUNNERS[runner](ping(own))
        except RuntimeError as error:
            return str(error)
        return ""

    return [outcome() for _ in range(4)]


@app.task
def asks_a_client_of_each_run() -> list[str]:
    """Each run closes what it has opened."""

    async def execute() -> None:
        async with Redis.from_url(REDIS) as own:
            await ping(own)

    for _ in range(4):
        asyncio.run(execute())
    return []


# ------------------------------------------------------------------------------------ locks

lock = asyncio.Lock()


@app.task
def meets_at_the_shared_lock() -> int:
    """Two coroutines meet, so one of them has to wait."""
    return asyncio.run(meet(lambda: lock))


@app.task
def meets_at_a_lock_of_its_own() -> int:
    """The lock is made on the loop that uses it."""
    return asyncio.run(meet(asyncio.Lock))


async def meet(make: Any) -> int:
    """Hold the lock twice, one after the other."""
    held = make()

    async def hold() -> None:
        async with held:
            await asyncio.sleep(0.01)

    await asyncio.gather(hold(), hold())
    return 2


# ------------------------------------------------------------------------------------ loops

module_loop = asyncio.new_event_loop()
threading.Thread(target=module_loop.run_forever, daemon=True).start()


async def answer() -> int:
    """Something to wait for."""
    return 1


@app.task
def waits_for_the_loop_of_the_parent() -> int:
    """The thread that runs the loop has stayed in the parent."""
    return asyncio.run_coroutine_threadsafe(answer(), module_loop).result(3)


@app.task
def waits_for_the_loop_of_the_process() -> int:
    """The loop is made where it is used."""
    return int(kept_loop(answer()))


# ------------------------------------------------------------------------------------ engines

between = async_engine()
late = async_engine()
early = async_engine()
plain = async_engine()
forgotten = async_engine()


async def select(engine: Any) -> int:
    """Ask the database."""
    async with engine.connect() as connection:
        return int((await connection.execute(text("select 1"))).scalar_one())


@app.task
def asks_on_the_kept_loop() -> int:
    """Leaves its connection in the pool."""
    return int(adaptive(select(between)))


@app.task
def asks_on_a_loop_of_its_own() -> int:
    """Takes it out again, and disposes of it as it should."""

    async def execute() -> int:
        try:
            return await select(between)
        finally:
            await between.dispose()

    return asyncio.run(execute())


@app.task
def disposes_in_a_second_run() -> int:
    """The loop of the connections is closed by then."""
    try:
        return asyncio.run(select(late))
    finally:
        asyncio.run(late.dispose())


@app.task
def disposes_in_plain_code() -> int:
    """No coroutine runs any more that could wait for the connections."""
    try:
        return asyncio.run(select(plain))
    finally:
        plain.sync_engine.dispose()


@app.task
def forgets_in_plain_code() -> int:
    """Nothing is closed, and the next run finds an empty pool."""
    try:
        return asyncio.run(select(forgotten))
    finally:
        forgotten.sync_engine.dispose(close=False)


@app.task
def disposes_in_the_same_run() -> int:
    """The loop of the connections runs still."""

    async def execute() -> int:
        try:
            return await select(early)
        finally:
            await early.dispose()

    return asyncio.run(execute())

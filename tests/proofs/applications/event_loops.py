"""Tasks that run coroutines in one way or another."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from application import DATABASE, app, async_engine, mark
from bridge import RUNNERS, adaptive, asgiref, closed_current_loop, current_loop
from celery import Celery, Task
from celery.exceptions import SoftTimeLimitExceeded
from celery.result import allow_join_result
from sqlalchemy import text
from sqlalchemy.pool import NullPool

# ------------------------------------------------------------------------------------ coroutines

engines: dict[str, Any] = {}
SLEEP = "sleep" if DATABASE.drivername == "mysql" else "pg_sleep"


def engine_of(name: str, **options: Any) -> Any:
    """The engine of this name: one for each way to run coroutines, so that none spoils another's."""
    if name not in engines:
        engines[name] = async_engine(**options)
    return engines[name]


async def sleep(runner: str) -> int:
    """Wait, without a database."""
    await asyncio.sleep(0.05)
    return 1


async def query(engine: Any) -> int:
    """Wait for the database."""
    async with engine.connect() as connection:
        await connection.execute(text(f"select {SLEEP}(0.05)"))
        return int((await connection.execute(text("select 1"))).scalar_one())


async def pooled(runner: str) -> int:
    """Take a connection of a pool that outlives the task."""
    return await query(engine_of(f"pooled {runner}"))


async def unpooled(runner: str) -> int:
    """Take a connection of its own."""
    return await query(engine_of(f"unpooled {runner}", poolclass=NullPool))


async def disposed(runner: str) -> int:
    """Take a connection of a pool, and close all that the pool has at the end."""
    engine = engine_of(f"disposed {runner}")
    try:
        return await query(engine)
    finally:
        await engine.dispose()


BODIES = {"sleep": sleep, "pooled": pooled, "unpooled": unpooled, "disposed": disposed}


@app.task
def run(runner: str, body: str) -> int:
    """Run a coroutine in the way that is named."""
    return int(RUNNERS[runner](BODIES[body](runner)))


@app.task
def synchronous() -> int:
    """Wait without any coroutine."""
    time.sleep(0.05)
    return 1


# ------------------------------------------------------------------------------------ background work


async def slow(trace: str) -> None:
    """Takes longer than whoever starts it."""
    try:
        await asyncio.sleep(0.3)
        mark(f"{trace} finished")
    except asyncio.CancelledError:
        mark(f"{trace} cancelled")
        raise


@app.task
def leaves_work_behind(trace: str) -> None:
    """The loop ends before the work that was started on it."""

    async def execute() -> None:
        started = asyncio.create_task(slow(trace))
        await asyncio.sleep(0)
        assert not started.done()

    asyncio.run(execute())


@app.task
def waits_for_its_work(trace: str) -> None:
    """Awaits what it has started."""

    async def execute() -> None:
        await asyncio.gather(slow(trace))

    asyncio.run(execute())


@app.task
def gathers(kind: str) -> int:
    """How many coroutines that wait in this way are at work at the same time."""
    at_work = most = 0

    async def wait() -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        if kind == "time.sleep":
            time.sleep(0.2)
        elif kind == "asyncio.sleep":
            await asyncio.sleep(0.2)
        else:
            await asyncio.to_thread(time.sleep, 0.2)
        at_work -= 1

    async def execute() -> None:
        await asyncio.gather(wait(), wait(), wait())

    asyncio.run(execute())
    return most


@app.task
def naps() -> None:
    """Takes a moment."""
    time.sleep(0.5)


@app.task
def waits_for_a_result(in_a_thread: bool) -> int:
    """How often another coroutine gets its turn while this one waits for a task."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async def execute() -> None:
        result = naps.delay()
        with allow_join_result():
            beside = asyncio.create_task(others())
            await asyncio.sleep(0)
            if in_a_thread:
                await asyncio.to_thread(result.get, 30, disable_sync_subtasks=False)
            else:
                result.get(30, disable_sync_subtasks=False)
            beside.cancel()

    asyncio.run(execute())
    return turns


@app.task
def publishes(in_a_thread: bool) -> int:
    """How often another coroutine gets its turn while this one sends a task to a broker that is away."""
    turns = 0
    away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async def execute() -> None:
        beside = asyncio.create_task(others())
        await asyncio.sleep(0)
        with suppress(Exception):
            if in_a_thread:
                await asyncio.to_thread(away.send_task, "naps")
            else:
                away.send_task("naps")
        beside.cancel()

    asyncio.run(execute())
    return turns


@app.task
def is_called_in_a_loop(kind: str) -> int:
    """As by the ``async def`` of a web server."""

    async def handle() -> int:
        if kind == "run":
            return int(run("asyncio.run", "sleep"))
        return await sleep("")

    return asyncio.run(handle())


# ------------------------------------------------------------------------------------ errors


async def fail() -> None:
    """Fails with an error of the kind that helpers use as a question."""
    raise RuntimeError("the database is on fire")


def ask_only(coroutine: Any) -> Any:
    """Asks for the running loop inside the ``try``, and does nothing else there."""
    import concurrent.futures

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


@app.task
def masks_the_error() -> None:
    """Calls a helper, as an eager task does, where a loop runs already."""

    async def application() -> None:
        adaptive(fail())

    asyncio.run(application())


@app.task
def shows_the_error() -> None:
    """The same with a helper that keeps its question apart."""

    async def application() -> None:
        ask_only(fail())

    asyncio.run(application())


@app.task
def closes_the_current_loop() -> int:
    """Leaves a loop behind that is current and closed."""
    return int(closed_current_loop(sleep("")))


@app.task
def closes_and_resets() -> int:
    """Makes no loop current that it closes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(sleep(""))
    finally:
        asyncio.set_event_loop(asyncio.new_event_loop())
        loop.close()


@app.task
def uses_the_current_loop() -> int:
    """Takes the loop that is current."""
    return int(current_loop(sleep("")))


# ------------------------------------------------------------------------------------ retries


@app.task(bind=True, max_retries=2)
def retries_in_the_coroutine(self: Task, with_error: bool) -> None:
    """Asks for a retry on another thread, where Celery knows of no request."""

    async def execute() -> None:
        mark(f"coroutine {with_error} {time.monotonic_ns()}")
        raise self.retry(countdown=0, exc=ValueError("not yet") if with_error else None)

    asgiref(execute())


@app.task(bind=True, max_retries=2)
def retries_in_the_task(self: Task) -> None:
    """Asks for a retry in the task's own code."""

    async def execute() -> None:
        mark(f"task {time.monotonic_ns()}")
        raise ValueError("not yet")

    try:
        asgiref(execute())
    except ValueError as error:
        raise self.retry(countdown=0) from error


# ------------------------------------------------------------------------------------ soft time limits


async def limited(trace: str) -> None:
    """Is at work when the soft limit comes."""
    try:
        await asyncio.sleep(2)
        mark(f"{trace} resumed")
    finally:
        mark(f"{trace} finally")


@app.task(soft_time_limit=1, time_limit=30)
def limited_on_a_kept_loop(trace: str) -> None:
    """The exception leaves the loop, the coroutine stays on it."""
    adaptive(limited(trace))


@app.task(soft_time_limit=1, time_limit=30)
def limited_on_its_own_loop(trace: str) -> None:
    """``asyncio.run`` cancels the coroutine before it lets the exception go on."""
    try:
        asyncio.run(limited(trace))
    except SoftTimeLimitExceeded:
        mark(f"{trace} after the run")
        raise


@app.task
def next_on_the_kept_loop() -> None:
    """Some other task that uses the loop for a while."""
    adaptive(asyncio.sleep(3))

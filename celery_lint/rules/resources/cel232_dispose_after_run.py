"""CEL232 dispose-after-run."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.late import LateDisposal, LateDisposals
from celery_lint.rule import Finding, Rule, on


class DisposeAfterRun(Rule):
    """An async engine is disposed of where its connections cannot be closed: their loop is, or none runs.

    ## Why it matters

    `asyncio.run(engine.dispose())` after `asyncio.run(work())` is a second event loop. The connections belong
    to the first, which is closed, so they cannot say goodbye: SQLAlchemy logs *Exception closing connection*
    with a traceback (*Event loop is closed*) for each of them, at every task, with asyncpg, aiomysql and
    asyncmy alike. And if the first run raises, an engine that is not disposed of in a `finally` hands its
    dead connection to the next task.

    `engine.sync_engine.dispose()` in plain code does empty the pool, so the next task gets new connections.
    But an async driver closes a connection by an `await`, for which SQLAlchemy needs the greenlet of a
    coroutine that runs: it logs the same with *MissingGreenlet* for each connection, and leaves the sockets
    to the garbage collector. `dispose(close=False)` says that they are to be forgotten.

    ## Example

    ```python
    import asyncio

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        try:
            return asyncio.run(load(pk))
        finally:
            asyncio.run(engine.dispose())
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def load(pk):
        try:
            async with engine.connect() as connection:
                return await connection.get_isolation_level()
        finally:
            await engine.dispose()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return asyncio.run(load(pk))
    ```

    A disposal at the start of the next run, or in `task_prerun`, comes too late in the same way.
    `dispose(close=False)` closes nothing and is silent: before or after each task that is the way to have an
    empty pool.

    ## Limits

    Both runs must be seen in one function, with a coroutine that is seen to use the pooled engine, or the
    disposal must be the only one and stand before the first use, itself or in a helper that does so whatever
    it is given. `sync_engine.dispose()` and `pool.dispose()` are told in handlers of `task_prerun` and
    `task_postrun` and in what tasks call, where a run uses the engine and does not dispose of it itself.
    Silent where both are on the same loop, or on one that is kept for the process, and for the drivers
    psycopg and aiosqlite, whose connections belong to no loop.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops>
    """

    code = "CEL232"
    name = "dispose-after-run"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}.dispose()` runs on a new loop: `Event loop is closed` for each connection"
    help = "write `await {engine}.dispose()` in the `finally` of the coroutine that uses it"
    variants = {
        "early": (
            "`{engine}.dispose()` comes too late: its connections belong to the last task's loop",
            "write `await {engine}.dispose()` in the `finally` of the coroutine that uses it",
        ),
        "plain": (
            "`{engine}{part}.dispose()` in plain code closes nothing, logs `MissingGreenlet`",
            "write `{engine}.sync_engine.dispose(close=False)`, which forgets them",
        ),
    }
    proof = "tests/proofs/test_shared.py::test_connections_cannot_say_goodbye_on_another_loop"

    @on(LateDisposals.all)
    def check(self, late: LateDisposal) -> Iterator[Finding]:
        """Report the run that disposes."""
        if late.kind == "early":
            story = ((late.used, f"`{late.engine}` is used here, on a loop that ends with the task"),)
            yield Finding(late.place, {"engine": late.engine}, story, "early")
        elif late.kind == "plain":
            story = ((late.used, "a run opens its connections here"),)
            yield Finding(late.place, {"engine": late.engine, "part": late.part}, story, "plain")
        else:
            story = ((late.used, f"`{late.engine}` is used here, on the loop of another run"),)
            yield Finding(late.place, {"engine": late.engine}, story)

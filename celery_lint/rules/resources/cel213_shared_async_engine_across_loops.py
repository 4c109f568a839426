"""CEL213 shared-async-engine-across-loops."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.loops.sharing import SharedEngine, Sharing
from celery_lint.rule import Finding, Rule, on


class SharedAsyncEngineAcrossLoops(Rule):
    """One async engine serves the event loops of several threads; neither disposing nor NullPool helps there.

    ## Why it matters

    In the threads pool tasks run side by side, each on the event loop of its own call. An engine that they
    share takes an `asyncio.Lock` when it first connects: two threads that come at once meet it on two loops,
    one fails with *is bound to a different event loop* and the other hangs, after which the worker cannot be
    stopped. `NullPool` does not change that. `dispose()` by one thread takes the pool away from under the
    others, whose connections stay open: 400 tasks reached *sorry, too many clients already*.

    ## Example

    ```python
    import asyncio

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "threads"
    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)


    def run_async(coroutine):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    @app.task
    def refresh(pk):
        return run_async(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio
    import threading

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "threads"
    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    _lock = threading.Lock()
    _loop = None


    def run_async(coroutine):
        global _loop
        with _lock:
            if _loop is None:
                _loop = asyncio.new_event_loop()
                threading.Thread(target=_loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, _loop).result()


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    @app.task
    def refresh(pk):
        return run_async(load(pk))
    ```

    One event loop in one thread of the process runs the coroutines of all tasks, and the pool serves them.

    ## Limits

    Speaks only where the pool is known to be *threads*, once for each engine. An engine with a pool that
    nothing disposes of is told by `async-engine-not-disposed`, and one used under `asyncio.run` by
    `asyncio-run-in-task`.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops>
    """

    code = "CEL213"
    name = "shared-async-engine-across-loops"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}` on loops of several threads: `bound to a different event loop` ({where})"
    help = "keep one event loop per worker process; disposing and NullPool do not help in threads"
    proof = "tests/proofs/test_resources.py::test_disposal_in_one_thread_orphans_the_connections_of_others"

    @on(Sharing.engines)
    def check(self, shared: SharedEngine) -> Iterator[Finding]:
        """Report each engine once, with the runs that share it."""
        runs = [(run.place, "its coroutines are run here") for run in shared.runs[:2]]
        values = {"engine": shared.resource.name, "where": shared.pool.where}
        yield Finding(shared.resource.place, values, (*runs, *shared.runs[0].related()))

"""CEL234 engine-shared-by-loop-owners."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.loops.sharing import EngineOfOwners, Sharing
from celery_lint.rule import Finding, Rule, on


class EngineSharedByLoopOwners(Rule):
    """Two ways to run coroutines, each with its own event loop, draw connections from one pool.

    ## Why it matters

    One event loop that is kept for the process is right, and a loop for each call whose coroutine disposes of
    the engine is right too. Both in one worker process are not: the kept loop leaves its connection in the
    pool, and the next `asyncio.run` takes it out on another loop. Of three such calls all three failed with
    *attached to a different loop*, although each disposed of the engine. Two kept loops fail in the same way.

    ## Example

    ```python
    import asyncio

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    _loop = None


    def run_async(coroutine):
        global _loop
        if _loop is None:
            _loop = asyncio.new_event_loop()
        return _loop.run_until_complete(coroutine)


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    async def load_and_dispose(pk):
        try:
            return await load(pk)
        finally:
            await engine.dispose()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))


    @app.task(soft_time_limit=50, time_limit=60)
    def rebuild(pk):
        return asyncio.run(load_and_dispose(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import Celery
    from sqlalchemy.ext.asyncio import create_async_engine

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    _loop = None


    def run_async(coroutine):
        global _loop
        if _loop is None:
            _loop = asyncio.new_event_loop()
        return _loop.run_until_complete(coroutine)


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))


    @app.task(soft_time_limit=50, time_limit=60)
    def rebuild(pk):
        return run_async(load(pk))
    ```

    ## Limits

    At least one of the loops must be kept, in a name of a module or a class, or be the thread's own. Silent
    where the queues of the tasks differ, because they may have workers of their own, and where a single run
    is to blame and is told by `asyncio-run-in-task` or `async-engine-not-disposed`.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops>
    """

    code = "CEL234"
    name = "engine-shared-by-loop-owners"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}` serves two loops, `{loop}` and `{runner}`: `attached to a different loop`"
    help = "run every coroutine that uses `{engine}` on the same event loop"
    proof = "tests/proofs/test_shared.py::test_a_pool_serves_one_loop"

    @on(Sharing.divided)
    def check(self, divided: EngineOfOwners) -> Iterator[Finding]:
        """Report each engine once, with the places where its coroutines are run."""
        first, second, *_ = divided.owners
        engine = divided.resource.name
        story = tuple((owner.place, "a coroutine that uses it is run here") for owner in divided.owners[:3])
        yield Finding(
            divided.resource.place, {"engine": engine, "loop": first.label, "runner": second.label}, story
        )

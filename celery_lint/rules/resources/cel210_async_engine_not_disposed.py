"""CEL210 async-engine-not-disposed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.inventory.code.graph import Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.bound import Bound
from celery_lint.inventory.resources.unknown_pool import DoubtfulUse, UnknownPool, leaving_open
from celery_lint.inventory.resources.uses import Use, Uses
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.sent import Sent
from celery_lint.model.facts import Place
from celery_lint.rule import Cause, Finding, Rule, on


class AsyncEngineNotDisposed(Rule):
    """A task's coroutine leaves pooled connections bound to an event loop that does not last.

    ## Why it matters

    A connection of an async engine belongs to the event loop that opened it. When the coroutine ends and its
    loop is closed, the pool keeps the connection; the next task of the process takes it out on another loop
    and fails with *attached to a different loop*, then with *another operation is in progress*, every time.

    ## Example

    ```python
    import asyncio

    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    Session = async_sessionmaker(engine)


    def run_async(coroutine):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()


    async def load(pk):
        async with Session() as session:
            return await session.get(dict, pk)


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    Session = async_sessionmaker(engine)


    def run_async(coroutine):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()


    async def load(pk):
        try:
            async with Session() as session:
                return await session.get(dict, pk)
        finally:
            await engine.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    An engine with `poolclass=NullPool`, an engine made inside the coroutine, or one event loop that is kept
    for the life of the process are as good. In the threads pool only the last of them helps.

    ## Limits

    Speaks of engines and session makers at module level whose options are visible. Where the coroutine is
    run by `asyncio.run` itself, `asyncio-run-in-task` tells it. Silent where the engine is disposed of by
    the coroutine, by what it calls or by the helper that runs it; for SQLite; and, under the helper that
    asks for the thread's own loop and keeps it, while the pool is known as prefork or solo.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops>
    """

    code = "CEL210"
    name = "async-engine-not-disposed"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}` fails in later tasks: its connections are `attached to a different loop`"
    help = "write `await {engine}.dispose()` in the coroutine's `finally`, or `poolclass=NullPool`"
    variants = {
        "pool": (
            "`{engine}` fails in the {pool} pool: `attached to a different loop` ({where})",
            "keep one event loop per worker process for every coroutine that uses `{engine}`",
        ),
        "maker": (
            "`{engine}` fails in later tasks: its connections are `attached to a different loop`",
            "dispose of the engine of `{engine}` in the coroutine's `finally`, or use `poolclass=NullPool`",
        ),
        "unknown": (
            "`{engine}` crosses event loops outside prefork and solo; {why}",
            'set `pool = ["prefork"]`, or `await {engine}.dispose()` in the coroutine\'s `finally`',
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_asyncio_run_leaves_the_pool_on_a_closed_loop"

    @on(Runs.all)
    def check(self, run: LoopRun) -> Iterator[Finding]:
        """Report the first use of each engine in a run, whatever number of tasks come to it."""
        if run.kind in ("apart", "kept") or run.is_plain:
            return
        uses = self.known.of(Uses)
        tasks = [reached.task for reached in run.reached]
        for use in uses.of(run).outliving:
            if use.resource.kind != "engine" or use.resource.cause in uses.told:
                continue
            engine = use.resource.name
            ways = uses.ways_to(run, use.resource)
            cause = Cause(use.resource.cause, self.known.of(Sent).rank(way.task for way in ways))
            if run.kind in ("new", "bridge"):
                variant = "" if self.known.of(Bound).can_be_disposed_of(use.resource.key) else "maker"
                yield Finding(use.place, {"engine": engine}, _story(run, use, ways), variant, cause=cause)
                continue
            pool = self.known.of(Workers).running(("gevent", "eventlet", "threads"), tasks)
            if pool is not None:
                values = {"engine": engine, "pool": pool.name, "where": pool.where}
                yield Finding(use.place, values, _story(run, use, ways), "pool", cause=cause)

    @on(UnknownPool.crossing)
    def check_unknown(self, fact: DoubtfulUse) -> Iterator[Finding]:
        """Report uses whose pool nobody can tell: one answer mends all."""
        values = {"engine": fact.use.resource.name, "why": fact.doubt.why}
        ways = self.known.of(Uses).ways_to(fact.run, fact.use.resource)
        story = (*_story(fact.run, fact.use, ways), *leaving_open(fact.doubt))
        yield Finding(fact.use.place, values, story, "unknown", cause=Cause("pool"))


def _story(run: LoopRun, use: Use, ways: Sequence[Reached]) -> tuple[tuple[Place, str], ...]:
    made = (use.resource.place, f"`{use.resource.name}` is made here, once per process")
    return (made, (run.place, "the coroutine is run here"), *run.related(ways))

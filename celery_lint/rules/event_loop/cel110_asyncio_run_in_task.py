"""CEL110 asyncio-run-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.loops import Loops
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.resources.unknown_pool import DoubtfulRun, UnknownPool, leaving_open
from celery_lint.inventory.resources.uses import Uses
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.sent import Sent
from celery_lint.rule import Cause, Finding, Rule, on


class AsyncioRunInTask(Rule):
    """A task makes an event loop for one call, in a worker where that loop cannot work alone.

    ## Why it matters

    `asyncio.run` makes a loop, runs one coroutine on it and closes it. In a prefork or solo worker that is
    fine as long as nothing outlives the loop. A connection pool does: the second task of the process gets
    a connection that belongs to a closed loop and fails with *attached to a different loop* or *another
    operation is in progress*, from then on every time. Under gevent and eventlet all greenlets share one
    thread, and asyncio allows one running loop in a thread: of 30 tasks sent at once, 28 failed with
    *asyncio.run() cannot be called from a running event loop*. In the threads pool the loops run side by
    side, and one async engine between them hangs or loses connections whatever its pool class is.

    ## Example

    ```python
    import asyncio

    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    Session = async_sessionmaker(engine)


    async def load(pk):
        async with Session() as session:
            return await session.get(dict, pk)


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return asyncio.run(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio
    import threading

    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")
    Session = async_sessionmaker(engine)
    _loop = None


    def run_async(coroutine):
        global _loop
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, _loop).result()


    async def load(pk):
        async with Session() as session:
            return await session.get(dict, pk)


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    One loop per worker process, started at the first call and so after the fork, keeps its pool alive.
    Under gevent and eventlet that loop has to run in a greenlet and not in a thread. In prefork and solo
    workers a fresh loop is right too, with `poolclass=NullPool` or with `await engine.dispose()` in a
    `finally` of the same coroutine.

    ## Limits

    Silent where the worker pool is known (option `pool`, launch files, `worker_pool`) as prefork, solo or
    threads and nothing bound to the loop is seen to outlive the call; likewise where the dependencies are
    listed and nothing names gevent or eventlet, or only beside a server of web sockets (Flask-SocketIO);
    and for coroutines that cannot be resolved. To ask for a running loop first changes nothing where a task
    begins, for none is there, except under gevent and eventlet; a branch that only a running loop leads to
    is silent, and so is what stands behind a `return` for there being none. Where a worker imports what
    calls `nest_asyncio.apply()`, each `asyncio.run` keeps the loop of its thread. What several runs break
    is told once, at the first run of a task that is seen to be sent, with the others; so is a pool that may
    be gevent and that nobody can tell. Calls are followed from the task through five functions.
    `run_until_complete` on a loop of its own is not meant.

    ## References

    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-multiple-asyncio-event-loops>
    """

    code = "CEL110"
    name = "asyncio-run-in-task"
    severity = "warning"
    preset = "recommended"
    message = "`{runner}()` breaks `{resource}` for the next task: `attached to a different loop`"
    help = "dispose of `{resource}` in the coroutine's `finally`, or keep one event loop per worker process"
    variants = {
        "client": (
            "`{runner}()` breaks `{resource}` for the next task: `Event loop is closed`",
            "make `{resource}` inside the coroutine, or keep one event loop per worker process",
        ),
        "green": (
            "`{runner}()` raises RuntimeError once two {pool} tasks overlap ({where})",
            "keep one event loop in one greenlet per worker process (`celery_lint.runtime.run_async`)",
        ),
        "threads": (
            "`{resource}` on loops of several threads: `bound to a different event loop` ({where})",
            "keep one event loop per worker process; disposing and NullPool do not help in threads",
        ),
        "unknown": (
            "`{runner}()` fails under gevent and eventlet; {why}",
            'set `pool = ["prefork"]` if that is the pool, or keep one event loop per process',
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_asyncio_run_leaves_the_pool_on_a_closed_loop"

    @on(Runs.all)
    def check(self, run: LoopRun) -> Iterator[Finding]:
        """Report each run call once, with what outlives its loop and the tasks that reach it."""
        if not run.is_plain or self.known.of(Loops).stands_in(run):
            return
        related = run.related()
        uses = self.known.of(Uses).of(run)
        tasks = [reached.task for reached in run.reached]
        green = self.known.of(Workers).running(("gevent", "eventlet"), tasks)
        threads = self.known.of(Workers).running(("threads",), tasks)
        runner = {"runner": run.runner}
        if green is not None:
            if run.adaptive:  # another greenlet's loop is running then, and this one sees it
                return
            values = {**runner, "pool": green.name, "where": green.where}
            yield Finding(run.place, values, tuple(related), "green")
            return
        rank = self.known.of(Sent).rank(tasks)
        engine = next((use for use in uses.engines if use.resource.kind == "engine"), None)
        if threads is not None and engine is not None:
            values = {**runner, "resource": engine.resource.name, "where": threads.where}
            made = (engine.resource.place, f"`{engine.resource.name}` is made here")
            cause = Cause(engine.resource.key, rank)
            yield Finding(run.place, values, (made, *related), "threads", cause=cause)
        elif uses.outliving:
            use = uses.outliving[0]
            story = (
                (use.resource.place, f"`{use.resource.name}` is made here, once per process"),
                (use.place, f"the coroutine uses `{use.resource.name}` here"),
            )
            variant = "client" if use.resource.kind == "client" else ""
            values = {**runner, "resource": use.resource.name}
            ways = self.known.of(Uses).ways_to(run, use.resource)
            cause = Cause(use.resource.cause, self.known.of(Sent).rank(way.task for way in ways))
            yield Finding(run.place, values, (*story, *run.related(ways)), variant, cause=cause)

    @on(UnknownPool.closing)
    def check_unknown(self, fact: DoubtfulRun) -> Iterator[Finding]:
        """Report runs whose pool nobody can tell: one answer mends all."""
        values = {"runner": fact.run.runner, "why": fact.doubt.why}
        story = (*fact.run.related(), *leaving_open(fact.doubt))
        yield Finding(fact.run.place, values, story, "unknown", cause=Cause("pool"))

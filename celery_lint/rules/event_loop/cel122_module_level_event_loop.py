"""CEL122 module-level-event-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.loop_primitives import ImportedLoop, LoopPrimitives
from celery_lint.rule import Finding, Rule, on


class ModuleLevelEventLoop(Rule):
    """An event loop made at import is inherited by every child of a prefork worker.

    ## Why it matters

    A worker imports its tasks and then forks. All children get the same selector and the same pair of sockets
    that wakes the loop up. A child that waits for a thread, as every look-up of a host name does, misses the
    wake-up when another child reads it first: tasks of one second stayed without an end, and others took four
    times as long. A thread that runs the loop is not there at all after the fork, and every task waits for
    ever.

    ## Example

    ```python
    import asyncio

    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    loop = asyncio.new_event_loop()


    async def load(pk):
        return await asyncio.to_thread(len, str(pk))


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return loop.run_until_complete(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import Celery

    app = Celery("shop", broker="redis://localhost")
    app.conf.worker_pool = "prefork"
    _loop = None


    def run_async(coroutine):
        global _loop
        if _loop is None:
            _loop = asyncio.new_event_loop()
        return _loop.run_until_complete(coroutine)


    async def load(pk):
        return await asyncio.to_thread(len, str(pk))


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    A handler of `worker_process_init` may make the loop as well.

    ## Limits

    Speaks only where the pool is known to be *prefork*; a solo worker does not fork. The loop must have a
    module-level name that tasks are seen to run coroutines on, and that no function gives another value.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-init>
    * <https://docs.python.org/3/library/os.html#os.fork>
    """

    code = "CEL122"
    name = "module-level-event-loop"
    severity = "warning"
    preset = "recommended"
    message = "`{loop}` is made at import: in prefork children its coroutines may hang ({where})"
    help = "make `{loop}` at its first use, or in a handler of `worker_process_init`"
    variants = {
        "thread": (
            "the thread of `{loop}` is missing in prefork children: tasks hang ({where})",
            "start `{loop}` and its thread at the first use, or in a handler of `worker_process_init`",
        ),
    }
    proof = "tests/proofs/test_shared.py::test_the_thread_of_a_loop_stays_in_the_parent"

    @on(LoopPrimitives.loops)
    def check(self, loop: ImportedLoop) -> Iterator[Finding]:
        """Report each loop once, where it is made."""
        story = ((loop.use, "tasks run coroutines on it here"),)
        values = {"loop": loop.name, "where": loop.pool.where}
        yield Finding(loop.place, values, story, "thread" if loop.thread else "")

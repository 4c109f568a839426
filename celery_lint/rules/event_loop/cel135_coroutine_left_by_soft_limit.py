"""CEL135 coroutine-left-by-soft-limit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.left_coroutines import LeftCoroutine, LeftCoroutines
from celery_lint.rule import Finding, Rule, on


class CoroutineLeftBySoftLimit(Rule):
    """A soft time limit ends the task and leaves its coroutine suspended in the middle.

    ## Why it matters

    Celery raises SoftTimeLimitExceeded in the main thread of the worker process, most of the time while the
    event loop waits there. `run_until_complete` then ends with the error and does not cancel the coroutine.
    Where the loop is closed, the coroutine never goes on: an `async with` is not left, a `finally` is not
    finished, and on a real worker its database connection stayed *idle in transaction* until the process
    ended. Where the loop is kept, the coroutine goes on inside the next task that uses the loop, long after
    its own task has failed. `asyncio.run` cancels it and waits for its end.

    ## Example

    ```python
    import asyncio

    from celery import Celery

    app = Celery("shop")
    app.conf.update(worker_pool="prefork")


    def run_on_own_loop(coroutine):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()


    async def load(client):
        try:
            await asyncio.sleep(600)
        finally:
            await client.aclose()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(client):
        return run_on_own_loop(load(client))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import Celery

    app = Celery("shop")
    app.conf.update(worker_pool="prefork")


    async def load(client):
        try:
            await asyncio.sleep(600)
        finally:
            await client.aclose()


    @app.task(soft_time_limit=50, time_limit=60)
    def refresh(client):
        return asyncio.run(load(client))
    ```

    `celery_lint.runtime.run_async` cancels the coroutine as well, on a loop that lasts.

    ## Limits

    Speaks only where a soft limit is in force for the task, the pool is known to be prefork and the coroutine
    has something to lose: an `async with`, or a `finally` (one that awaits, if the loop is closed). Silent
    where the function that runs it cancels something or catches the limit.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    """

    code = "CEL135"
    name = "coroutine-left-by-soft-limit"
    severity = "warning"
    preset = "strict"
    message = "at its soft limit, task `{task}` abandons this coroutine and does not cancel it"
    help = "run it with `asyncio.run`, which cancels it, or cancel it where the limit is caught"
    proof = "tests/proofs/test_event_loop.py::test_a_coroutine_outlives_its_soft_limit"

    @on(LeftCoroutines.all)
    def check(self, left: LeftCoroutine) -> Iterator[Finding]:
        """Report each run once, with the limit and what does not run."""
        related = (
            (left.limit, "the soft limit is set here"),
            (left.clean_up, "its end does not run when the limit strikes"),
        )
        yield Finding(left.run.place, {"task": left.task.label}, related)

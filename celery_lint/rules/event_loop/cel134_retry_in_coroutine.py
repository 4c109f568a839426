"""CEL134 retry-in-coroutine."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutine_runs import CoroutineRuns, LostRetry
from celery_lint.rule import Finding, Rule, on


class RetryInCoroutine(Rule):
    """A coroutine that runs on another thread than its task calls `retry`.

    ## Why it matters

    Celery keeps the request of a task in thread-local storage. `async_to_sync` and
    `run_coroutine_threadsafe` run the coroutine on another thread, where the task looks as if it had been
    called by hand: its id is `None`, and `retry` sends no message. With `exc` the task fails at the first
    attempt; without, it stays in the state RETRY forever. Both were seen in the prefork, threads and solo
    pools. Under `asyncio.run` and `run_until_complete` the coroutine stays on the task's thread, and
    `retry` works.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def refresh(self, pk):
        async def execute():
            try:
                return await load(pk)
            except OSError as error:
                raise self.retry(exc=error)

        return async_to_sync(execute)()
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(bind=True, soft_time_limit=50, time_limit=60)
    def refresh(self, pk):
        try:
            return async_to_sync(load)(pk)
        except OSError as error:
            raise self.retry(exc=error)
    ```

    ## Limits

    The coroutines of `async_to_sync`, `run_coroutine_threadsafe` and `executor.submit(asyncio.run, ...)`
    that can be seen, and the `retry` of the task by its first parameter (also where the task hands itself
    on by position), by its name or by `current_task`. Helpers that first ask for a running loop find none
    in a worker and stay on the task's thread: they are not meant.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying>
    * <https://github.com/django/asgiref#function-wrappers>
    """

    code = "CEL134"
    name = "retry-in-coroutine"
    severity = "error"
    preset = "recommended"
    message = "`retry()` runs on another thread than task `{task}`: nothing is retried"
    help = "let the error out of the coroutine and call `retry` in the task itself"
    proof = "tests/proofs/test_event_loop.py::test_a_coroutine_cannot_retry"

    @on(CoroutineRuns.lost_retries)
    def check(self, retry: LostRetry) -> Iterator[Finding]:
        """Report each of these calls, with the run that moves it."""
        run = (retry.run, f"`{retry.runner}()` runs the coroutine elsewhere")
        yield Finding(retry.place, {"task": retry.task.label}, (run,))

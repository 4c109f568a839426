"""CEL121 blocking-result-in-async-def."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.async_handlers import AsyncHandlers, BlockingResult
from celery_lint.rule import Finding, Rule, on


class BlockingResultInAsyncDef(Rule):
    """An `async def` waits for the result of a task with a call that blocks its event loop.

    ## Why it matters

    `result.get()` waits on the thread that calls it. No other coroutine of the process runs until the
    worker has answered: a server with one such handler serves one request at a time, and if the task itself
    asks that server for something, neither ever ends. A timeout only bounds the standstill.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def score(pk):
        return pk


    async def predict(pk):
        return score.delay(pk).get(timeout=30)
    ```

    ## Use instead

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def score(pk):
        return pk


    async def predict(pk):
        result = score.delay(pk)
        return {"task_id": result.id}
    ```

    ## Limits

    Only where the result can be traced to `delay`, `apply_async`, `send_task` or `AsyncResult`. Silent
    where a condition looks at the result or at its state first (`if result.ready():`), for timeouts below a
    second, in functions that nothing calls or names, and in the coroutines of tasks, where Celery mostly
    refuses to wait. Silent as well where the coroutine is alone on its loop: a script or a command runs it by
    `asyncio.run()`, nothing else in the module has it, and nothing is started beside it (`gather()`,
    `create_task()`, a server, a bot).

    ## References

    * <https://docs.celeryq.dev/en/stable/reference/celery.result.html#celery.result.AsyncResult.get>
    * <https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code>
    """

    code = "CEL121"
    name = "blocking-result-in-async-def"
    severity = "error"
    preset = "recommended"
    message = "`{function}()` blocks the event loop until the worker has answered"
    help = "return the task's id and poll, or write `await asyncio.to_thread(result.{function})`"
    proof = "tests/proofs/test_event_loop.py::test_waiting_for_a_result_holds_the_loop_up"
    of_senders = True

    @on(AsyncHandlers.waits)
    def check(self, wait: BlockingResult) -> Iterator[Finding]:
        """Report each call that waits."""
        yield Finding(wait.place, {"function": wait.call.leaf()})

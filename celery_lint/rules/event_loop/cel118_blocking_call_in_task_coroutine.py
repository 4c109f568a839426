"""CEL118 blocking-call-in-task-coroutine."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutines import BlockingCall, Coroutines
from celery_lint.rule import Finding, Rule, on


class BlockingCallInTaskCoroutine(Rule):
    """A coroutine of a task makes a call that blocks its event loop.

    ## Why it matters

    While `time.sleep` or `requests.get` waits, nothing else on the loop goes on: coroutines that were
    gathered to run side by side run one after the other, and `asyncio.timeout` cannot end the call.

    ## Example

    ```python
    import time

    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def execute(pk):
        time.sleep(5)
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(execute)(pk)
    ```

    ## Use instead

    ```python
    import asyncio

    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def execute(pk):
        await asyncio.sleep(5)
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(execute)(pk)
    ```

    ## Limits

    A short list of calls that always wait: `time.sleep`, `subprocess.run` and its like, `requests`, the
    top-level functions of `httpx`, `urllib.request.urlopen`, `os.system`. Only in the `async def` itself,
    not in plain functions that it calls. ruff's ASYNC rules tell the same of any coroutine, without knowing
    tasks.

    ## References

    * <https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code>
    """

    code = "CEL118"
    name = "blocking-call-in-task-coroutine"
    severity = "advice"
    preset = "all"
    message = "`{function}()` blocks the event loop of task `{task}`: other coroutines wait"
    help = "use the asynchronous form, or `await asyncio.to_thread({function}, …)`"
    proof = "tests/proofs/test_event_loop.py::test_a_blocking_call_holds_the_loop_up"

    @on(Coroutines.blocking)
    def check(self, blocking: BlockingCall) -> Iterator[Finding]:
        """Report each blocking call."""
        yield Finding(blocking.place, {"function": blocking.name, "task": blocking.task.label})

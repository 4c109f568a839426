"""CEL120 publish-in-async-handler."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.async_handlers import AsyncHandlers, AsyncPublish
from celery_lint.rule import Finding, Rule, on


class PublishInAsyncHandler(Rule):
    """An `async def` sends a task, which blocks its event loop until the broker has taken the message.

    ## Why it matters

    Celery's client is synchronous: `delay` and `apply_async` do socket I/O on the thread that calls them.
    As long as the broker is near and up that is short. When it is not, all requests of the web process wait
    for the connection's retries.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return pk


    async def handle(pk):
        refresh.delay(pk)
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return pk


    async def handle(pk):
        await asyncio.to_thread(refresh.delay, pk)
    ```

    ## Limits

    `delay` and `apply_async` of tasks of the project, in any `async def` that is not part of a task.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/calling.html#connection-error-handling>
    """

    code = "CEL120"
    name = "publish-in-async-handler"
    severity = "advice"
    preset = "all"
    message = "`{function}()` blocks the event loop while it publishes"
    help = "write `await asyncio.to_thread(task.{function}, …)` if the broker may be slow"
    proof = "tests/proofs/test_event_loop.py::test_publishing_holds_the_loop_up"
    of_senders = True

    @on(AsyncHandlers.publishes)
    def check(self, publish: AsyncPublish) -> Iterator[Finding]:
        """Report each call that sends a task."""
        yield Finding(publish.place, {"function": publish.call.leaf()})

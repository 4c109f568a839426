"""CEL132 asyncio-call-without-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.nested_loops import LooplessCall, NestedLoops
from celery_lint.rule import Finding, Rule, on


class AsyncioCallWithoutLoop(Rule):
    """Synchronous code of a task makes a call that needs a running event loop.

    ## Why it matters

    A worker runs tasks without an event loop. There `asyncio.create_task`, `all_tasks`, `current_task`
    and `get_running_loop` raise *RuntimeError: no running event loop*, in every pool. `ensure_future` and
    `gather` raise a RuntimeError too, except on a main thread that has never run a loop: there they make
    a future for a loop that nobody runs, and the work is lost.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    async def audit(pk):
        await asyncio.sleep(pk)


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        asyncio.create_task(audit(pk))
        return pk
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def audit(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        async_to_sync(audit)(pk)
        return pk
    ```

    ## Limits

    In tasks and the plain functions that they call. Silent inside `try`, where the function asks in another
    way whether a loop is running, and for functions that are handed on: they may be called inside a loop.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.get_running_loop>
    """

    code = "CEL132"
    name = "asyncio-call-without-loop"
    severity = "error"
    preset = "recommended"
    message = "`{function}()` raises `RuntimeError: no running event loop` in task `{task}`"
    help = "call it inside the coroutine that the task runs"
    proof = "tests/proofs/test_event_loop.py::test_a_task_of_asyncio_needs_a_running_loop"

    @on(NestedLoops.loopless)
    def check(self, loopless: LooplessCall) -> Iterator[Finding]:
        """Report each of these calls."""
        yield Finding(loopless.place, {"function": loopless.name, "task": loopless.task.label})

"""CEL117 background-asyncio-task-lost."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.background.lost import Background, LostBackground
from celery_lint.rule import Finding, Rule, on


class BackgroundAsyncioTaskLost(Rule):
    """A coroutine of a task starts work in the background that ends with the task's event loop.

    ## Why it matters

    `asyncio.create_task` only schedules. `asyncio.run` cancels what is still pending when the coroutine
    of the task returns, and so does `async_to_sync`; `run_until_complete` leaves it standing. In prefork
    and threads workers the background work was lost each time, while the task succeeded. In a web server
    the same code works, because its loop lives on.

    ## Example

    ```python
    import asyncio

    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def audit(pk):
        await asyncio.sleep(pk)


    async def execute(pk):
        asyncio.create_task(audit(pk))
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


    async def audit(pk):
        await asyncio.sleep(pk)


    async def execute(pk):
        async with asyncio.TaskGroup() as group:
            group.create_task(audit(pk))
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(execute)(pk)
    ```

    ## Limits

    Only where nothing can wait for the work: the result of `create_task`, `ensure_future` or `gather` is
    dropped, bound to a name that is never read, or kept in a set of the module that nobody gathers. Silent
    where the loop is kept for the worker process, for what does not end by itself (an endless loop, one that
    another function stops by a flag or an event, a subscription, a server: meant to end with the rest), for
    threads where an `await` follows (one that has begun goes on), where a later `await` uses an object that
    the work shares, and where the run still waits for more than the work does before it returns, in the
    function or in those that call it: statements of a database count one, requests to a server ten, a second
    of sleep twenty. So is a start that no run comes to with what it gives (`log(text)` to no `if lead:`).

    ## References

    * <https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task>
    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    """

    code = "CEL117"
    name = "background-asyncio-task-lost"
    severity = "warning"
    preset = "recommended"
    message = "what `{function}()` starts is lost when task `{task}` ends: nothing awaits it"
    help = "write `await`, or start it in an `asyncio.TaskGroup`"
    proof = "tests/proofs/test_event_loop.py::test_the_loop_ends_before_its_background_work"
    fixable = "unsafe"

    @on(Background.lost)
    def check(self, lost: LostBackground) -> Iterator[Finding]:
        """Report each call that starts such work."""
        values = {"function": lost.call.leaf(), "task": lost.task.label}
        yield Finding(lost.place, values, ((lost.task.place, "the task that runs the coroutine"),), fix=())

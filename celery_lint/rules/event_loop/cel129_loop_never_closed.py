"""CEL129 loop-never-closed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.current_loops import CurrentLoops, OpenLoop
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.rule import Finding, Rule, on


class LoopNeverClosed(Rule):
    """A task makes an event loop at every call and closes none of them.

    ## Why it matters

    A loop holds three file descriptors: a selector and a pair of sockets. Nothing gives them back until the
    garbage collector happens to find the loop. After 100 such tasks prefork processes held up to 94 more
    descriptors than before, and a threads worker 385 after 310 tasks, with or without `set_event_loop`. With
    `close()` it was one.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        loop = asyncio.new_event_loop()
        return loop.run_until_complete(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(load(pk))
        finally:
            loop.close()
    ```

    ## Limits

    Silent where the loop may be kept or closed elsewhere: bound to anything but one local name, handed to
    another function, made only where no current loop was found.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.close>
    """

    code = "CEL129"
    name = "loop-never-closed"
    severity = "advice"
    preset = "strict"
    message = "each call of `{function}` leaks an event loop and its three file descriptors"
    help = "close the loop in a `finally`, or use `asyncio.run`"
    proof = "tests/proofs/test_event_loop.py::test_unclosed_loops_keep_files_open"

    @on(CurrentLoops.open)
    def check(self, loop: OpenLoop) -> Iterator[Finding]:
        """Report where the loop is made."""
        related = reached_from(way.task for way in loop.reached if way.task.function is not loop.function)
        yield Finding(loop.module.place(loop.call.span), {"function": loop.function.name}, related)

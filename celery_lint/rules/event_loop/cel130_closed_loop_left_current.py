"""CEL130 closed-loop-left-current."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.current_loops import ClosedLoop, CurrentLoops
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.sent import Sent
from celery_lint.rule import Cause, Finding, Rule, on


class ClosedLoopLeftCurrent(Rule):
    """A task closes the current event loop, and a later task of the process gets it again.

    ## Why it matters

    `close()` does not take a loop out of its place: `asyncio.get_event_loop()` goes on returning it, and
    never raises the error that helpers wait for before they make a new one. The next task of the worker
    process that asks for the current loop fails with *Event loop is closed*, and so do all after it. Which
    task that is depends on where the broker's messages go, so that the error seems to come and go.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    def run_on_current_loop(coroutine):
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(coroutine)
        finally:
            loop.close()


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_on_current_loop(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task


    def run_on_own_loop(coroutine):
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(coroutine)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_on_own_loop(load(pk))
    ```

    ## Limits

    Where a function sets a loop of its own and closes it, this speaks only if another function that tasks
    of the same queue reach asks for the current loop, or a method of the task's class that Celery calls when
    it ends (`on_failure`). Libraries do so as well, and are not looked into.
    It is told once for all places whose loop the same function gets, with the places of the others.
    Silent where `is_closed()` is asked, or the loop is unset.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.close>
    * <https://github.com/VirusTotal/vt-py/issues/46>
    * <https://github.com/pydantic/pydantic-ai/issues/6849>
    """

    code = "CEL130"
    name = "closed-loop-left-current"
    severity = "warning"
    preset = "recommended"
    message = "the closed loop stays current: a later task fails with `Event loop is closed`"
    help = "use `asyncio.run` where the loop is got; if one is made there, unset this before `close()`"
    variants = {
        "own": (
            "`{function}` closes the thread's loop: its next call fails with `Event loop is closed`",
            "run the coroutine with `asyncio.run`, or keep the loop open for the life of the process",
        ),
        "hook": (
            "the closed loop stays current: `{hook}` fails with `Event loop is closed`",
            "call `asyncio.set_event_loop(None)` before `close()`, and run the other with `asyncio.run`",
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_a_closed_loop_stays_current"

    @on(CurrentLoops.closed)
    def check(self, loop: ClosedLoop) -> Iterator[Finding]:
        """Report the close, with those who get the loop later."""
        tasks = [way.task for way in loop.reached]
        if self.known.of(Workers).running(("gevent", "eventlet"), tasks) is not None:
            return  # each greenlet has a current loop of its own
        key = (loop.module.path, loop.function.qualname)
        if self.known.of(Workers).running(("threads",), tasks) and key in self.known.of(CurrentLoops).asking:
            return  # it never gets that far
        place = loop.module.place(loop.call.span)
        if loop.own:
            yield Finding(place, {"function": loop.function.name}, (), "own")
            return
        victims = tuple((victim, "gets the closed loop") for victim in loop.victims[:3])
        # One edit where the loop is asked for mends them all.
        cause = Cause((loop.victims[0], loop.hook), self.known.of(Sent).rank(tasks))
        if loop.hook:
            yield Finding(place, {"hook": loop.hook}, victims, "hook", cause=cause)
        else:
            yield Finding(place, {}, victims, cause=cause)

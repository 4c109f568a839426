"""CEL113 get-event-loop-without-running-loop."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.current_loops import CurrentLoops, LoopRequest
from celery_lint.analysis.event_loop.handing_over import HandingOver, IdleLoop
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class GetEventLoopWithoutRunningLoop(Rule):
    """A task asks for the current event loop from plain code, where there may be none.

    ## Why it matters

    Without a running loop, `asyncio.get_event_loop()` used to make one, and only in the main thread. Python
    3.12 warns about that and Python 3.14 raises RuntimeError. Tasks of the threads, gevent and eventlet
    pools do not run in the main thread: there every call fails on any version, *There is no current event
    loop in thread*. In a prefork process it works until some task calls `asyncio.run()`, which leaves the
    thread without a loop; from then on every call fails.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return asyncio.get_event_loop().run_until_complete(load(pk))
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery_lint.runtime import run_async


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    In prefork and solo workers `asyncio.run` is right too, as long as nothing outlives its loop.

    ## Limits

    Silent inside coroutines; where a `RuntimeError` is caught; where the task itself, a handler of a signal
    of the process or an import sets a loop; with `nest_asyncio`; and, unless the pool makes it fail, with a
    `target-python` below 3.12. A loop that was closed and left behind is told by `closed-loop-left-current`,
    one that `asyncio.run` of a task has taken away by `get-event-loop-after-run`.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.get_event_loop>
    * <https://docs.python.org/3/whatsnew/3.14.html#asyncio>
    """

    code = "CEL113"
    name = "get-event-loop-without-running-loop"
    severity = "warning"
    preset = "strict"
    message = "`get_event_loop()` may fail: `There is no current event loop` (Python 3.14: always)"
    help = "use one event loop per worker process, or `asyncio.run` if no engine or client outlives it"
    variants = {
        "pool": (
            "`get_event_loop()` in the {pool} pool: `There is no current event loop` ({where})",
            "run the coroutine on one event loop per worker process, as `celery_lint.runtime` does",
        ),
        "idle": (
            "the loop of `get_event_loop()` does not run here, so what is handed to it never starts",
            "run the coroutine, or pass it to a loop that another thread runs",
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_only_the_main_thread_has_a_current_loop"

    @on(CurrentLoops.requests)
    def check(self, request: LoopRequest) -> Iterator[Finding]:
        """Report what fails for certain first: the pool, then newer Pythons."""
        if request.set_by_task:
            return
        place = request.module.place(request.call.span)
        related = reached_from(
            way.task for way in request.reached if way.task.function is not request.function
        )
        tasks = (way.task for way in request.reached)
        pool = self.known.of(Workers).running(("gevent", "eventlet", "threads"), tasks)
        if pool is not None:
            yield Finding(place, {"pool": pool.name, "where": pool.where}, related, "pool")
        elif request.set_for_process or request.unset_by is not None:  # that is `get-event-loop-after-run`
            return
        elif not self.known.project.configuration.runs_python_before(3, 12):
            yield Finding(place, {}, related)

    @on(HandingOver.idle)
    def check_idle(self, loop: IdleLoop) -> Iterator[Finding]:
        """Report the loops that a coroutine is handed to and that nothing runs."""
        sent = (loop.module.place(loop.sent.span), "the coroutine is handed to it")
        yield Finding(loop.place, {}, (sent, *reached_from(way.task for way in loop.reached)), "idle")

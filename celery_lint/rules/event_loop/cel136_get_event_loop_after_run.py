"""CEL136 get-event-loop-after-run."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.current_loops import CurrentLoops, LoopRequest
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class GetEventLoopAfterRun(Rule):
    """A task asks for the current event loop in a process where `asyncio.run` has taken it away.

    ## Why it matters

    `asyncio.run()` leaves its thread without an event loop, on every version of Python. `get_event_loop()`
    works in a worker process until the first task has called `asyncio.run()` there; from then on each call
    fails, *There is no current event loop in thread 'MainThread'*, until the process is replaced.

    ## Example

    ```python
    import asyncio

    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        started = asyncio.get_event_loop().time()
        return started, asyncio.run(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio
    import time

    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        started = time.monotonic()
        return started, asyncio.run(load(pk))
    ```

    What runs coroutines in two ways does it in one: `asyncio.run` everywhere, or one event loop per worker
    process, as `celery_lint.runtime` has it.

    ## Limits

    Both must be tasks of one worker, or one task. Silent where the run is made in a handler, may be passed
    by, or has a `loop_factory`; where a `RuntimeError` is caught and dealt with; where a task, a handler of a
    signal of the process or an import sets a loop; and with `nest_asyncio`. In the threads, gevent and
    eventlet pools there is no loop in the first place: `get-event-loop-without-running-loop`.

    ## References

    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.get_event_loop>
    """

    code = "CEL136"
    name = "get-event-loop-after-run"
    severity = "error"
    preset = "recommended"
    message = "`get_event_loop()` after `asyncio.run()`: `There is no current event loop`"
    help = "use one of the two everywhere: `asyncio.run`, or one event loop per worker process"
    example_options = 'pool = ["prefork"]'
    proof = "tests/proofs/test_event_loop.py::test_a_run_takes_the_current_loop_away"

    @on(CurrentLoops.requests)
    def check(self, request: LoopRequest) -> Iterator[Finding]:
        """Report the call that asks, with the run."""
        if request.unset_by is None or request.set_by_task or request.set_for_process:
            return
        tasks = [way.task for way in request.reached]
        if self.known.of(Workers).running(("gevent", "eventlet", "threads"), tasks) is not None:
            return
        others = (task for task in tasks if task.function is not request.function)
        ran = (request.unset_by.place, "this leaves the process without a current loop")
        yield Finding(request.module.place(request.call.span), {}, (ran, *reached_from(others)))

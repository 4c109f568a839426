"""CEL112 run-until-complete-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.current_loops import CurrentLoops
from celery_lint.analysis.event_loop.handing_over import HandingOver, NestedRun
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class RunUntilCompleteInTask(Rule):
    """A task runs an event loop where another one, or the same one, is running already.

    ## Why it matters

    Asyncio allows one running loop in a thread, and one run of a loop at a time. Under gevent and eventlet
    all tasks of a worker share one thread: of 20 tasks sent at once, each with a new loop of its own, 18
    failed with *Cannot run the event loop while another loop is running*. A loop that the whole process
    shares fails the same way there, and in the threads pool as well: *This event loop is already running*.
    In prefork and solo workers both are fine, unless the run starts inside a coroutine.

    ## Example

    ```python
    import asyncio

    from celery import Celery

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")


    async def load(pk):
        return pk


    @app.task(time_limit=60)
    def refresh(pk):
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(load(pk))
        finally:
            loop.close()
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery_lint.runtime import run_async

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")


    async def load(pk):
        return pk


    @app.task(time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    `run_async` hands every coroutine of the process to one loop: in one greenlet under gevent and eventlet,
    in one thread otherwise.

    ## Limits

    Speaks where the worker pool is known (option `pool`, launch files, `worker_pool`), and of a plain
    function that a task's coroutine calls directly and that runs a loop without asking for a running one.
    A loop from `get_event_loop()` is told by `get-event-loop-without-running-loop`, a thread around the run
    by `thread-bridge-under-gevent`, `asyncio.run` by `asyncio-run-in-task`.

    ## References

    * <https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_until_complete>
    """

    code = "CEL112"
    name = "run-until-complete-in-task"
    severity = "warning"
    preset = "recommended"
    message = "`{runner}()` raises RuntimeError once {pool} tasks overlap ({where})"
    help = "keep one event loop in one greenlet per worker process (`celery_lint.runtime.run_async`)"
    variants = {
        "shared": (
            "two {pool} tasks share a loop: `This event loop is already running` ({where})",
            "hand coroutines to one running loop per worker process, as `celery_lint.runtime` does",
        ),
        "nested": (
            "`{runner}()` raises RuntimeError: the event loop of the calling coroutine is running",
            "await the coroutine, or make this function an `async def`",
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_run_until_complete_fails_beside_another"

    @on(Runs.all)
    def check(self, run: LoopRun) -> Iterator[Finding]:
        """Report runs on a loop that tasks of the same thread, or of all threads, run as well."""
        if run.kind not in ("new", "current", "kept"):
            return
        key = (run.module.path, run.function.qualname)
        if key in self.known.of(HandingOver).bridging or key in self.known.of(CurrentLoops).asking:
            return
        tasks = [reached.task for reached in run.reached]
        green = self.known.of(Workers).running(("gevent", "eventlet"), tasks)
        threads = self.known.of(Workers).running(("threads",), tasks)
        if green is not None:
            values = {"runner": run.runner, "pool": green.name, "where": green.where}
            yield Finding(run.place, values, tuple(run.related()))
        elif threads is not None and run.shared:
            values = {"pool": threads.name, "where": threads.where}
            yield Finding(run.place, values, tuple(run.related()), "shared")

    @on(HandingOver.nested)
    def check_nested(self, run: NestedRun) -> Iterator[Finding]:
        """Report runs inside the running loop of a task's own coroutine."""
        related = (
            (run.caller, "the coroutine calls it here"),
            (run.task.place, f"reached from task `{run.task.label}`"),
        )
        yield Finding(run.module.place(run.call.span), {"runner": run.runner}, related, "nested")

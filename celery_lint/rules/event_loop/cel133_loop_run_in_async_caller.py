"""CEL133 loop-run-in-async-caller."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.nested_loops import DirectCall, NestedLoops
from celery_lint.rule import Finding, Rule, on


class LoopRunInAsyncCaller(Rule):
    """An `async def` calls a task like a function, and the task runs an event loop of its own.

    ## Why it matters

    A thread can run one event loop at a time, and an `async def` runs inside one. The task's own run fails
    there: *asyncio.run() cannot be called from a running event loop*, *Cannot run the event loop while
    another loop is running*, *You cannot use AsyncToSync in the same thread as an async event loop*. In a
    worker the same task works. `apply()` keeps the error in its result and raises nothing.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)


    async def handle(pk):
        return refresh(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def load(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)


    async def handle(pk):
        return await load(pk)
    ```

    ## Limits

    Calls of the task itself, its `run` and `apply`, and of plain functions that tasks call too and that run a
    loop whenever they are called. Silent where the task first asks for a running loop, runs the coroutine on
    another thread or catches the `RuntimeError`, and in projects that use nest_asyncio.

    ## References

    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    """

    code = "CEL133"
    name = "loop-run-in-async-caller"
    severity = "error"
    preset = "recommended"
    message = "calling task `{task}` here raises RuntimeError: an event loop is running already"
    help = "await its coroutine here, or send the task with `delay`"
    variants = {
        "function": (
            "`{function}()` raises RuntimeError here: an event loop is running already",
            "await its coroutine here, or call it in a thread with `asyncio.to_thread`",
        ),
    }
    proof = "tests/proofs/test_event_loop.py::test_a_task_that_runs_a_loop_fails_inside_one"

    @on(NestedLoops.nested)
    def check(self, direct: DirectCall) -> Iterator[Finding]:
        """Report each of these calls, with the run that fails."""
        run = (direct.run.place, f"`{direct.run.runner}()` needs a thread without a running loop")
        if direct.helper:
            task = (direct.task.place, f"task `{direct.task.label}` calls it too")
            yield Finding(direct.place, {"function": direct.helper}, (run, task), "function")
        else:
            yield Finding(direct.place, {"task": direct.task.label}, (run,))

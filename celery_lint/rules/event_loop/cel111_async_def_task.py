"""CEL111 async-def-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutine_tasks import CoroutineTask, CoroutineTasks
from celery_lint.rule import Finding, Rule, on


class AsyncDefTask(Rule):
    """A task is an `async def`, and Celery never awaits it.

    ## Why it matters

    Celery calls the task and takes what it returns for the result. An `async def` returns a coroutine: its
    body never runs. In all five worker pools the task ends as a failure, *Object of type coroutine is not
    JSON serializable*.

    ## Example

    ```python
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    async def refresh(pk):
        return pk
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
    ```

    ## Limits

    Silent where something may await the task: a decorator of another package between the task decorator and
    the function, one of the project that does more than call it, a base class with a `__call__` of its own or
    of another package that speaks of `async`, a worker pool or tracer made for coroutines (`celery-aio-pool`
    and the like, or a class named by the option `pool-classes`). Likewise of a task that nothing is seen to
    send, where a plain task or another coroutine runs it. Other rules say nothing of what such a task would
    do: they speak once it is awaited.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/tasks.html>
    """

    code = "CEL111"
    name = "async-def-task"
    severity = "error"
    preset = "recommended"
    message = "Celery never awaits `async def {task}`: its body never runs (`was never awaited`)"
    help = "write a plain `def` that runs the coroutine, as with `asyncio.run(…)`"
    proof = "tests/proofs/test_event_loop.py::test_nobody_awaits_a_coroutine_task"

    @on(CoroutineTasks.all)
    def check(self, fact: CoroutineTask) -> Iterator[Finding]:
        """Report coroutine functions that nothing is seen to await."""
        yield Finding(fact.place, {"task": fact.name}, related=fact.related())

"""CEL116 coroutine-not-awaited-in-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutines import Coroutines, LostCoroutine
from celery_lint.rule import Cause, Finding, Rule, on


class CoroutineNotAwaitedInTask(Rule):
    """A task makes a coroutine and never awaits it.

    ## Why it matters

    Calling an `async def` runs nothing: it makes a coroutine. If nobody awaits it, the work is skipped, the
    task succeeds, and all that is left is the warning *coroutine ... was never awaited* in the worker's
    log. A task that returns a coroutine fails after its work is done: *Object of type coroutine is not JSON
    serializable*.

    ## Example

    ```python
    from celery import shared_task


    async def send_mail(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def welcome(pk):
        send_mail(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def send_mail(pk):
        return pk


    @shared_task(soft_time_limit=50, time_limit=60)
    def welcome(pk):
        async_to_sync(send_mail)(pk)
    ```

    ## Limits

    In the functions that tasks reach and in their coroutines. Only functions that are surely coroutine
    functions: an `async def` of the project without decorators, what `sync_to_async`,
    `database_sync_to_async`, `asyncify` or a decorator of the project with an inner `async def` makes of a
    function, the awaitables of asyncio, the methods of SQLAlchemy's asynchronous sessions. Silent where tasks
    give a parameter something else than its annotation says, and where the coroutine is handed on, stored or
    returned by a helper; but to ask for its items, its attributes or its truth, to compare, print or log it,
    to make a number or a text of it, to put it into a dictionary that the task returns, to make an object of
    a dataclass, a pydantic model and the like with it, or to hand it to a function that asks it for its items
    or attributes, is no use of it. Told once for the methods of one object in one function.

    ## References

    * <https://docs.python.org/3/library/asyncio-dev.html#detect-never-awaited-coroutines>
    """

    code = "CEL116"
    name = "coroutine-not-awaited-in-task"
    severity = "error"
    preset = "recommended"
    message = "nothing awaits the coroutine of `{function}()`: it never runs (`was never awaited`)"
    help = "write `await {function}(…)`, or run it with `asyncio.run`"
    variants = {
        "returned": (
            "the task returns the coroutine of `{function}()`, so its body never runs",
            "run it in the task and return its result: `return asyncio.run({function}(…))`",
        )
    }
    proof = "tests/proofs/test_event_loop.py::test_a_coroutine_that_is_not_awaited_does_nothing"
    fixable = "unsafe"

    @on(Coroutines.lost)
    def check(self, lost: LostCoroutine) -> Iterator[Finding]:
        """Report each call that makes one."""
        inside = (lost.task.place, f"inside task `{lost.task.label}`")
        variant = "returned" if lost.how == "returned" else ""
        fix = () if lost.how == "dropped" and lost.function.is_async else None
        # Whoever takes an asynchronous client for a plain one does so throughout a function.
        key = lost.module.path, lost.function.qualname, lost.owner
        cause = Cause(key) if lost.owner and lost.how != "returned" else None
        yield Finding(lost.place, {"function": lost.name}, (inside,), variant, fix, cause=cause)

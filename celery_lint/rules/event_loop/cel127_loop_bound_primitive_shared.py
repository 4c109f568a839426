"""CEL127 loop-bound-primitive-shared."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.loop_primitives import LoopPrimitives, SharedPrimitive
from celery_lint.rule import Finding, Rule, on


class LoopBoundPrimitiveShared(Rule):
    """A lock, semaphore or queue of asyncio is shared by tasks that each have their own event loop.

    ## Why it matters

    Objects of asyncio belong to no loop until a coroutine has to wait for them; then they belong to that loop
    for good. Where each task runs on a loop of its own, the first task in which two coroutines meet at the
    lock decides, and every later one that meets there fails with *is bound to a different event loop*. Until
    then nothing shows it. Besides, such a lock keeps no two tasks of a prefork worker apart: they run in
    different processes.

    ## Example

    ```python
    import asyncio

    from asgiref.sync import async_to_sync
    from celery import shared_task

    limit = asyncio.Semaphore(5)


    async def fetch(pk):
        async with limit:
            await asyncio.sleep(1)


    async def fetch_all(pks):
        await asyncio.gather(*(fetch(pk) for pk in pks))


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pks):
        async_to_sync(fetch_all)(pks)
    ```

    ## Use instead

    ```python
    import asyncio

    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def fetch(pk, limit):
        async with limit:
            await asyncio.sleep(1)


    async def fetch_all(pks):
        limit = asyncio.Semaphore(5)
        await asyncio.gather(*(fetch(pk, limit) for pk in pks))


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pks):
        async_to_sync(fetch_all)(pks)
    ```

    ## Limits

    Speaks of names that a module binds to `asyncio.Lock()` and its like when it is imported, where a task's
    coroutine waits for them and starts others at the same time (`gather`, `create_task`, `TaskGroup`), or
    the pool is known to be *threads*. Silent for one loop that is kept for the process, and for a lock whose
    block only waits to fill a global name for the first time (`if client is None: client = await …`).

    ## References

    * <https://docs.python.org/3/library/asyncio-sync.html>
    """

    code = "CEL127"
    name = "loop-bound-primitive-shared"
    severity = "warning"
    preset = "recommended"
    message = "`{resource}` fails in later tasks: `is bound to a different event loop`"
    help = "make `{resource}` inside the outermost coroutine and pass it on as an argument"
    variants = {
        "threads": (
            "`{resource}` in threads: `is bound to a different event loop` ({where})",
            "keep one event loop per worker process, and run every coroutine on it",
        ),
    }
    proof = "tests/proofs/test_shared.py::test_a_lock_belongs_to_the_first_loop_that_waits"

    @on(LoopPrimitives.shared)
    def check(self, shared: SharedPrimitive) -> Iterator[Finding]:
        """Report each primitive once, where it is made."""
        story = (
            (shared.use, f"a coroutine of a task waits for `{shared.name}` here"),
            (shared.run.place, "the coroutine is run here"),
            *shared.run.related(),
        )
        values = {"resource": shared.name}
        if shared.pool is not None:
            yield Finding(shared.place, {**values, "where": shared.pool.where}, story, "threads")
        else:
            yield Finding(shared.place, values, story)

"""CEL212 dispose-not-in-finally."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.of_engines import Disposals, SkippedDisposal
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.rule import Finding, Rule, on


class DisposeNotInFinally(Rule):
    """A task's coroutine disposes of its engine only when nothing goes wrong.

    ## Why it matters

    The line is skipped when the work before it raises, and also when a soft time limit or a revoke cancels
    the coroutine. The connections of the failing run, and of each of its retries, stay open on the server:
    those of an engine that is made in the run until Python's garbage collector finds it, which may be twenty
    runs later. Of an engine that a module keeps they stay in the pool as well, bound to a loop that is
    closed: the next run gets one and fails with `RuntimeError: … attached to a different loop`.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


    async def load(pk):
        engine = create_async_engine("postgresql+asyncpg://localhost/app")
        async with AsyncSession(engine) as session:
            result = await session.get(dict, pk)
        await engine.dispose()
        return result


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


    async def load(pk):
        engine = create_async_engine("postgresql+asyncpg://localhost/app")
        try:
            async with AsyncSession(engine) as session:
                return await session.get(dict, pk)
        finally:
            await engine.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Limits

    Only in coroutines and context managers that tasks are seen to run, and in plain functions that run the
    work and then the disposal. Silent where the same function also disposes of the engine in a `finally` or
    in an `except BaseException`, registers the call with an exit stack, or starts with it, and of an engine
    with `poolclass=NullPool`, which keeps no connection. Several disposals of one engine are told once.

    ## References

    * <https://docs.python.org/3/reference/compound_stmts.html#finally-clause>
    """

    code = "CEL212"
    name = "dispose-not-in-finally"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}.dispose()` is skipped when the code before it raises: connections stay open"
    help = "put the work in `try`, and `await {engine}.dispose()` in its `finally`"
    variants = {
        "kept": (
            "`{engine}.dispose()` is skipped when the code before it raises: the next run fails",
            "put the work in `try`, and `await {engine}.dispose()` in its `finally`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_a_failure_skips_a_disposal_at_the_end"

    @on(Disposals.skipped)
    def check(self, disposal: SkippedDisposal) -> Iterator[Finding]:
        """Report the first disposal of an engine that only the good path reaches."""
        tasks = reached_from(disposal.tasks, "runs for")
        yield Finding(disposal.place, {"engine": disposal.engine}, tasks, "kept" if disposal.fails else "")

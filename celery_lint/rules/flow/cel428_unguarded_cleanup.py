"""CEL428 unguarded-cleanup."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.results import LoneDisposal, Results
from celery_lint.rule import Finding, Rule, on


class UnguardedCleanup(Rule):
    """House style: the disposal in the `finally` of a task's coroutine has a `try` of its own.

    ## Why it matters

    What a `finally` raises takes the place of the exception that was on its way, and turns a task that has
    done its work into one that failed and is retried. `dispose()` of SQLAlchemy rarely raises: it was tried
    with connections that the server had killed, and only logs them. Functions of the project around it raise
    what they like. So this is a convention: clean-up never decides how a task ends.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def ping():
        try:
            async with engine.connect() as connection:
                await connection.commit()
        finally:
            await engine.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def check():
        async_to_sync(ping)()
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def ping():
        try:
            async with engine.connect() as connection:
                await connection.commit()
        finally:
            try:
                await engine.dispose()
            except Exception:
                print("dispose failed")


    @shared_task(soft_time_limit=50, time_limit=60)
    def check():
        async_to_sync(ping)()
    ```

    ## Limits

    Only in coroutines that tasks are seen to run, for an awaited disposal of an async engine, or a function
    of the project that disposes of one, that is the only one in its `finally`. Several of them, where the
    first skips the others, are CEL221.

    ## References

    * <https://docs.python.org/3/reference/compound_stmts.html#finally-clause>
    """

    code = "CEL428"
    name = "unguarded-cleanup"
    severity = "advice"
    preset = "house"
    message = "house style: `{call}` can replace the exception of task `{task}`"
    help = "put it into a separate `try` that logs its exception"
    proof = "convention"

    @on(Results.lone_disposals)
    def check(self, fact: LoneDisposal) -> Iterator[Finding]:
        """Report the disposal."""
        values = {"call": fact.label, "task": fact.body.task.label}
        yield Finding(fact.body.place(fact.step), values, fact.body.related())

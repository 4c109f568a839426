"""CEL425 return-in-try-with-finally."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.results import EarlyReturn, Results
from celery_lint.rule import Finding, Rule, on


class ReturnInTryWithFinally(Rule):
    """House style: a task's coroutine returns its result after the `finally` that cleans up, not before.

    ## Why it matters

    It is a convention and no more. `return` inside `try` does not keep `finally` from running: Python runs
    it first and returns then, awaits included, and where the clean-up raises, the result is lost in both
    forms. What the convention gives is a coroutine that reads in the order in which it runs: work, clean-up,
    result. The real trap is the `return` inside the `finally` (CEL426).

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def load(pk):
        try:
            async with AsyncSession(engine) as session:
                return await session.get(dict, pk)
        except Exception:
            print("load failed")
            raise
        finally:
            try:
                await engine.dispose()
            except Exception:
                print("dispose failed")


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine("postgresql+asyncpg://localhost/app")


    async def load(pk):
        result = None
        try:
            async with AsyncSession(engine) as session:
                result = await session.get(dict, pk)
        except Exception:
            print("load failed")
            raise
        finally:
            try:
                await engine.dispose()
            except Exception:
                print("dispose failed")
        return result


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Limits

    Only in coroutines that tasks are seen to run, for a value returned from the body of a `try` with a
    `finally` that holds an async session of SQLAlchemy or whose `finally` disposes of an async engine.

    ## References

    * <https://docs.python.org/3/reference/compound_stmts.html#finally-clause>
    """

    code = "CEL425"
    name = "return-in-try-with-finally"
    severity = "advice"
    preset = "house"
    message = "house style: the coroutine of `{task}` returns its result before its clean-up"
    help = "keep the result in a name and return it after the `finally`"
    proof = "convention"

    @on(Results.early_returns)
    def check(self, fact: EarlyReturn) -> Iterator[Finding]:
        """Report the return."""
        yield Finding(fact.body.place(fact.step), {"task": fact.body.task.label}, fact.body.related())

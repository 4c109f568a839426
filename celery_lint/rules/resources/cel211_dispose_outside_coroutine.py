"""CEL211 dispose-outside-coroutine."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.of_engines import Disposal, Disposals
from celery_lint.rule import Finding, Rule, on


class DisposeOutsideCoroutine(Rule):
    """An async engine's `dispose()` is called where nothing can await it.

    ## Why it matters

    `AsyncEngine.dispose` is a coroutine function. Called without `await` it only builds a coroutine: no
    connection is closed, and Python says *coroutine 'AsyncEngine.dispose' was never awaited* when the object
    is collected. With `await` in a plain `def` the module does not compile.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)


    async def load(pk):
        async with engine.connect() as connection:
            return await connection.get_isolation_level()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        result = async_to_sync(load)(pk)
        engine.dispose()
        return result
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)


    async def load(pk):
        try:
            async with engine.connect() as connection:
                return await connection.get_isolation_level()
        finally:
            await engine.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
    ```

    ## Limits

    The engine must resolve to `create_async_engine`. `engine.sync_engine.dispose()`, which is synchronous,
    and a `dispose()` that is handed to something else are left alone. So is one that a script comes to last,
    under `if __name__ == "__main__"`: its process ends, and with it the connections.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#sqlalchemy.ext.asyncio.AsyncEngine.dispose>
    """

    code = "CEL211"
    name = "dispose-outside-coroutine"
    severity = "error"
    preset = "recommended"
    message = "`{engine}.dispose()` is never awaited, so no connection is closed"
    help = "write `await {engine}.dispose()` in the `finally` of the coroutine that uses it"
    variants = {
        "plain": (
            "`await {engine}.dispose()` in a plain function: SyntaxError when the module is imported",
            "write `await {engine}.dispose()` in the `finally` of the coroutine that uses it",
        )
    }
    proof = "tests/proofs/test_resources.py::test_a_disposal_that_is_not_awaited_closes_nothing"
    fixable = "unsafe"

    @on(Disposals.all)
    def check(self, disposal: Disposal) -> Iterator[Finding]:
        """Report a call that is a statement of its own, or awaited in a plain function."""
        call = disposal.call
        values = {"engine": disposal.engine}
        if call.is_awaited and not disposal.function.is_async and disposal.function.name:
            yield Finding(disposal.place, values, (), "plain")
        elif not call.is_awaited and call.is_statement and not call.in_lambda and not disposal.is_last:
            yield Finding(disposal.place, values, fix=())

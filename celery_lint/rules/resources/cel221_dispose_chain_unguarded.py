"""CEL221 dispose-chain-unguarded."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.unguarded import UnguardedDisposal, UnguardedDisposals
from celery_lint.rule import Finding, Rule, on


class DisposeChainUnguarded(Rule):
    """A `finally` disposes of several engines, and a failure of one skips the rest.

    ## Why it matters

    The statements of a `finally` are ordinary code: when the first is interrupted, the others do not run,
    and what it raises takes the place of the task's own exception. SQLAlchemy logs the trouble of single
    connections and goes on, but `asyncio.run` cancels its coroutine when a soft time limit comes, `wait_for`
    when its time is over, and functions of the project around `dispose()` raise what they like. The engines
    that are left keep connections that belong to a loop which is about to end.

    ## Example

    ```python
    import asyncio

    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    orders = create_async_engine("postgresql+asyncpg://localhost/orders")
    stock = create_async_engine("postgresql+asyncpg://localhost/stock")


    async def load(pk):
        try:
            async with AsyncSession(orders) as session, AsyncSession(stock) as other:
                return await session.get(dict, pk), await other.get(dict, pk)
        finally:
            await stock.dispose()
            await orders.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        asyncio.run(load(pk))
    ```

    ## Use instead

    ```python
    import asyncio

    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    orders = create_async_engine("postgresql+asyncpg://localhost/orders")
    stock = create_async_engine("postgresql+asyncpg://localhost/stock")


    async def load(pk):
        try:
            async with AsyncSession(orders) as session, AsyncSession(stock) as other:
                return await session.get(dict, pk), await other.get(dict, pk)
        finally:
            try:
                await stock.dispose()
            finally:
                await orders.dispose()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        asyncio.run(load(pk))
    ```

    ## Limits

    Only in what tasks run, for awaited disposals of async engines, and functions of the project that dispose
    of one, that stand in the same list of statements. A `try` or `suppress` of its own for each is silent. So
    is what nothing is seen to interrupt: a soft time limit does so in prefork and under `asyncio.run` alone,
    since `run_until_complete` leaves the coroutine standing (CEL135) and `async_to_sync` runs it in a thread
    to its end; a limit or a group around the coroutine cancels it, and a function of the project raises what
    it awaits besides.

    ## References

    * <https://docs.python.org/3/reference/compound_stmts.html#finally-clause>
    """

    code = "CEL221"
    name = "dispose-chain-unguarded"
    severity = "warning"
    preset = "recommended"
    message = "`{call}` skips `{other}` when it raises or is cancelled"
    help = "give each disposal its own `try`, or put the next one into a `finally`"
    proof = "tests/proofs/test_resources.py::test_a_disposal_that_fails_skips_the_next"
    example_options = 'pool = ["prefork"]'

    @on(UnguardedDisposals.all)
    def check(self, fact: UnguardedDisposal) -> Iterator[Finding]:
        """Report the first disposal that another one depends on."""
        values = {"call": fact.first.label, "other": fact.second.label}
        related = ((fact.second.place, "this is skipped"), (fact.place, fact.why))
        yield Finding(fact.first.place, values, related)

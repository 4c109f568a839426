"""CEL221 dispose-chain-unguarded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from celery_lint.analysis.resources.disposal_order import DisposalChain, DisposalOrder
from celery_lint.rule import Finding, Rule, on


class DisposeChainUnguarded(Rule):
    """A `finally` disposes of several engines, and a failure of one skips the rest.

    ## Why it matters

    The statements of a `finally` are ordinary code: when the first is interrupted, the others do not run,
    and what it raises takes the place of the task's own exception. SQLAlchemy logs the trouble of single
    connections and goes on, but a cancelled coroutine (soft time limit, revoke) is interrupted exactly
    there, and functions of the project around `dispose()` raise what they like. The engines that are left
    keep connections that belong to a loop which is about to end.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
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
        async_to_sync(load)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
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
        async_to_sync(load)(pk)
    ```

    ## Limits

    Only in what tasks run, for awaited disposals of async engines, and functions of the project that dispose
    of one, that stand in the same list of statements. A `try` or `suppress` of its own for each is silent.

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

    @on(DisposalOrder.chains)
    def check(self, chain: DisposalChain) -> Iterator[Finding]:
        """Report the first disposal that another one depends on, once for each list of statements."""
        seen: set[tuple[int, ...]] = set()
        known = [disposal for disposal in chain.disposals if disposal.block and disposal.resolved]
        for first, second in pairwise(sorted(known, key=lambda disposal: disposal.block)):
            if first.block == second.block and first.block not in seen and first.engines != second.engines:
                seen.add(first.block)
                values = {"call": first.label, "other": second.label}
                yield Finding(first.place, values, ((second.place, "this is skipped"),))

"""CEL222 dispose-order."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.disposals.order import DisposalChain, DisposalOrder
from celery_lint.inventory.resources.awaited_disposals import EngineDisposal
from celery_lint.rule import Finding, Rule, on


class DisposeOrder(Rule):
    """The primary engine is disposed of before the others.

    ## Why it matters

    A project may agree that external engines go first and the primary one last, so that what the task
    records about itself can still be written until the end. Nothing fails in the other order by itself.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine

    primary = create_async_engine("postgresql+asyncpg://localhost/app")
    external = create_async_engine("postgresql+asyncpg://localhost/stock")


    async def load(pk):
        try:
            async with primary.connect() as here, external.connect() as there:
                await there.execute(await here.scalar(pk))
        finally:
            try:
                await primary.dispose()
            except Exception:
                print("primary is not disposed")
            try:
                await external.dispose()
            except Exception:
                print("external is not disposed")


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        async_to_sync(load)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import create_async_engine

    primary = create_async_engine("postgresql+asyncpg://localhost/app")
    external = create_async_engine("postgresql+asyncpg://localhost/stock")


    async def load(pk):
        try:
            async with primary.connect() as here, external.connect() as there:
                await there.execute(await here.scalar(pk))
        finally:
            try:
                await external.dispose()
            except Exception:
                print("external is not disposed")
            try:
                await primary.dispose()
            except Exception:
                print("primary is not disposed")


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        async_to_sync(load)(pk)
    ```

    ## Limits

    Silent without the option `primary-engines`, which names the engines that go last: `engine`, or with its
    module, `app.database.engine`. The example takes `primary-engines = ["primary"]`.
    """

    code = "CEL222"
    name = "dispose-order"
    severity = "advice"
    preset = "house"
    message = "primary engine `{engine}` is disposed of before `{other}`"
    help = "dispose of the primary engine last"
    proof = "convention"
    example_options = 'primary-engines = ["primary"]'

    @on(DisposalOrder.chains)
    def check(self, chain: DisposalChain) -> Iterator[Finding]:
        """Report the first primary engine that another one follows."""
        named = self.known.project.configuration.primary_engines

        def primary(disposal: EngineDisposal) -> str:
            return next(
                (name for engine in disposal.engines for name in named if f".{engine}".endswith(f".{name}")),
                "",
            )

        for index, disposal in enumerate(chain.disposals):
            engine = primary(disposal)
            later = [other for other in chain.disposals[index + 1 :] if not primary(other)]
            if engine and later:
                related = ((later[0].place, "disposed of later"),)
                yield Finding(disposal.place, {"engine": engine, "other": later[0].label}, related)
                return

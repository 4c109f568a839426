"""CEL220 async-session-shared-in-gather."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.session_sharing import GatheredSession, SessionSharing
from celery_lint.rule import Finding, Rule, on


class AsyncSessionSharedInGather(Rule):
    """Coroutines that run at the same time use one `AsyncSession`.

    ## Why it matters

    A session does one thing at a time. Coroutines that flush or commit it together fail with
    `IllegalStateChangeError` or *another operation is in progress*, and so do those that are the first to
    use it. Reads alone on an open connection do not fail with asyncpg, but wait for each other: five
    statements of 0.2 seconds took one second, so nothing is gained.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
    from sqlalchemy.pool import NullPool
    import asyncio

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    Session = async_sessionmaker(engine)


    async def rename(session: AsyncSession, pk):
        (await session.get(dict, pk)).name = "new"
        await session.commit()


    async def rename_all(pks):
        async with Session() as session:
            await asyncio.gather(*(rename(session, pk) for pk in pks))


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pks):
        async_to_sync(rename_all)(pks)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.pool import NullPool
    import asyncio

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    Session = async_sessionmaker(engine)


    async def rename(pk):
        async with Session() as session:
            (await session.get(dict, pk)).name = "new"
            await session.commit()


    async def rename_all(pks):
        await asyncio.gather(*(rename(pk) for pk in pks))


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pks):
        async_to_sync(rename_all)(pks)
    ```

    ## Limits

    Sees `gather`, `wait`, `TaskGroup` and tasks started one after another, in what tasks run, with coroutines
    made there, in a comprehension or in a list filled before, also by methods that take the session out of
    their own object. Silent where the type of the session is not
    visible, and where the coroutine waits for a lock around its use.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#using-asyncsession-with-concurrent-tasks>
    """

    code = "CEL220"
    name = "async-session-shared-in-gather"
    severity = "error"
    preset = "recommended"
    message = "several coroutines use `{session}` at the same time: IllegalStateChangeError"
    help = "open a session in each coroutine, or await them one after another"
    proof = "tests/proofs/test_resources.py::test_a_session_does_one_thing_at_a_time"

    @on(SessionSharing.gathered)
    def check(self, shared: GatheredSession) -> Iterator[Finding]:
        """Report the first of the coroutines."""
        used = ((shared.used, f"each works with `{shared.name}` here"),) if shared.used is not None else ()
        others = tuple((place, "at the same time as this one") for place in shared.others)
        yield Finding(shared.place, {"session": shared.name}, (*used, *others))

"""CEL119 sync-session-in-async-task."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.coroutines import Coroutines, SyncSession
from celery_lint.rule import Finding, Rule, on


class SyncSessionInAsyncTask(Rule):
    """A coroutine of a task opens a synchronous database session beside an asynchronous one.

    ## Why it matters

    Each query of the synchronous session holds up the event loop, and with it all that the coroutine waits
    for. The two sessions are two connections and two transactions: what one has written and not committed,
    the other does not see, and if it waits for that row, nothing is left to commit it.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.orm import sessionmaker
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    AsyncSessionLocal = async_sessionmaker(engine)
    SessionLocal = sessionmaker(create_engine("postgresql+psycopg://localhost/app"))


    async def execute(pk):
        async with AsyncSessionLocal() as session:
            order = await session.get(dict, pk)
        with SessionLocal() as session:
            return session.get(dict, order["customer"])


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(execute)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    AsyncSessionLocal = async_sessionmaker(engine)


    async def execute(pk):
        async with AsyncSessionLocal() as session:
            order = await session.get(dict, pk)
            return await session.get(dict, order["customer"])


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        return async_to_sync(execute)(pk)
    ```

    ## Limits

    Only in coroutines of tasks that also open an asynchronous session or dispose of an asynchronous engine,
    and only where the session's class or the engine of its session maker can be seen. Once in each
    function. Plain functions that such a coroutine calls are not searched.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html>
    * <https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code>
    """

    code = "CEL119"
    name = "sync-session-in-async-task"
    severity = "warning"
    preset = "recommended"
    message = "synchronous session `{function}()` blocks the event loop of task `{task}`"
    help = "open an `AsyncSession` here too"
    proof = "tests/proofs/test_resources.py::test_two_sessions_wait_for_each_other"

    @on(Coroutines.sync_sessions)
    def check(self, session: SyncSession) -> Iterator[Finding]:
        """Report the first one of each function."""
        yield Finding(session.place, {"function": session.name, "task": session.task.label})

"""CEL429 missing-error-handling."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.results import Results, UnhandledSession
from celery_lint.rule import Finding, Rule, on


class MissingErrorHandling(Rule):
    """House style: a task whose coroutine opens a database session logs its errors with what it worked on.

    ## Why it matters

    It is a convention and no more: the worker logs every exception that leaves a task, with its traceback,
    and the session rolls back when its block ends. What that log does not say is what the task was about:
    the arguments, the row, the tenant. A handler that logs them and raises again adds it.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)


    @shared_task(soft_time_limit=50, time_limit=60)
    def archive(pk):
        async def execute():
            async with AsyncSession(engine) as session:
                await session.delete(await session.get(dict, pk))
                await session.commit()

        async_to_sync(execute)()
    ```

    ## Use instead

    ```python
    import logging

    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    logger = logging.getLogger(__name__)


    @shared_task(soft_time_limit=50, time_limit=60)
    def archive(pk):
        async def execute():
            async with AsyncSession(engine) as session:
                await session.delete(await session.get(dict, pk))
                await session.commit()

        try:
            async_to_sync(execute)()
        except Exception:
            logger.exception("row %s was not archived", pk)
            raise
    ```

    ## Limits

    Only for an async session of SQLAlchemy in a coroutine that a task itself starts, where neither the
    coroutine nor the task has any handler at all.
    """

    code = "CEL429"
    name = "missing-error-handling"
    severity = "advice"
    preset = "house"
    message = "house style: nothing in task `{task}` handles the errors of this session"
    help = "log them with what the task works on, and raise again"
    proof = "convention"

    @on(Results.unhandled_sessions)
    def check(self, fact: UnhandledSession) -> Iterator[Finding]:
        """Report the session."""
        yield Finding(fact.body.place(fact.step), {"task": fact.body.task.label}, fact.body.related())

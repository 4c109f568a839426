"""CEL230 missing-rollback."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.session_flow import SessionAfterFailure, SessionFlow
from celery_lint.rule import Finding, Rule, on


class MissingRollback(Rule):
    """An `except` clause goes on with a session whose transaction may have failed.

    ## Why it matters

    After a failed flush a session answers everything but `rollback()` with `PendingRollbackError`, and after
    a failed statement PostgreSQL refuses all others of the transaction: the status that the handler wants to
    save is lost, and the new exception hides the first. If the failure came from elsewhere, the handler's
    commit writes the half-done work along with its own.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    Session = async_sessionmaker(engine)


    async def save_status(session: AsyncSession, pk, status):
        (await session.get(dict, pk)).status = status
        await session.commit()


    async def work(pk):
        async with Session() as session:
            try:
                (await session.get(dict, pk)).amount += 1
                await session.commit()
            except Exception:
                await save_status(session, pk, "failed")
                raise


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        async_to_sync(work)(pk)
    ```

    ## Use instead

    ```python
    from asgiref.sync import async_to_sync
    from celery import shared_task
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
    Session = async_sessionmaker(engine)


    async def save_status(session: AsyncSession, pk, status):
        (await session.get(dict, pk)).status = status
        await session.commit()


    async def work(pk):
        async with Session() as session:
            try:
                (await session.get(dict, pk)).amount += 1
                await session.commit()
            except Exception:
                await session.rollback()
                await save_status(session, pk, "failed")
                raise


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        async_to_sync(work)(pk)
    ```

    ## Limits

    Speaks of an `AsyncSession` in coroutines that tasks run, where the same session did work in the `try`
    and the clause catches what a database error arrives as. Silent where the work stands in
    `session.begin()`, which rolls back by itself, and where a function that gets the session rolls it back.

    ## References

    * <https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar>
    """

    code = "CEL230"
    name = "missing-rollback"
    severity = "advice"
    preset = "recommended"
    message = "`{session}` may hold a failed transaction here"
    help = "await `{session}.rollback()` before the handler uses it"
    proof = "tests/proofs/test_resources.py::test_a_failed_session_saves_nothing"

    @on(SessionFlow.after_failures)
    def check(self, use: SessionAfterFailure) -> Iterator[Finding]:
        """Report the first use in the handler."""
        related = ((use.attempt, "the work that may fail"),)
        yield Finding(use.place, {"session": use.name}, related)

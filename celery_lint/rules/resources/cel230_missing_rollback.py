"""CEL230 missing-rollback."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.failed_transactions import (
    FailedTransactions,
    SessionAfterFailure,
)
from celery_lint.rule import Cause, Finding, Rule, on

# The drivers spell it differently: `InFailedSQLTransactionError` is asyncpg's.
_ABORTED = "InFailedSqlTransaction"


class MissingRollback(Rule):
    """Work goes on with a session whose transaction may have failed.

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


    async def work(pk, title):
        async with Session() as session:
            try:
                (await session.get(dict, pk)).title = title
                await session.commit()
            except Exception:
                await save_status(session, pk, "failed")
                raise


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk, title):
        async_to_sync(work)(pk, title)
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


    async def work(pk, title):
        async with Session() as session:
            try:
                (await session.get(dict, pk)).title = title
                await session.commit()
            except Exception:
                await session.rollback()
                await save_status(session, pk, "failed")
                raise


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk, title):
        async_to_sync(work)(pk, title)
    ```

    An `except` that only logs, in a loop over a session that was opened outside of it, loses more than its
    own item: everything after it fails the same way, the `commit` at the end included. A session for each
    item limits a failure to that item; so does `begin_nested()` where the work itself does not commit. A
    rollback undoes all that is not committed: what a caller did with a session that it hands on, the rounds
    before, a row that is only flushed, and changes of rows that are not even that. There the help names a
    savepoint, or a commit before the `try`.

    A rollback expires every object of the session. A plain session reads them again when they are used; with
    an `AsyncSession` such a use raises `MissingGreenlet`, so that they must be loaded again with `await`.

    ## Limits

    Speaks of sessions in functions that tasks run, in a variable, in an attribute of the object
    (`self.session`) or in a parameter that all their callers give a session, opened before the `try` or first
    in it, where the clause catches what a database error arrives as, and the same session flushes or executes
    in the `try` what the database may refuse: rows that are added, attributes that are set from data, an
    `insert()`, an `INSERT` in `text()`. A query of rows is a flush, too, but for a session with
    `autoflush=False` or a block of `no_autoflush`. A read, a constant, a moment and what is made of the row
    itself (`row.failures + 1`) fail only where the server is gone; so does a text that the program puts
    together of such (`f"step {i}"`, a path of keys of rows), where the class shows a column of texts without
    a length, key or reference, and no `__table_args__` with constraints; so does a row of constants
    (`Settings(id=1)`), once it has been made, and a row that the session has given is there. Where the clause
    does nothing with the session, the session must be seen to be used again: in a `finally`, or, if the
    clause does not end the function or the loop, below. What a clause writes that always raises and commits
    nothing is rolled back whatever comes before it: it is told only where a caller is seen to catch the error
    and to commit the same session. After a failed statement, unlike a failed flush, a `commit()` with nothing
    to flush raises nothing: it is told where earlier work is lost by it. SQLite and MySQL go on after a
    failed statement: where lists of what is installed name drivers of these, and none of PostgreSQL, only a
    flush counts. Silent where nothing is committed, where the work stands in `session.begin()`, which rolls
    back by itself, or in a savepoint that the handler rolls back, behind a `begin_nested()` block in which an
    error is caught (it ends its savepoint without a word, and what it held is gone), where a function that
    gets the session rolls back or catches all that its writes raise, in a branch that asks what the error is,
    where a flag that the clause sets leads to a rollback below (`if saved: … else: session.rollback()`), and
    for `scoped_session`. Told once for the sessions of one maker in a file, with the places of the others.

    ## References

    * <https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar>
    """

    code = "CEL230"
    name = "missing-rollback"
    severity = "advice"
    preset = "recommended"
    message = "`{session}` may hold a failed transaction: this raises {what}"
    help = "write `await {session}.rollback()` first, and load again what the handler reads"
    variants = {
        "plain": (
            "`{session}` may hold a failed transaction: this raises {what}",
            "call `{session}.rollback()` before the handler uses it",
        ),
        "later": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "call `{session}.rollback()` here, or give each piece of work a session of its own",
        ),
        "later async": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "give each piece of work a session; or `await {session}.rollback()` and load all again",
        ),
        "later, savepoint": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "do what may fail in `with {session}.begin_nested():`; a rollback undoes the earlier work, too",
        ),
        "later async, savepoint": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "try it in `async with {session}.begin_nested():`; a rollback undoes the earlier work, too",
        ),
        "later, commit": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "commit before the `try` what is to be kept, and call `{session}.rollback()` here",
        ),
        "later async, commit": (
            "after this `except`, `{session}` may raise {what} in the work that follows",
            "commit before the `try`, `await {session}.rollback()` here and load all again",
        ),
        "savepoint": (
            "`{session}` may hold a failed transaction: this raises {what}",
            "do what may fail in `with {session}.begin_nested():`; a rollback undoes the earlier work, too",
        ),
        "async, savepoint": (
            "`{session}` may hold a failed transaction: this raises {what}",
            "try it in `async with {session}.begin_nested():`; a rollback undoes the earlier work, too",
        ),
        "commit": (
            "`{session}` may hold a failed transaction: this raises {what}",
            "commit before the `try` what is to be kept, and call `{session}.rollback()` first here",
        ),
        "async, commit": (
            "`{session}` may hold a failed transaction: this raises {what}",
            "commit before the `try`, `await {session}.rollback()` first here and load all again",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_a_failed_session_saves_nothing"

    @on(FailedTransactions.used)
    def check(self, use: SessionAfterFailure) -> Iterator[Finding]:
        """Report the first use in the handler, or the handler after which the work goes on."""
        related = [(use.attempt, "the work that may fail")]
        if use.later is not None:
            related.append((use.later, f"`{use.name}` is used again here"))
        words = ["later"] if use.later is not None else []
        words += ["async"] if use.is_async else []
        told = " ".join(words)
        variant = ", ".join(filter(None, (told, use.remedy))) if use.remedy != "rollback" else told or "plain"
        if variant == "async":
            variant = ""
        values = {"session": use.name, "what": "PendingRollbackError" if use.by_flush else _ABORTED}
        # One mend for all of them, whichever way it is told.
        cause = Cause((use.place.path, use.maker, told))
        yield Finding(use.place, values, tuple(related), variant, cause=cause)

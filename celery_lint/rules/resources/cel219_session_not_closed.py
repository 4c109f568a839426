"""CEL219 session-not-closed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.engines_per_task import EnginesPerTask
from celery_lint.analysis.resources.sessions.session_flow import UnclosedSession
from celery_lint.rule import Finding, Rule, on


class SessionNotClosed(Rule):
    """A session that a task opens stays open when something raises, or always.

    ## Why it matters

    A session with an open transaction holds a connection of the pool and is part of a reference cycle: it is
    not gone when the function ends, but when Python next looks for cycles. With a pool of two, eight of ten
    runs of such a task failed with *QueuePool limit of size 2 overflow 0 reached*, and the two connections
    stayed
    *idle in transaction* on the server.

    ## Example

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    Session = sessionmaker(create_engine("postgresql+psycopg2://localhost/app"))


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        session = Session()
        session.get(dict, pk).name = name
        session.commit()
        session.close()
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    Session = sessionmaker(create_engine("postgresql+psycopg2://localhost/app"))


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        with Session() as session:
            session.get(dict, pk).name = name
            session.commit()
    ```

    ## Limits

    Silent where the session is returned, yielded, kept in an object or handed to something that may close
    it, and where it is closed in a `finally`, or both in an `except` and on the good path. A run that
    commits as its last act gives the connection back even without `close()`.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing>
    """

    code = "CEL219"
    name = "session-not-closed"
    severity = "warning"
    preset = "strict"
    message = "session `{session}` is never closed"
    help = "open it in a `with` statement, or close it in a `finally`"
    variants = {
        "skipped": (
            "`{session}.close()` is skipped when the code before it raises",
            "open the session in a `with` statement, or close it in a `finally`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_sessions_that_nobody_closes_use_the_pool_up"

    @on(EnginesPerTask.unclosed_sessions)
    def check(self, session: UnclosedSession) -> Iterator[Finding]:
        """Report the call that opens the session."""
        related = ((session.task.place, f"runs for task `{session.task.label}`"),)
        variant = "skipped" if session.skipped else ""
        yield Finding(session.place, {"session": session.name}, related, variant)

"""CEL218 module-level-session."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.kept_sessions import KeptSession, KeptSessions
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.rule import Finding, Rule, on


class ModuleLevelSession(Rule):
    """One session, made when the module is imported, serves every task of a process.

    ## Why it matters

    A session is one conversation with the database. When a flush fails in one task, the session refuses all
    work until somebody rolls it back: every later task of the process fails with `PendingRollbackError`. A
    task that only reads leaves its transaction open, and the next task reads on in it. In a pool of threads
    or greenlets the tasks use it at the same time, which no session supports.

    ## Example

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    Session = sessionmaker(create_engine("postgresql+psycopg2://localhost/app"))
    session = Session()


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        session.get(dict, pk).name = name
        session.commit()
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

    Speaks of names at module level that tasks, or functions that they call, are seen to use, and of
    attributes that objects at module level and base classes of tasks fill once. Silent where anything in
    the project closes the session or rolls it back, and for `scoped_session`, which
    `scoped-session-not-removed` looks at.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/session_basics.html#is-the-session-thread-safe-is-asyncsession-safe-to-share-in-concurrent-tasks>
    * <https://docs.sqlalchemy.org/en/20/faq/sessions.html#this-session-s-transaction-has-been-rolled-back-due-to-a-previous-exception-during-flush-or-similar>
    """

    code = "CEL218"
    name = "module-level-session"
    severity = "warning"
    preset = "recommended"
    message = "all tasks share session `{session}`: after one fails, all raise PendingRollbackError"
    help = "open a session in each task: `with Session() as session:`"
    proof = "tests/proofs/test_resources.py::test_a_shared_session_stays_broken"

    @on(KeptSessions.all)
    def check(self, session: KeptSession) -> Iterator[Finding]:
        """Report the session where it is made."""
        if not session.scoped:
            used = reached_from(session.uses, "used for")
            yield Finding(session.place, {"session": session.name}, used)

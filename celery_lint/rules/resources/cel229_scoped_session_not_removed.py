"""CEL229 scoped-session-not-removed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.kept_sessions import KeptSession, KeptSessions
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.rule import Finding, Rule, on


class ScopedSessionNotRemoved(Rule):
    """Tasks use a scoped session that is never removed.

    ## Why it matters

    A scoped session belongs to its thread, and a worker's thread runs one task after another: the next task
    goes on with the session of the last. Objects that something still refers to stay as they were loaded
    then, even if the database has changed since; it works in a transaction that may be long open; and after a
    failed flush it fails with `PendingRollbackError`, as does every task after it.

    ## Example

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import scoped_session, sessionmaker

    db = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://localhost/app")))


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        db.get(dict, pk).name = name
        db.commit()
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from celery.signals import task_postrun
    from sqlalchemy import create_engine
    from sqlalchemy.orm import scoped_session, sessionmaker

    db = scoped_session(sessionmaker(create_engine("postgresql+psycopg2://localhost/app")))


    @task_postrun.connect
    def remove_session(**kwargs):
        db.remove()


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        db.get(dict, pk).name = name
        db.commit()
    ```

    ## Limits

    Silent where anything in the project removes or closes the session or rolls it back, wherever that is,
    and where the project pushes a Flask application context, whose end removes the sessions of extensions.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/contextual.html#sqlalchemy.orm.scoped_session.remove>
    * <https://docs.celeryq.dev/en/stable/userguide/signals.html#task-postrun>
    """

    code = "CEL229"
    name = "scoped-session-not-removed"
    severity = "warning"
    preset = "strict"
    message = "`{session}` is never removed: after a failure all tasks raise PendingRollbackError"
    help = "call `{session}.remove()` in a handler of `task_postrun`"
    proof = "tests/proofs/test_resources.py::test_a_scoped_session_is_inherited"

    @on(KeptSessions.all)
    def check(self, session: KeptSession) -> Iterator[Finding]:
        """Report the registry where it is made."""
        if session.scoped:
            used = reached_from(session.uses, "used for")
            yield Finding(session.place, {"session": session.name}, used)

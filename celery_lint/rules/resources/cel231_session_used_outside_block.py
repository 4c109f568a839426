"""CEL231 session-used-outside-block."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.sessions.session_flow import SessionAfterBlock, SessionFlow
from celery_lint.rule import Finding, Rule, on


class SessionUsedOutsideBlock(Rule):
    """A session is used after the `with` statement that closed it.

    ## Why it matters

    A closed session does not refuse: it starts again. A `commit()` after the block commits nothing, because
    the close has rolled the work back and nobody is told. A query opens a connection that no `with` gives
    back: it stays *idle in transaction*, and with a small pool the next task waits for it in vain.

    ## Example

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

    Only in what tasks run, and only for names that nothing but such `with` statements binds. What the
    session has loaded may be read after the block; `close()`, `rollback()` and the like do no harm there.

    ## References

    * <https://docs.sqlalchemy.org/en/20/orm/session_basics.html#closing>
    """

    code = "CEL231"
    name = "session-used-outside-block"
    severity = "warning"
    preset = "recommended"
    message = "`{session}` is used after the block that closed it"
    help = "move the call into the `with` block"
    proof = "tests/proofs/test_resources.py::test_a_commit_after_the_block_commits_nothing"

    @on(SessionFlow.after_blocks)
    def check(self, use: SessionAfterBlock) -> Iterator[Finding]:
        """Report the first use after the block."""
        related = ((use.block, f"`{use.name}` is closed at the end of this block"),)
        yield Finding(use.place, {"session": use.name}, related)

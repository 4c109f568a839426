"""CEL215 connection-at-import."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.before_fork import BeforeFork, EarlyConnection
from celery_lint.rule import Finding, Rule, on


class ConnectionAtImport(Rule):
    """A module of tasks opens a connection when it is imported.

    ## Why it matters

    A prefork worker imports its tasks and then forks. All its processes are born with the socket that the
    import has opened, and as soon as two of them use it, they read each other's answers: with psycopg2
    every task failed or waited forever. The pool of an SQLAlchemy engine keeps such a connection too, even
    after the `with` block that took it. redis-py notices the fork and connects again.

    ## Example

    ```python
    import psycopg2
    from celery import shared_task

    connection = psycopg2.connect("dbname=app")


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        with connection.cursor() as cursor:
            cursor.execute("select name from orders where id = %s", (pk,))
            return cursor.fetchone()
    ```

    ## Use instead

    ```python
    import psycopg
    from celery import shared_task


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        with psycopg.connect("dbname=app") as connection:
            return connection.execute("select name from orders where id = %s", (pk,)).fetchone()
    ```

    ## Limits

    Speaks of modules that define tasks or an application, of calls that are known to connect at once, and
    of connections with a name that functions of the module use. Silent under `if __name__ == "__main__"`,
    for a connection that the import closes again, for engines with `NullPool`, of SQLite, or disposed of
    somewhere, and where the pools are known and none of them forks.

    ## References

    * <https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing-or-os-fork>
    * <https://www.psycopg.org/docs/usage.html#thread-and-process-safety>
    * <https://github.com/celery/celery/issues/1564>
    """

    code = "CEL215"
    name = "connection-at-import"
    severity = "warning"
    preset = "recommended"
    message = "`{call}` connects at import: forked worker processes share the connection"
    help = "connect in the task, or in a handler of `worker_process_init`"
    variants = {
        "engine": (
            "`{engine}` connects at import: forked worker processes share the connection",
            "connect later, or call `{engine}.dispose(close=False)` in a handler of `worker_process_init`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_forked_processes_share_a_connection"

    @on(BeforeFork.connections)
    def check(self, connection: EarlyConnection) -> Iterator[Finding]:
        """Report the call that connects."""
        variant = "engine" if connection.kind == "engine" else ""
        yield Finding(connection.place, {"call": connection.name, "engine": connection.name}, (), variant)

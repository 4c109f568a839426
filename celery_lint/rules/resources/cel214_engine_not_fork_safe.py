"""CEL214 engine-not-fork-safe."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.before_fork import BeforeFork, EarlyEngine
from celery_lint.rule import Finding, Rule, on


class EngineNotForkSafe(Rule):
    """A pooled engine connects in the worker's parent process, before the worker forks.

    ## Why it matters

    The pool of the engine keeps the connection, and every process of a prefork worker is born with that
    same socket. As soon as two of them use it, they read each other's answers. With psycopg2 nearly every
    task failed with `ResourceClosedError` or `DatabaseError`, and some waited forever. An engine that is
    only *made* before the fork does no harm: it has no connection yet.

    ## Example

    ```python
    from celery import shared_task
    from sqlalchemy import MetaData, create_engine

    engine = create_engine("postgresql+psycopg2://localhost/app")


    def prepare():
        MetaData().create_all(engine)


    prepare()


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        with engine.begin() as connection:
            return connection.exec_driver_sql("select 1").scalar()
    ```

    ## Use instead

    ```python
    from celery import shared_task, signals
    from sqlalchemy import MetaData, create_engine

    engine = create_engine("postgresql+psycopg2://localhost/app")


    def prepare():
        MetaData().create_all(engine)


    prepare()


    @signals.worker_process_init.connect
    def forget_connections(**_):
        engine.dispose(close=False)


    @shared_task(soft_time_limit=50, time_limit=60)
    def refresh(pk):
        with engine.begin() as connection:
            return connection.exec_driver_sql("select 1").scalar()
    ```

    ## Limits

    Looks at functions that the engine's module or a module of tasks calls when it is imported, also with the
    engine as an argument, at the engine's own module, and at handlers of `worker_init`, `celeryd_init` and
    `celeryd_after_setup`, which run before the fork. An engine may belong to an object that a module
    makes. A connection in a module of tasks itself is `connection-at-import`. Silent for
    `NullPool` and SQLite, where the project has a handler of `worker_process_init`, disposes of the engine or
    gives it to `register_after_fork`, where a function looks at the engine or its address before it connects
    (`if engine.dialect.name == "sqlite"`), and where the pools are known and none of them forks. Silent also
    where an event of the pool gives up connections of another process (`os.getpid()`), unless the engine has
    `pool_pre_ping`: the ping comes before the event.

    ## References

    * <https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing-or-os-fork>
    * <https://github.com/celery/celery/issues/1564>
    """

    code = "CEL214"
    name = "engine-not-fork-safe"
    severity = "warning"
    preset = "recommended"
    message = "`{engine}` connects before the worker forks: processes read each other's answers"
    help = "call `{engine}.dispose(close=False)` in a handler of `worker_process_init`"
    proof = "tests/proofs/test_resources.py::test_forked_processes_share_a_connection"

    @on(BeforeFork.engines)
    def check(self, engine: EarlyEngine) -> Iterator[Finding]:
        """Report where the connection is made."""
        yield Finding(engine.place, {"engine": engine.name}, ((engine.use, "used by a task here"),))

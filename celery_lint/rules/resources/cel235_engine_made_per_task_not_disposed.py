"""CEL235 engine-made-per-task-not-disposed."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.engines_per_task import EnginesPerTask, LeftEngines
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.rule import Finding, Rule, on


class EngineMadePerTaskNotDisposed(Rule):
    """Every run of a task makes an engine or a client and leaves its connections to the garbage collector.

    ## Why it matters

    An engine brings a pool, and a pool keeps its connections open after the session or connection is
    closed. Nothing refers to them when the task ends, but they are part of reference cycles: they stay open
    on the server until Python next looks for cycles, which an idle worker does not. So their number has a
    bound, but not one that anybody chose: with one process and asyncpg, psycopg or psycopg2 there were up to
    15 in 60 runs. After a hundred such tasks a worker of four processes held 24 connections, one of four
    threads 30, and both kept them; `gc.collect()` closed all of them.

    ## Example

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        engine = create_engine("postgresql+psycopg2://localhost/app")
        with Session(engine) as session:
            session.get(dict, pk).name = name
            session.commit()
    ```

    ## Use instead

    ```python
    from celery import shared_task
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session


    @shared_task(soft_time_limit=50, time_limit=60)
    def rename(pk, name):
        engine = create_engine("postgresql+psycopg2://localhost/app")
        try:
            with Session(engine) as session:
                session.get(dict, pk).name = name
                session.commit()
        finally:
            engine.dispose()
    ```

    Clients of `httpx`, `redis.asyncio`, MongoDB and Elasticsearch that nobody closes stay open in the same
    way: after 60 runs up to 15 sockets, and with `motor` two threads for each run. Beanie's `init_beanie`
    closes no client.

    One engine for the process, at module level or behind `functools.cache`, is cheaper still; `NullPool`
    closes each connection as soon as its session is closed.

    ## Limits

    Silent where the function, or one that it gives the engine to, disposes of anything, where nothing is
    asked of the database, where the engine is kept in a global name or an object or goes to somebody
    unknown, and where the options of its pool are hidden. Of clients silent where anything in the function
    is closed; those of `aiohttp` give their connections back by themselves, and those of `openai` are closed
    when Python collects them. A client may belong to an object that a run makes, of a class of which
    no method closes anything. Where a function of the project returns a new engine or client, or a session
    on one, its call is reported, or where several take one, the function once.

    ## References

    * <https://docs.sqlalchemy.org/en/20/core/connections.html#engine-disposal>
    """

    code = "CEL235"
    name = "engine-made-per-task-not-disposed"
    severity = "warning"
    preset = "strict"
    message = "each run makes an engine here; its connections stay open until Python collects cycles"
    help = "dispose of the engine in `finally`, or make it once for the process"
    variants = {
        "client": (
            "each run makes a client here; its connections stay open until Python collects cycles",
            "close the client in `finally`, or open it with `async with`",
        ),
        "shared_client": (
            "{number} functions get a client here at each run, and none of them closes it",
            "keep one event loop and one client per process, or let each of them close its own in `finally`",
        ),
        "shared": (
            "{number} functions get an engine here at each run, and none of them disposes of it",
            "make the engine once for the process, or let each of them dispose of its own in `finally`",
        ),
    }
    proof = "tests/proofs/test_resources.py::test_an_engine_for_each_run_keeps_connections"

    @on(EnginesPerTask.left)
    def check(self, left: LeftEngines) -> Iterator[Finding]:
        """Report the one call that makes or takes the engine, or the one that makes it for several."""
        is_client = left.calls[0].is_client
        if len(left.calls) > 1:
            takers = tuple((engine.place, "takes one") for engine in left.calls)
            number = len({engine.owner for engine in left.calls})
            variant = "shared_client" if is_client else "shared"
            yield Finding(left.place, {"number": number}, takers, variant)
            return
        (engine,) = left.calls
        kind = "client" if is_client else "engine"
        made = ((engine.made, f"the {kind} is made here"),) if engine.made is not None else ()
        tasks = reached_from(engine.tasks, "runs for")
        yield Finding(left.place, {}, (*made, *tasks), "client" if is_client else "")

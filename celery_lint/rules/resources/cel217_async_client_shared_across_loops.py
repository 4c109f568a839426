"""CEL217 async-client-shared-across-loops."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.loops.in_turn import ClientInTurn, ClientsInTurn
from celery_lint.analysis.resources.loops.sharing import SharedClient, Sharing
from celery_lint.inventory.resources.uses import Uses
from celery_lint.inventory.workers.sent import Sent
from celery_lint.rule import Cause, Finding, Rule, on


class AsyncClientSharedAcrossLoops(Rule):
    """A client is used on one event loop after another: those of several tasks, or of several runs in a task.

    ## Why it matters

    The connections that an asynchronous client keeps open belong to the event loop that opened them. The
    next task of the process gets one of them on another loop. `httpx` and `redis.asyncio` then fail
    every second time with *Event loop is closed*, and so do `openai` and `anthropic` with
    `max_retries=0`; `aiohttp`,
    `asyncpg`, `aiomysql` and MongoDB clients fail every time but the first. A pool of `psycopg_pool` works on
    until its connections expire, and then finds no more.

    The same happens within one task that makes a client and then calls `asyncio.run` for each of many items:
    of a bot that greets 100 users, `aiogram` reaches the first, `python-telegram-bot` every second one.

    ## Example

    ```python
    import httpx
    from asgiref.sync import async_to_sync
    from celery import shared_task

    client = httpx.AsyncClient(timeout=10)


    async def fetch(url):
        response = await client.get(url)
        return response.status_code


    @shared_task(soft_time_limit=50, time_limit=60)
    def check(url):
        return async_to_sync(fetch)(url)
    ```

    ## Use instead

    ```python
    import httpx
    from asgiref.sync import async_to_sync
    from celery import shared_task


    async def fetch(url):
        async with httpx.AsyncClient(timeout=10) as client:
            response = await client.get(url)
            return response.status_code


    @shared_task(soft_time_limit=50, time_limit=60)
    def check(url):
        return async_to_sync(fetch)(url)
    ```

    With one event loop that is kept for the life of the process the shared client is right as it is.

    An agent of `pydantic_ai` before version 2 owns such a client; all agents share it, so that only a kept
    event loop helps.

    ## Limits

    Within a task speaks of a client in a local variable, or of an object that has one from its beginning,
    and follows it into the functions that are given it; silent where a run closes it, or a block opens it
    anew. Otherwise speaks of clients at module level, of those that a cached function gives, of those in
    attributes that functions set from outside, and of those that an object at module level holds and its
    methods use, or the methods of its class where there is no other object. Where the coroutine is run by
    `asyncio.run` itself, `asyncio-run-in-task` tells it; clients in a dictionary are told by
    `loop-bound-client-cache`. Clients that were tried and survive (SQLAlchemy on psycopg) are not meant,
    nor those that try again by themselves: `anthropic` does, `openai` up to 3.14.0 (from 3.14.1 on every
    second request fails here too), and `langchain_openai` with it. Silent where the coroutine, or what runs
    it, closes the client, where the function that makes it asks for the running loop, and for a helper that
    keeps the loop of its thread, unless the pool is known to have several.

    ## References

    * <https://www.python-httpx.org/async/#opening-and-closing-clients>
    * <https://redis.readthedocs.io/en/stable/examples/asyncio_examples.html>
    """

    code = "CEL217"
    name = "async-client-shared-across-loops"
    severity = "warning"
    preset = "recommended"
    message = "`{resource}` keeps connections of a closed loop: later tasks get `Event loop is closed`"
    help = "make `{resource}` and close it in the coroutine, or keep one event loop per process"
    variants = {
        "pool": (
            "`{resource}` is used on several event loops in the {pool} pool ({where})",
            "keep one event loop per worker process for every coroutine that uses `{resource}`",
        ),
        "turn": (
            "`{resource}` is used on one event loop after another: `Event loop is closed`",
            "run one coroutine that does all of it, or make and close `{resource}` in each coroutine",
        ),
    }
    proof = "tests/proofs/test_shared.py::test_a_client_keeps_connections_of_a_closed_loop"

    @on(Sharing.clients)
    def check(self, shared: SharedClient) -> Iterator[Finding]:
        """Report the first use of each client in a run, whatever number of tasks come to it."""
        name = shared.use.resource.name
        ways = self.known.of(Uses).ways_to(shared.run, shared.use.resource)
        story = (
            (shared.use.resource.place, f"`{name}` is made here, once per process"),
            (shared.run.place, "the coroutine is run here"),
            *shared.run.related(ways),
        )
        cause = Cause(shared.use.resource.cause, self.known.of(Sent).rank(way.task for way in ways))
        if shared.pool is None:
            yield Finding(shared.use.place, {"resource": name}, story, cause=cause)
        else:
            values = {"resource": name, "pool": shared.pool.name, "where": shared.pool.where}
            yield Finding(shared.use.place, values, story, "pool", cause=cause)

    @on(ClientsInTurn.all)
    def check_in_turn(self, client: ClientInTurn) -> Iterator[Finding]:
        """Report a client of a task at the run that finds it bound to the loop of another."""
        before = "each pass of this loop runs a coroutine on another event loop"
        story = (
            (client.made, f"`{client.name}` is made here, once"),
            (client.before, before if client.is_repeated else "its first event loop ends here"),
            *client.run.related(),
        )
        rank = self.known.of(Sent).rank(reached.task for reached in client.run.reached)
        cause = Cause((client.owner, client.name), rank)
        yield Finding(client.place, {"resource": client.name}, story, "turn", cause=cause)

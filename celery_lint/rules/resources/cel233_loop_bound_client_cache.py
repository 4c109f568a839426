"""CEL233 loop-bound-client-cache."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.resources.client_caches import ClientCache, ClientCaches
from celery_lint.rule import Finding, Rule, on


class LoopBoundClientCache(Rule):
    """A cache gives a task a client whose connections belong to the event loop of an earlier task.

    ## Why it matters

    A dictionary or a cached function at module level lives as long as the worker process. What a task's
    coroutine puts into it keeps connections that belong to the loop of that task. The next task finds the
    object, uses it on another loop and fails with *Event loop is closed* or *attached to a different loop*.
    It makes no difference whether the cache holds the client itself or an object that owns one.

    ## Example

    ```python
    import httpx
    from asgiref.sync import async_to_sync
    from celery import shared_task

    _clients = {}


    def client_of(tenant):
        if tenant not in _clients:
            _clients[tenant] = httpx.AsyncClient(headers={"tenant": tenant}, timeout=5)
        return _clients[tenant]


    async def ask(tenant, text):
        return await client_of(tenant).post("https://example.org", content=text)


    @shared_task(soft_time_limit=50, time_limit=60)
    def answer(tenant, text):
        return async_to_sync(ask)(tenant, text).text
    ```

    ## Use instead

    ```python
    import asyncio
    from weakref import WeakKeyDictionary

    import httpx
    from asgiref.sync import async_to_sync
    from celery import shared_task

    _clients = WeakKeyDictionary()


    def client_of(tenant):
        clients = _clients.setdefault(asyncio.get_running_loop(), {})
        if tenant not in clients:
            clients[tenant] = httpx.AsyncClient(headers={"tenant": tenant}, timeout=5)
        return clients[tenant]


    async def ask(tenant, text):
        return await client_of(tenant).post("https://example.org", content=text)


    @shared_task(soft_time_limit=50, time_limit=60)
    def answer(tenant, text):
        return async_to_sync(ask)(tenant, text).text
    ```

    One event loop that is kept for the life of the process makes the plain cache right.

    ## Limits

    Speaks of dictionaries and lists at module level and of functions under `cache` or `lru_cache`, filled by
    what a task's coroutine calls. The object must be seen to be a client or a pooled engine, or an instance
    of a class of the project with one in an attribute. Silent where the function that fills the cache asks
    for the running loop or is given one, and where the cache is emptied on the way. Caches in attributes of
    objects are not followed.

    ## References

    * <https://docs.python.org/3/library/asyncio-dev.html#concurrency-and-multithreading>
    * <https://github.com/piercefreeman/mountaineer/pull/112>: a cache of engines, by event loop
    """

    code = "CEL233"
    name = "loop-bound-client-cache"
    severity = "warning"
    preset = "recommended"
    message = "`{cache}` keeps `{client}` of a closed loop: later tasks get `Event loop is closed`"
    help = "key `{cache}` by the running loop, or keep one event loop per worker process"
    variants = {
        "function": (
            "`{cache}` gives every task a `{client}` bound to the first task's closed event loop",
            "make the object inside the coroutine, or keep one event loop per worker process",
        ),
    }
    proof = "tests/proofs/test_shared.py::test_a_cache_keeps_clients_of_a_closed_loop"

    @on(ClientCaches.all)
    def check(self, cache: ClientCache) -> Iterator[Finding]:
        """Report each cache once, where it is filled."""
        story = ((cache.run.place, "the coroutine is run here"), *cache.run.related())
        values = {"cache": cache.name, "client": cache.owner.rpartition(".")[2]}
        yield Finding(cache.place, values, story, "function" if cache.function else "")

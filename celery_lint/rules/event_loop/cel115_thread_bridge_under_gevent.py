"""CEL115 thread-bridge-under-gevent."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.handing_over import HandingOver, ThreadBridge
from celery_lint.inventory.tasks.task import reached_from
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class ThreadBridgeUnderGevent(Rule):
    """A task hands its coroutine to a thread, in a worker whose threads are greenlets.

    ## Why it matters

    A gevent or eventlet worker patches the standard library: what `ThreadPoolExecutor` or `threading.Thread`
    starts is a greenlet of the same thread, and asyncio allows one running loop in a thread. Of 20 tasks
    sent at once, 19 failed with *asyncio.run() cannot be called from a running event loop*.

    ## Example

    ```python
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from celery import Celery

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")


    def run_in_thread(coroutine):
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, coroutine).result()


    async def load(pk):
        return pk


    @app.task(time_limit=60)
    def refresh(pk):
        return run_in_thread(load(pk))
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery_lint.runtime import run_async

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")


    async def load(pk):
        return pk


    @app.task(time_limit=60)
    def refresh(pk):
        return run_async(load(pk))
    ```

    A native thread is no way out: the locks of `logging` are patched too, and of 200 tasks whose coroutines
    logged on a loop in a native thread, 168 hung. One loop in one greenlet of the process did not fail once.

    ## Limits

    Speaks only where the worker pool is known to be gevent or eventlet.

    ## References

    * <https://www.gevent.org/api/gevent.monkey.html>
    * <https://docs.python.org/3/library/asyncio-runner.html#asyncio.run>
    """

    code = "CEL115"
    name = "thread-bridge-under-gevent"
    severity = "warning"
    preset = "recommended"
    message = "`{runner}` in a thread raises RuntimeError once {pool} tasks overlap ({where})"
    help = "keep one event loop in one greenlet per worker process (`celery_lint.runtime.run_async`)"
    proof = "tests/proofs/test_event_loop.py::test_a_thread_of_an_executor_is_a_greenlet_too"

    @on(HandingOver.bridges)
    def check(self, bridge: ThreadBridge) -> Iterator[Finding]:
        """Report the call that starts the thread."""
        tasks = (way.task for way in bridge.reached)
        pool = self.known.of(Workers).running(("gevent", "eventlet"), tasks)
        if pool is not None:
            values = {"runner": bridge.runner, "pool": pool.name, "where": pool.where}
            others = (way.task for way in bridge.reached if way.task.function is not bridge.function)
            yield Finding(bridge.module.place(bridge.call.span), values, reached_from(others))

"""CEL128 async-bridge-under-gevent-asgiref."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class AsyncBridgeUnderGeventAsgiref(Rule):
    """A task uses asgiref's `async_to_sync` in a worker whose tasks share one thread.

    ## Why it matters

    `async_to_sync` refuses to work in a thread whose event loop is running. Under gevent and eventlet all
    tasks of a worker share one thread: of 20 tasks sent at once, 18 failed with *You cannot use AsyncToSync
    in the same thread as an async event loop*. In prefork, solo and threads workers it is a good bridge.

    ## Example

    ```python
    from asgiref.sync import async_to_sync
    from celery import Celery

    app = Celery("shop")
    app.conf.update(worker_pool="gevent")


    async def load(pk):
        return pk


    @app.task(time_limit=60)
    def refresh(pk):
        return async_to_sync(load)(pk)
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

    ## Limits

    Speaks only where the worker pool is known to be gevent or eventlet.

    ## References

    * <https://github.com/celery/celery/issues/7465>
    * <https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.async_to_sync>
    """

    code = "CEL128"
    name = "async-bridge-under-gevent-asgiref"
    severity = "warning"
    preset = "recommended"
    message = "`async_to_sync` raises RuntimeError once two {pool} tasks overlap ({where})"
    help = "keep one event loop in one greenlet per worker process (`celery_lint.runtime.run_async`)"
    proof = "tests/proofs/test_event_loop.py::test_async_to_sync_fails_beside_another"

    @on(Runs.all)
    def check(self, run: LoopRun) -> Iterator[Finding]:
        """Report each call."""
        if run.kind == "bridge":
            tasks = (reached.task for reached in run.reached)
            pool = self.known.of(Workers).running(("gevent", "eventlet"), tasks)
            if pool is not None:
                values = {"pool": pool.name, "where": pool.where}
                yield Finding(run.place, values, tuple(run.related()))

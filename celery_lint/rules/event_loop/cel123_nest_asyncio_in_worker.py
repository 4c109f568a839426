"""CEL123 nest-asyncio-in-worker."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.event_loop.nested_loops import LoopPatch, NestedLoops
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.running import Workers
from celery_lint.rule import Finding, Rule, on


class NestAsyncioInWorker(Rule):
    """A worker with a pool of greenlets applies nest_asyncio.

    ## Why it matters

    nest_asyncio lets one event loop run inside another that is running. All greenlets of a worker share one
    thread, so the loops of different tasks end up inside each other, and the outer ones stand still until
    the inner ones are done. Of 30 tasks with a database sent at once, 20 hung under gevent, and the worker
    could not be stopped; under eventlet 28 failed with *Second simultaneous read on fileno*. The package is
    archived.

    ## Example

    ```python
    import nest_asyncio
    from celery import Celery

    from reports import build

    nest_asyncio.apply()
    app = Celery("app")
    app.conf.worker_pool = "gevent"


    @app.task(time_limit=60)
    def refresh(pk):
        return build(pk)
    ```

    ## Use instead

    ```python
    from celery import Celery

    from reports import build

    app = Celery("app")
    app.conf.worker_pool = "gevent"


    @app.task(time_limit=60)
    def refresh(pk):
        return build(pk)
    ```

    Run coroutines on one event loop in one greenlet of the worker process.

    ## Limits

    Only where the worker pool is known as gevent or eventlet. In functions that tasks reach, and at the top
    level of modules that define tasks or that these import.

    ## References

    * <https://github.com/erdewit/nest_asyncio>
    """

    code = "CEL123"
    name = "nest-asyncio-in-worker"
    severity = "warning"
    preset = "recommended"
    message = "`nest_asyncio.apply()` nests event loops: {pool} tasks that overlap hang ({where})"
    help = "keep one event loop in one greenlet per worker process (`celery_lint.runtime.run_async`)"
    proof = "tests/proofs/test_event_loop.py::test_a_loop_that_is_entered_again_waits_twice"

    @on(NestedLoops.patches)
    def check(self, patch: LoopPatch) -> Iterator[Finding]:
        """Report each call, if the pool is one of greenlets."""
        pool = self.known.of(Workers).running(("gevent", "eventlet"), self.known.of(Tasks).all)
        if pool is not None:
            yield Finding(patch.place, {"pool": pool.name, "where": pool.where})

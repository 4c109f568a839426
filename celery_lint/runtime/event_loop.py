"""Await coroutines from synchronous Celery tasks, in every worker pool.

One event loop per worker process, made at the first call and so after the fork, and kept: engines and
clients that belong to a loop keep their connections from task to task.
"""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from celery_lint.runtime.owner import Finalizer, LoopOwner

T = TypeVar("T")

_owner: LoopOwner | None = None
_making = threading.Lock()
_finalizers: list[Finalizer] = []
#: What a fork inherits from its parent. Kept for ever: collecting it would close the parent's connections.
_inherited: list[object] = []


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the event loop of this process and return its result.

    The calling thread or greenlet waits; others of its worker go on. The coroutine sees the caller's context
    variables. What it raises is raised here, unchanged and with its traceback. If the caller is interrupted
    (a soft time limit, a revoke, a timeout of gevent, a shutdown) the coroutine is cancelled, and the
    interruption goes on once its ``finally`` blocks have run, or after five seconds.

    The coroutine runs in another thread or greenlet than the task: ``self.request`` and ``current_task`` are
    empty there. Read what it needs of them first, and call ``self.retry()`` in the task itself.

    Raises ``TypeError`` for anything but a coroutine, and ``RuntimeError`` when called from code that itself
    runs on this loop: ``await`` there.
    """
    if not inspect.iscoroutine(coroutine):
        raise TypeError(f"run_async() takes a coroutine, not {coroutine!r}; call the function")
    owner = _owner_of_this_process()
    if owner.runs_here():
        coroutine.close()
        raise RuntimeError("run_async() was called from its own event loop; use `await` there")
    result: T = owner.run(coroutine)
    return result


def _owner_of_this_process() -> LoopOwner:
    global _owner
    owner = _owner
    if owner is None or owner.closing:
        with _making:
            owner = _owner
            if owner is None or owner.closing:
                owner = _owner = LoopOwner(_finalizers)
    return owner


def on_shutdown(finalizer: Finalizer) -> Finalizer:
    """Register a coroutine function to be awaited on the loop before it closes; the last comes first."""
    _finalizers.append(finalizer)
    return finalizer


class per_process(Generic[T]):
    """An object that each worker process makes for itself at the first use, on its event loop.

    ``factory`` makes it (an engine, an HTTP client, a pool of connections), ``close`` is awaited with it
    before the loop ends. Call this object inside coroutines to get it::

        engine = per_process(lambda: create_async_engine(URL), AsyncEngine.dispose)

        async def load(pk):
            async with engine().connect() as connection: ...

    A forked child never sees the object of its parent, whose connections both would use.
    """

    def __init__(
        self, factory: Callable[[], T], close: Callable[[T], Awaitable[object]] | None = None
    ) -> None:
        self._factory = factory
        self._close = close
        self._held: tuple[int, T] | None = None
        if close is not None:
            on_shutdown(self._finalize)

    def __call__(self) -> T:
        held = self._held
        if held is None or held[0] != os.getpid():
            if held is not None:
                _inherited.append(held)
            self._held = held = (os.getpid(), self._factory())
        return held[1]

    async def _finalize(self) -> None:
        held, self._held = self._held, None
        if held is not None and held[0] == os.getpid() and self._close is not None:
            await self._close(held[1])


def shutdown(**_: object) -> None:
    """End the event loop of this process: cancel what runs, await the finalizers, close.

    Connected to both of Celery's signals for it: prefork sends ``worker_process_shutdown`` in each child,
    every other pool only ``worker_shutdown``. A later :func:`run_async` starts again with a new loop.
    """
    global _owner
    owner, _owner = _owner, None
    if owner is not None and owner.pid == os.getpid():
        owner.close()


def _after_fork() -> None:
    global _making, _owner
    _making = threading.Lock()
    if _owner is not None:
        _inherited.append(_owner)
        _owner = None


def _connect() -> None:
    try:
        from celery.signals import worker_process_shutdown, worker_shutdown
    except ImportError:  # usable in a script without Celery
        return
    worker_process_shutdown.connect(shutdown, weak=False)
    worker_shutdown.connect(shutdown, weak=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
_connect()

__all__ = ["on_shutdown", "per_process", "run_async", "shutdown"]

"""The thread or greenlet that owns the event loop of a worker process.

Which of the two is decided by how the process was started. Under gevent and eventlet every thread that Python
makes is a greenlet of one operating system thread, and the locks of ``logging`` are green as well: a loop in
a native thread there hangs as soon as a coroutine logs. So the loop runs in a greenlet where sockets are
green, and in a daemon thread everywhere else. Callers wait for a byte on a socket, which is green in exactly
the same places.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from celery_lint.runtime.green import Bell, green_spawn, identity

logger = logging.getLogger("celery_lint.runtime")

#: Seconds that a cancelled coroutine gets for its ``finally`` blocks before it is abandoned.
GRACE = 5.0
Finalizer = Callable[[], Awaitable[object]]


class Job:
    """One coroutine on its way through the loop."""

    __slots__ = ("abandoned", "bell", "cancelled", "context", "coroutine", "done", "error", "result", "task")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], bell: Bell) -> None:
        self.coroutine = coroutine
        self.context = contextvars.copy_context()
        self.bell = bell
        self.task: asyncio.Task[Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.cancelled = self.done = self.abandoned = False


class LoopOwner:
    """An event loop that runs until :meth:`close`, and the calls that wait for it."""

    def __init__(self, finalizers: list[Finalizer]) -> None:
        self.pid = os.getpid()
        self.closing = False
        self._finalizers = finalizers
        self._bells: deque[Bell] = deque()
        self._jobs: set[Job] = set()
        self._loop = asyncio.new_event_loop()
        self._identity: object = None
        self._failures: list[tuple[Finalizer, Exception]] = []
        self._ended = Bell()
        ready = Bell()
        spawn = green_spawn()
        if spawn is not None:
            spawn(self._main, ready)
        else:
            threading.Thread(target=self._main, args=(ready,), name="run_async", daemon=True).start()
        ready.wait()
        ready.close()

    # ------------------------------------------------------------ in the loop's thread or greenlet

    def _main(self, ready: Bell) -> None:
        self._identity = identity()
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(ready.ring)
        reason: BaseException | None = None
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._finish())
        except BaseException as error:
            reason = error
        finally:
            self.closing = True
            for job in list(self._jobs):
                self._end(job, RuntimeError(f"the event loop of this worker process has ended: {reason!r}"))
            self._loop.close()
            self._ended.ring()

    async def _finish(self) -> None:
        """Cancel what still runs, then await the finalizers, the last registered first."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for finalizer in reversed(self._finalizers):
            try:
                await finalizer()
            except Exception as error:
                self._failures.append((finalizer, error))
        await self._loop.shutdown_asyncgens()

    def _begin(self, job: Job) -> None:
        self._jobs.add(job)
        if job.cancelled:
            job.coroutine.close()
            self._end(job, asyncio.CancelledError())
            return
        # `create_task(context=…)` is newer than Python 3.10; a task always copies the context it is made in.
        job.task = job.context.run(self._loop.create_task, job.coroutine)
        job.task.add_done_callback(lambda task: self._collect(job, task))

    def _collect(self, job: Job, task: asyncio.Task[Any]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            job.result = task.result()
        self._end(job, error)

    def _end(self, job: Job, error: BaseException | None) -> None:
        job.error, job.task, job.done = error, None, True
        self._jobs.discard(job)
        if job.abandoned:
            job.bell.close()
        else:
            job.bell.ring()

    def _give_up(self, job: Job) -> None:
        """Nobody listens to the job's bell any more: it rings for no other, and whoever is last closes it."""
        job.abandoned = True
        if job.done:
            job.bell.close()

    def _cancel(self, job: Job) -> None:
        job.cancelled = True
        if job.task is not None:
            job.task.cancel()

    # ------------------------------------------------------------ in the thread or greenlet of a task

    def runs_here(self) -> bool:
        """Whether the caller itself runs on the loop; SQLAlchemy runs synchronous code in child greenlets."""
        current: Any = identity()
        while current is not None and current is not self._identity and current != self._identity:
            current = getattr(current, "parent", None)
        return current is not None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the loop and wait for it; see :func:`celery_lint.runtime.run_async`."""
        try:
            bell = self._bells.pop()
        except IndexError:
            bell = Bell()
        job = Job(coroutine, bell)
        self._loop.call_soon_threadsafe(self._begin, job)
        try:
            bell.wait()
        except BaseException:  # a soft limit, SystemExit of a revoke, gevent.Timeout, GreenletExit, Ctrl-C
            self._abandon(job)
            raise
        self._put_back(bell)
        if job.error is not None:
            try:
                raise job.error
            finally:
                del job  # the traceback would keep itself alive through it
        return job.result

    def _abandon(self, job: Job) -> None:
        """Cancel the coroutine of a caller that is being interrupted, and let it clean up."""
        if not job.done:
            self._loop.call_soon_threadsafe(self._cancel, job)
        try:
            job.bell.wait(GRACE)
        except OSError:
            logger.error("%r ignored its cancellation for %s s and is abandoned", job.coroutine, GRACE)
            self._loop.call_soon_threadsafe(self._give_up, job)
        else:
            self._put_back(job.bell)

    def _put_back(self, bell: Bell) -> None:
        self._bells.append(bell)
        if self.closing:
            self._close_bells()

    def _close_bells(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._bells.pop().close()

    def close(self, timeout: float = 10.0) -> None:
        """Stop the loop, await the finalizers, close it; gives up waiting after ``timeout`` seconds."""
        if self.closing:
            return
        self.closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        try:
            self._ended.wait(timeout)
            self._ended.close()
        except OSError:
            logger.error("the event loop of the worker process did not end within %s s", timeout)
        self._close_bells()
        for finalizer, error in self._failures:
            logger.error("%r failed while the worker process shut down", finalizer, exc_info=error)

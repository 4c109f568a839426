"""The thread or greenlet that owns the event loop of a worker process.

Which of the two is decided by how the process was started. Under gevent and eventlet every thread that Python
makes is a greenlet of one operating system thread, and the locks of ``logging`` are green as well: a loop in
a native thread there hangs as soon as a coroutine logs. So the loop runs in a greenlet where sockets are
green, and in a daemon thread everywhere else. Callers wait for a lock, which is green in the same places.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from celery_lint.runtime.call import Call, error_of, stopped
from celery_lint.runtime.green import Bell, Threads, threads
from celery_lint.runtime.watchdog import Watchdog

logger = logging.getLogger("celery_lint.runtime")

#: Seconds that a cancelled coroutine gets for its ``finally`` blocks, and each finalizer, before it is left.
GRACE = 5.0
Finalizer = Callable[[], Awaitable[object]]


class LoopOwner:
    """An event loop that runs until :meth:`close`, and the calls that wait for it."""

    def __init__(self, finalizers: list[Finalizer], blocked_after: float) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        #: No call is taken any more.
        self.closing = False
        self._finalizers = finalizers
        self._blocked_after = blocked_after
        self._finishing = False
        self._ended = False
        self._closer: Bell | None = None
        self._calls: set[Call] = set()
        self._failures: list[tuple[object, BaseException]] = []
        self._threads: Threads = threads()
        self._identity: object = None
        self._greenlet: Any = None
        self._native_id = threading.get_native_id()
        if self._threads.spawn is not None:
            self._greenlet = self._threads.spawn(self._main)
        else:
            threading.Thread(target=self._main, name="run_async", daemon=True).start()

    # ------------------------------------------------------------ in the loop's thread or greenlet

    def _main(self) -> None:
        self._identity = self._threads.identity()
        asyncio.set_event_loop(self.loop)
        watchdog: Watchdog | None = None
        reason: BaseException | None = None
        try:
            if self._blocked_after:
                watchdog = Watchdog(self.loop, self._threads, self._blocked_after)
            while not self._finishing:
                self._turn(self.loop.run_forever)
            finish = self.loop.create_task(self._finish())
            while not finish.done():
                self._turn(self.loop.run_until_complete, finish)
        except BaseException as error:
            reason = error
        finally:
            if os.getpid() == self.pid:  # in a forked child the callers are copies, and not to be woken
                self._conclude(reason)
                if watchdog is not None:
                    watchdog.stop()

    def _turn(self, run: Callable[..., object], *arguments: object) -> None:
        """Let the loop run until it is stopped or an exit comes through it, which ends nobody else."""
        try:
            run(*arguments)
        except Exception:
            raise
        except BaseException as error:
            if _is_kill(error):
                raise
            if isinstance(error, KeyboardInterrupt) and not self._belongs_to_a_call(error):
                for call in list(self._calls):  # under gevent and eventlet Ctrl-C may strike here
                    call.interrupted = error
                    self._cancel(call)
            elif not self._belongs_to_a_call(error):
                logger.error("%r left a background task of the event loop, which goes on", error)

    def _belongs_to_a_call(self, error: BaseException) -> bool:
        tasks = [call.task for call in self._calls if call.task is not None]
        return any(task.done() and not task.cancelled() and task.exception() is error for task in tasks)

    def _stop(self) -> None:
        self._finishing = True
        self.loop.stop()

    async def _finish(self) -> None:
        """Cancel what still runs, then await the finalizers, the last registered first; each has its time."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=GRACE)
            self._failures += [(task, TimeoutError(f"not cancelled within {GRACE} s")) for task in stubborn]
        for finalizer in reversed(self._finalizers):
            await self._within_grace(finalizer, finalizer)
        await self._within_grace("asynchronous generators", self.loop.shutdown_asyncgens)

    async def _within_grace(self, what: object, function: Finalizer) -> None:
        async def call() -> None:
            await function()

        task = asyncio.ensure_future(call())
        await asyncio.wait({task}, timeout=GRACE)
        if not task.done():
            task.cancel()
            self._failures.append((what, TimeoutError(f"not done within {GRACE} s")))
        elif task.cancelled():
            self._failures.append((what, asyncio.CancelledError()))
        elif (error := task.exception()) is not None:
            self._failures.append((what, error))

    def _conclude(self, reason: BaseException | None) -> None:
        self.closing = self._ended = True
        for call in list(self._calls):
            self._end(call, _ended(reason))
        self.loop.close()
        if self._closer is not None:
            self._closer.ring()

    def _begin(self, call: Call) -> None:
        if call.done:
            return
        if self._finishing:
            call.coroutine.close()
            self._end(call, _ended())
            return
        # `create_task(context=…)` is newer than Python 3.10; a task always copies the context it is made in.
        call.task = call.context.run(self.loop.create_task, call.run())
        call.task.add_done_callback(lambda task: self._collect(call, task))

    def _collect(self, call: Call, task: asyncio.Task[Any]) -> None:
        call.coroutine.close()  # one that was cancelled before it began
        error = error_of(task)
        if error is None:
            call.result = task.result()
        if call.interrupted is not None:
            if isinstance(error, Exception):
                logger.error("%r failed while it was cancelled", call.coroutine, exc_info=error)
            error = call.interrupted
        elif error is not None and not isinstance(error, Exception) and not self._finishing:
            error = stopped(call.coroutine, error)
        self._end(call, error)

    def _end(self, call: Call, error: BaseException | None) -> None:
        if not call.done:
            self._calls.discard(call)
            call.end(error)

    def _cancel(self, call: Call) -> None:
        if call.task is not None:
            call.task.cancel(f"{call.interrupted!r}")
        elif not call.done:
            call.coroutine.close()
            self._end(call, call.interrupted)

    # ------------------------------------------------------------ in the thread or greenlet of a task

    def runs_here(self) -> bool:
        """Whether the caller itself runs on the loop; SQLAlchemy runs synchronous code in child greenlets."""
        current: Any = self._threads.identity()
        if self._threads.spawn is None:
            return bool(current == self._identity)
        while current is not None and current is not self._identity:
            current = current.parent
        return current is not None

    def run(self, coroutine: Coroutine[Any, Any, Any], request: object) -> Any:
        """Run a coroutine on the loop and wait for it; see :func:`celery_lint.runtime.run_async`."""
        call = Call(coroutine, self._threads.bell(self._native_id), request)
        self._calls.add(call)
        if self._ended:  # whoever ends the loop looks at the calls after it has said so
            self._calls.discard(call)
            coroutine.close()
            raise _ended()
        try:
            self.loop.call_soon_threadsafe(self._begin, call)
            call.bell.wait()
        except BaseException as error:  # a soft limit, SystemExit of a revoke, GreenletExit, gevent.Timeout
            self._interrupt(call, error)
            raise
        try:
            return call.outcome()
        finally:
            del call  # an error's traceback would keep itself alive through it

    def _interrupt(self, call: Call, error: BaseException) -> None:
        """Cancel the coroutine of a caller that is being interrupted, and let it clean up."""
        if call.done:
            return
        call.interrupted = error
        with contextlib.suppress(RuntimeError):  # the loop has been closed, which has ended the call
            self.loop.call_soon_threadsafe(self._cancel, call)
        if not call.bell.wait(GRACE):
            logger.error("%r ignored its cancellation for %s s and is abandoned", call.coroutine, GRACE)

    def close(self, timeout: float = 10.0) -> None:
        """Stop the loop, await the finalizers, close it.

        Gives up after ``timeout`` seconds if something blocks the loop, and otherwise when the finalizers
        have had their time.
        """
        if self.closing:
            return
        self.closing = True
        self._closer = self._threads.bell(self._native_id)
        if not self._ended:
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._stop)
            ended = self._closer.wait(timeout)
            if not ended and self._finishing:
                ended = self._closer.wait(GRACE * (2 + len(self._finalizers)))
            if not ended:
                logger.error("the event loop of the worker process did not end: something blocks it")
        for what, error in self._failures:
            logger.error("%r failed while the worker process shut down", what, exc_info=error)

    def forsake(self) -> None:
        """In a forked child: let the parent's greenlet, which was copied, not read the parent's sockets.

        Only gevent makes its hub new in a child. eventlet's hub is one with the parent's, whatever we do.
        """
        if self._threads.library == "gevent":
            self._greenlet.kill(block=False)


def _ended(reason: BaseException | None = None) -> BaseException:
    """For a call that outlives its loop. At a shutdown the task's message should go back to the broker."""
    text = "the event loop of this worker process has ended"
    return asyncio.CancelledError(text) if reason is None else RuntimeError(f"{text}: {reason!r}")


def _is_kill(error: BaseException) -> bool:
    greenlet = sys.modules.get("greenlet")
    return greenlet is not None and isinstance(error, greenlet.GreenletExit)

"""Await coroutines from synchronous Celery tasks, in every worker pool.

One event loop per worker process, made at the first call and so after the fork, and kept: engines and
clients that belong to a loop keep their connections from task to task.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from celery_lint.runtime.call import REQUEST, CoroutineStopped
from celery_lint.runtime.owner import Finalizer, LoopOwner

T = TypeVar("T")

_owner: LoopOwner | None = None
_making = threading.Lock()
_finalizers: list[Finalizer] = []
_blocked_after = 5.0
#: The owners of parents. Kept forever: collecting their loops would close descriptors of the parent's.
_inherited: list[LoopOwner] = []


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the event loop of this process and return its result.

    The calling thread or greenlet waits; others of its worker go on. The coroutine sees the caller's context
    variables, and what it sets is set here afterwards. What it raises is raised here, unchanged and with its
    traceback; but for what is no ``Exception`` (``SystemExit``, ``KeyboardInterrupt``, a ``CancelledError``
    that comes from within), which is the cause of a :class:`CoroutineStopped`. Others on the loop go on.

    If the caller is interrupted (a soft time limit, a revoke, a timeout of gevent) the coroutine is
    cancelled, with the interruption as the text of its ``CancelledError``, and the interruption goes on once
    its ``finally`` blocks have run, or after five seconds. A loop that is ended under a call, which a worker
    does after its tasks, raises ``CancelledError`` here.

    What is not promised:

    * A coroutine that blocks keeps all others of its process waiting, and the next task as well when a limit
      has taken its caller away. After five seconds that is logged, see :func:`warn_when_blocked`.
    * Tasks that the coroutine starts and does not await (``asyncio.create_task``) run on while others use the
      loop, and end with it.
    * The coroutine runs in another thread or greenlet than the task: ``self.request`` and ``current_task``
      are empty there. :func:`current_request` has what they hold. Call ``self.retry()`` in the task itself.
    * In a child that a task has forked under eventlet, the event loop and everything else green still use the
      parent's sockets: start another program there (``subprocess``) and do not fork. gevent makes its own
      part new, and this one with it.

    Raises ``TypeError`` for anything but a coroutine, and ``RuntimeError`` when called from code that itself
    runs on this loop: ``await`` there.
    """
    if not inspect.iscoroutine(coroutine):
        raise TypeError(f"run_async() takes a coroutine, not {coroutine!r}; call the function")
    owner = owner_of_this_process()
    if owner.runs_here():
        coroutine.close()
        raise RuntimeError("run_async() was called from its own event loop; use `await` there")
    result: T = owner.run(coroutine, _request_of_the_caller())
    return result


def current_request() -> Any:
    """Inside a coroutine of :func:`run_async`: the request of the task that waits for it, or ``None``.

    What ``self.request`` is in the task: ``id``, ``retries``, ``headers`` and so on.
    """
    return REQUEST.get()


def _request_of_the_caller() -> Any:
    state = sys.modules.get("celery._state")
    task = state.get_current_task() if state is not None else None
    return None if task is None else task.request


def warn_when_blocked(after: float) -> None:
    """Log a warning with the stack when a coroutine has blocked the loop for so many seconds; 0 never does.

    Five seconds unless this is called, which has to be before the first :func:`run_async` of the process.
    Under gevent and eventlet the warning is written straight to the files and streams of the handlers: the
    locks of logging are for greenlets alone.
    """
    global _blocked_after
    if after < 0:
        raise ValueError(f"{after} is no number of seconds; 0 turns the warning off")
    _blocked_after = after


def owner_of_this_process() -> LoopOwner:
    """The owner of the loop, which is made if there is none or if it is about to end."""
    global _owner
    owner = _owner
    if owner is None or owner.closing:
        with _making:
            owner = _owner
            if owner is None or owner.closing:
                owner = _owner = LoopOwner(_finalizers, _blocked_after)
    return owner


def on_shutdown(finalizer: Finalizer) -> Finalizer:
    """Register a coroutine function to be awaited on the loop before it closes; the last comes first.

    Each gets five seconds. One that fails or takes longer is logged and keeps no other from its turn.
    """
    _finalizers.append(finalizer)
    return finalizer


def shutdown(**_: object) -> None:
    """End the event loop of this process: cancel what runs, await the finalizers, close.

    Connected to both of Celery's signals for it: prefork sends ``worker_process_shutdown`` in each child,
    every other pool only ``worker_shutdown``. A later :func:`run_async` starts again with a new loop.

    What is cancelled has five seconds to end, and each finalizer as many. A loop that is blocked is given up
    after ten seconds, without its finalizers.
    """
    global _owner
    owner, _owner = _owner, None
    if owner is not None and owner.pid == os.getpid():
        owner.close()


def _after_fork() -> None:
    global _making, _owner
    _making = threading.Lock()
    if _owner is not None:
        _owner.forsake()
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

__all__ = ["CoroutineStopped", "current_request", "on_shutdown", "run_async", "shutdown", "warn_when_blocked"]

"""Threads that are real and threads that are greenlets, told apart, and a wait that suits either.

gevent and eventlet replace what Python makes threads and locks of. What is looked up here is what they have
put in its place, or the original where that is what is needed, whichever names a program imported before.
"""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple


class Bell:
    """A lock that stays held until somebody rings; it costs no descriptor. It rings once."""

    __slots__ = ("_endless", "_lock")

    def __init__(self, lock: Any, endless: float | None) -> None:
        self._lock = lock
        self._endless = endless

    def ring(self) -> None:
        """Wake the one who waits, or will; never blocks, callable from any thread."""
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Block this thread or greenlet until the ring; whether it came within ``timeout`` seconds."""
        rung: bool = self._lock.acquire(timeout=self._endless if timeout is None else timeout)
        return rung


class Threads(NamedTuple):
    """What threads are in this process."""

    #: ``gevent``, ``eventlet``, or empty where they are real.
    library: str
    #: Start a greenlet with a function; ``None`` where threads are real.
    spawn: Callable[..., Any] | None
    #: A held lock that blocks no more than the greenlet that acquires it.
    held: Callable[[], Any]
    #: ``original("_thread", "start_new_thread")``: what Python itself calls so.
    original: Callable[[str, str], Any]

    def identity(self) -> object:
        """The thread or greenlet that runs this line."""
        return threading.get_ident() if self.spawn is None else sys.modules["greenlet"].getcurrent()

    def bell(self, rung_in: int) -> Bell:
        """A bell for the caller, which the operating system's thread ``rung_in`` will ring.

        Greenlets wait for one another in the thread that they share. Someone in another thread of the
        operating system (a thread pool of gevent's or eventlet's) blocks that one, as it would anyway.
        """
        if self.spawn is None or threading.get_native_id() != rung_in:
            return self.native_bell()
        return Bell(self.held(), None)

    def native_bell(self) -> Bell:
        """A bell for a thread of the operating system."""
        lock = self.original("_thread", "allocate_lock")()
        lock.acquire()
        return Bell(lock, -1)


def threads() -> Threads:
    """How this process was patched."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("socket"):
        from gevent.lock import Semaphore

        spawn = sys.modules["gevent"].spawn
        return Threads("gevent", spawn, lambda: Semaphore(0), gevent.get_original)
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("socket"):
        from eventlet.semaphore import Semaphore as GreenSemaphore

        spawn = sys.modules["eventlet"].spawn
        return Threads(
            "eventlet",
            spawn,
            lambda: GreenSemaphore(0),
            lambda module, name: getattr(eventlet.original(module), name),
        )
    return Threads("", None, _held, lambda module, name: getattr(sys.modules[module], name))


def _held() -> Any:
    lock = _thread.allocate_lock()
    lock.acquire()
    return lock

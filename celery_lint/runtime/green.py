"""Threads that are real and threads that are greenlets, told apart, and a wait that works in both."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable


def green_spawn() -> Callable[..., object] | None:
    """What starts a greenlet in this process, or ``None`` where threads are real."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("socket"):
        return sys.modules["gevent"].spawn  # type: ignore[no-any-return]
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("socket"):
        return sys.modules["eventlet"].spawn  # type: ignore[no-any-return]
    return None


def identity() -> object:
    """The thread or greenlet that runs this line."""
    if green_spawn() is None:
        return threading.get_ident()
    return sys.modules["greenlet"].getcurrent()


class Bell:
    """A byte on a socket: :meth:`wait` blocks its thread or greenlet until somebody rings."""

    __slots__ = ("_listener", "_ringer")

    def __init__(self) -> None:
        self._listener, self._ringer = socket.socketpair()

    def ring(self) -> None:
        """Wake the one who waits; never blocks, callable from any thread."""
        os.write(self._ringer.fileno(), b"\0")

    def wait(self, timeout: float | None = None) -> None:
        """Block until the next ring; raises ``OSError`` after ``timeout`` seconds."""
        self._listener.settimeout(timeout)
        self._listener.recv(1)

    def close(self) -> None:
        """Close both ends."""
        self._listener.close()
        self._ringer.close()

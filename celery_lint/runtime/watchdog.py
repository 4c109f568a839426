"""Tells of an event loop that does not come round, with the code that keeps it.

A coroutine that blocks (``time.sleep``, a synchronous client, a long computation) stops every other coroutine
of its process, and nothing says so: tasks are late, or their limits pass. A thread of its own looks whether
the loop has turned.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import sys
import time
import traceback
from types import FrameType
from typing import Any

from celery_lint.runtime.green import Threads

logger = logging.getLogger("celery_lint.runtime")

#: How often the loop has to be found standing before it is said: a process that was itself stopped and goes
#: on again is no blocked loop.
_LOOKS = 4
_FRAMES = 25


class Watchdog:
    """Made in the thread or greenlet of the loop, before the loop runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: Threads, after: float) -> None:
        self._loop = loop
        self._threads = threads
        self._interval = after / _LOOKS
        self._owner: Any = threads.identity()
        self._ident: int = threads.original("_thread", "get_ident")()
        self._turns = 0
        self._stop = threads.native_bell()
        # A record knows the thread that made it; in a native thread under gevent that would make a greenlet.
        self._record = logging.LogRecord(logger.name, logging.WARNING, __file__, 0, "", None, None)
        self._turn()
        threads.original("_thread", "start_new_thread")(self._watch, ())

    def stop(self) -> None:
        """Let the thread end."""
        self._stop.ring()

    def _turn(self) -> None:
        self._turns += 1
        self._loop.call_later(self._interval, self._turn)

    # ------------------------------------------------------------ in a thread of its own

    def _watch(self) -> None:
        seen, stood = self._turns, 0
        while not self._stop.wait(self._interval):
            if self._turns != seen:
                if stood >= _LOOKS:
                    self._say(f"the event loop goes on after about {stood * self._interval:.1f} s")
                seen, stood = self._turns, 0
                continue
            stood += 1
            if stood == _LOOKS:
                frame = self._blocking_frame()
                stack = "".join(traceback.format_stack(frame, _FRAMES)) if frame else "(no frame found)\n"
                seconds = stood * self._interval
                self._say(f"the event loop has been blocked for {seconds:.1f} s by:\n{stack.rstrip()}")

    def _blocking_frame(self) -> FrameType | None:
        """Where the loop stands: in a callback of its own, or behind a greenlet that lets nobody run."""
        running = sys._current_frames().get(self._ident)
        if self._threads.spawn is None:
            return running
        suspended: FrameType | None = self._owner.gr_frame
        frame = suspended
        while frame is not None:
            if frame.f_code.co_name == "_run" and frame.f_code.co_filename == asyncio.events.__file__:
                return suspended
            frame = frame.f_back
        return running

    def _say(self, message: str) -> None:
        """Log, and under gevent and eventlet without the locks of logging: a thread may not wait for them."""
        if self._threads.spawn is None:
            logger.warning(message)
            return
        record = copy.copy(self._record)
        record.msg, record.created = message, time.time()
        record.msecs = record.created % 1 * 1000
        place: logging.Logger | None = logger
        while place is not None:
            for handler in place.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.level <= record.levelno:
                    try:
                        line = f"{handler.format(record)}\n".encode(errors="replace")
                        os.write(handler.stream.fileno(), line)
                    except Exception:  # a stream that is no file: nothing is worth an error in this thread
                        continue
            place = place.parent if place.propagate else None

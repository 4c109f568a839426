"""A line on a terminal that says how far a long run has come."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

_PATIENCE = 1.0
_INTERVAL = 0.1
_CLEAR = "\r\x1b[K"


class Progress:
    """Called with what is being done, and of how many files; silent for the first second, and in pipes."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next = clock() + _PATIENCE
        self._shown = False
        self._phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = self._clock()
        begins = self._shown and phase != self._phase
        if (now < self._next and not begins) or not self._stream.isatty():
            return
        self._next = now + _INTERVAL
        self._shown, self._phase = True, phase
        counted = f" {done} of {total} files" if total else ""
        self._stream.write(f"{_CLEAR}celery-lint: {phase}{counted}")
        self._stream.flush()

    def clear(self) -> None:
        """Leave the terminal as it was."""
        if self._shown:
            self._shown = False
            self._stream.write(_CLEAR)
            self._stream.flush()

"""Which document is checked next, and which checks nobody waits for any more.

One check runs at a time, in a thread of its own: it needs the processor and not the network, and the engine
keeps what it knows for one asker. A newer question about a document makes an older one stale, whether that
still waits or already runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from celery_lint.engine import Stale

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Queue(Generic[Answer]):
    """Questions about documents, by address.

    ``prepare`` gets an address and whether the question has become stale, and gives the work to be done in
    the thread, or none; ``tell`` gets what came of it. Both run in the event loop. The work raises ``Stale``
    where it was given up; ``failed`` gets what else it raises.
    """

    def __init__(
        self,
        prepare: Callable[[str, Callable[[], bool]], Callable[[], Answer] | None],
        tell: Callable[[str, Answer], None],
        failed: Callable[[str, Exception], None],
    ) -> None:
        self._prepare = prepare
        self._tell = tell
        self._failed = failed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="celery-lint-check")
        self._turn = asyncio.Lock()
        self._latest: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, address: str, delay: float = 0.0) -> None:
        """Check a document after so many seconds, unless a newer question comes before."""
        number = self._latest[address] = self._latest.get(address, 0) + 1
        task = asyncio.get_running_loop().create_task(self._answer(address, number, delay))
        self._tasks.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._tasks.discard)

    def drop(self, address: str) -> None:
        """Nobody asks about this document any more."""
        self._latest[address] = self._latest.get(address, 0) + 1

    async def _answer(self, address: str, number: int, delay: float) -> None:
        def stale() -> bool:
            return self._latest.get(address) != number

        await asyncio.sleep(delay)
        async with self._turn:
            if stale():
                return
            work = self._prepare(address, stale)
            if work is None:
                return
            try:
                answer = await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except Stale:
                _log.debug("given up: %s", address)
                return
            except Exception as error:
                self._failed(address, error)
                return
        if not stale():
            self._tell(address, answer)

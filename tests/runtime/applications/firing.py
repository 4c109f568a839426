"""``python -m firing``: a scheduler that is killed where a file in the folder of traces asks for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

from application import MARKS
from fired import Sessions, fired

from celery_lint.runtime.bridge import Dispatched, TaskBridge
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.scheduler import Scheduler


class FatalBridge(TaskBridge):
    """Kills its process before or after it has sent something, once for each file that asks for it."""

    def dispatch(
        self,
        key: str,
        execution_id: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Dispatched:
        self._die("before")
        sent = super().dispatch(key, execution_id, arguments, **options)
        self._die("after")
        return sent

    def _die(self, when: str) -> None:
        for order in sorted(MARKS.glob(f"kill {when} *")):
            try:
                order.rename(MARKS / f"killed {order.name}")
            except FileNotFoundError:  # the other scheduler was asked as well
                continue
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Fire the jobs until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    scheduler = Scheduler(Jobs(Sessions, FatalBridge({"fired": fired})), poll=0.2, heartbeat=1, lease=2)
    while not stop.is_set():
        try:
            scheduler.start()
            break
        except Exception:
            stop.wait(0.5)
    stop.wait()
    scheduler.shutdown()


if __name__ == "__main__":
    main()

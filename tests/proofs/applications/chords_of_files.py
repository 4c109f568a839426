"""A chord with files as result backend, and a worker for it in one process: ``kept`` or ``ignored`` FOLDER.

Prints ``ran`` once the body has run, and ``waits`` where it has not long after all of the header has.
"""

from __future__ import annotations

import sys
import threading
import time

from celery import Celery, chord
from celery.contrib.testing.worker import start_worker

FORM, FOLDER = sys.argv[1:3]
LONG_AFTER = 8.0

app = Celery("files", broker="memory://", backend=f"file://{FOLDER}")
app.loader.import_module("celery.contrib.testing.tasks")
ended: list[int] = []
counted = threading.Event()


@app.task(ignore_result=FORM == "ignored")
def add(x: int, y: int) -> int:
    """One of the header."""
    ended.append(x)
    return x + y


@app.task
def count(sums: list[int]) -> None:
    """The body."""
    counted.set()


def main() -> None:
    """Send the chord and wait."""
    with start_worker(app, perform_ping_check=False, pool="solo"):
        chord([add.s(1, 2), add.s(3, 4)])(count.s())
        while len(ended) < 2:
            time.sleep(0.05)
        told = "ran" if counted.wait(LONG_AFTER if FORM == "ignored" else 60) else "waits"
        sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main()

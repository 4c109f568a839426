"""What tasks do to the worker's processes and threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

from application import app, mark
from celery import group


@app.task
def add(a: int, b: int) -> int:
    """Some work."""
    return a + b


@app.task
def starts_a_process() -> None:
    """A child of a child."""
    process = multiprocessing.Process(target=int)
    process.start()
    process.join()


@app.task
def starts_a_pool() -> None:
    """The same through an executor."""
    with ProcessPoolExecutor(max_workers=1) as executor:
        executor.submit(int).result()


@app.task
def sends_a_group() -> int:
    """The worker's own processes do it."""
    return len(group(add.s(1, 2) for _ in range(3)).apply_async().results)


def work(trace: str) -> None:
    """Takes longer than the process lives."""
    time.sleep(2)
    mark(trace)


@app.task
def leaves_a_thread(trace: str) -> int:
    """Ends before its thread."""
    threading.Thread(target=work, args=(trace,)).start()
    return os.getpid()


@app.task
def joins_its_thread(trace: str) -> int:
    """Waits for its thread."""
    thread = threading.Thread(target=work, args=(trace,))
    thread.start()
    thread.join()
    return os.getpid()


@app.task
def exits() -> None:
    """Ends the process."""
    sys.exit(3)


@app.task
def exits_at_once() -> None:
    """Ends the process without a word."""
    os._exit(0)


@app.task
def raises() -> None:
    """Ends the task."""
    raise ValueError("bad input")


@app.task
def sets_an_alarm() -> None:
    """The signal ends the process."""
    signal.alarm(1)
    time.sleep(10)


@app.task
def sets_a_handler() -> None:
    """Handlers belong to the main thread."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@app.task(soft_time_limit=1, time_limit=30)
def has_a_limit() -> None:
    """Celery's own alarm."""
    time.sleep(10)


@app.task(soft_time_limit=1, time_limit=30)
def has_the_limit_taken() -> str:
    """The same where a task has set a handler for the signal that brings the limit."""
    time.sleep(2)
    return "went on"


@app.task
def takes_the_signal_of_the_limit() -> None:
    """For itself and all later tasks of the process."""
    signal.signal(signal.SIGUSR1, lambda *_: None)


@app.task
def changes_the_folder() -> None:
    """Of the process."""
    os.chdir("/")


@app.task
def folder() -> str:
    """Where a relative path begins."""
    return os.getcwd()


seen: list[int] = []


@app.task
def remembers() -> tuple[int, int]:
    """In this process only."""
    time.sleep(0.1)
    seen.append(1)
    return os.getpid(), len(seen)

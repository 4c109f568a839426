"""A process that has imported what every worker imports, and forks one whenever a proof wants it.

Most of what a short proof costs is a Python that starts and imports Celery. Here it is done once for each
process that runs tests. What is forked goes on as ``python -m celery worker …`` does: arguments, variables,
paths, folder and session are its own, Celery's ``__main__`` is run, and it ends as a Python ends. No
application has been made, no loop, no thread, no connection, so none is inherited.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

#: Pools of greenlets patch Python before Celery is imported, and so start with nothing.
COLD = ("gevent", "eventlet")
#: What workers and the applications of proofs import; what is not installed is left to those who need it.
IMPORTED = (
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.worker.components",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "asyncpg",
    "psycopg2",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
)


class Forked:
    """A process that was forked, asked as ``subprocess.Popen`` is."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery = nursery
        self.pid = pid

    def poll(self) -> int | None:
        """The exit code, or ``None`` while it runs."""
        code: int | None = self.nursery.ask(ended=self.pid)
        return code

    def wait(self, timeout: float | None = None) -> int:
        """The exit code when it has ended. Raises ``subprocess.TimeoutExpired``."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("celery", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process, as those who want something of it see it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def ask(self, **question: Any) -> Any:
        """Put a question and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it; it goes when nobody can ask it any more."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


@cache
def nursery() -> Nursery:
    """That of this process."""
    made = Nursery()
    atexit.register(made.close)
    return made


def celery(
    pool: str, arguments: Sequence[str], variables: Mapping[str, str], folder: Path, log: Path
) -> Forked | subprocess.Popen[bytes]:
    """Start ``python -m celery`` with these arguments and only these variables.

    It leads a session of its own, and writes to the end of a file.
    """
    if pool in COLD:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "celery", *arguments],
                cwd=folder,
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    asked = {"arguments": list(arguments), "variables": dict(variables)}
    return Forked(nursery(), nursery().ask(start={**asked, "folder": str(folder), "log": str(log)}))


# ------------------------------------------------------------------------------------ in the process itself


def serve() -> None:
    """Answer until nobody asks; return early in what was forked."""
    outside = set(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    installed = [path for path in sys.path[1:] if path not in outside]
    for name in IMPORTED:
        with suppress(ImportError):
            importlib.import_module(name)
    codes: dict[int, int] = {}
    for line in sys.stdin.buffer:
        question = json.loads(line)
        answer: int | None
        if "start" in question:
            answer = _fork()
            if not answer:
                _become(question["start"], installed)
                return
        else:
            pid = question["ended"]
            if pid not in codes:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    codes[pid] = os.waitstatus_to_exitcode(status)
            answer = codes.get(pid)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    os._exit(0)


def _fork() -> int:
    """Like ``os.fork``; the child leads a session before anybody hears of it."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writable)
        os.read(readable, 1)
        os.close(readable)
    else:
        os.close(readable)
        os.setsid()
        os.close(writable)
    return pid


def _become(asked: dict[str, Any], installed: Iterable[str]) -> None:
    """Take on what ``python -m celery`` would have been started with."""
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(asked["variables"])
    time.tzset()
    os.chdir(asked["folder"])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [asked["folder"], *filter(None, paths), *installed]
    sys.argv[:] = ["celery", *asked["arguments"]]


if __name__ == "__main__":
    serve()
    # As `python -m celery` does it, and not from within the loop above: a Python ends when this ends.
    import runpy

    runpy.run_module("celery", run_name="__main__", alter_sys=True)

"""A process that has imported what many programs import, and forks one whenever a test wants it.

Most of what a short program costs is a Python that starts and imports. Here it is done once for each process
that runs tests. What is forked goes on as ``python -m NAME …`` does: arguments, variables, paths, folder,
streams and session are its own, the module is run as ``__main__``, and it ends as a Python ends. The process
itself has only imported: it has no thread, no connection and no loop, so none is inherited.
"""

from __future__ import annotations

import atexit
import gc
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
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process, as those who want something of it see it."""

    def __init__(self, modules: Iterable[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(
        self,
        module: str,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        folder: Path,
        streams: tuple[Path | str, Path | str, Path | str],
        tidy: bool = True,
    ) -> Forked:
        """Start ``python -m module`` with these arguments and only these variables.

        It leads a session of its own, reads the first of the streams and writes to the end of the others.
        Unless it is ``tidy`` it is gone once it has said all, and takes nothing apart at its end.
        """
        asked = {"tidy": tidy, "module": module, "arguments": list(arguments), "variables": dict(variables)}
        where = {"folder": str(folder), "streams": [str(stream) for stream in streams]}
        return Forked(self, self.ask(start={**asked, **where}))

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
def nursery(modules: tuple[str, ...]) -> Nursery:
    """That of this process for programs that import these modules, as far as they are installed."""
    made = Nursery(modules)
    atexit.register(made.close)
    return made


# ------------------------------------------------------------------------------------ in the process itself


def serve(modules: Iterable[str]) -> dict[str, Any]:
    """Answer until nobody asks; in what was forked, return early with what it is to become."""
    outside = set(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    installed = [path for path in sys.path[1:] if path not in outside]
    del sys.path[0]  # the folder of this file
    for name in modules:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else whoever collects in what was forked gets a copy of all that it only looks at
    codes: dict[int, int] = {}
    for line in sys.stdin.buffer:
        question = json.loads(line)
        answer: int | None
        if "start" in question:
            answer = _fork()
            if not answer:
                _become(question["start"], installed)
                started: dict[str, Any] = question["start"]
                return started
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
    """Take on what ``python -m`` would have been started with."""
    for number, path in enumerate(asked["streams"]):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT if number else os.O_RDONLY, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115 (who asked is not read on)
    os.environ.clear()
    os.environ.update(asked["variables"])
    time.tzset()
    os.chdir(asked["folder"])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [asked["folder"], *filter(None, paths), *installed]
    sys.argv[:] = [asked["module"], *asked["arguments"]]
    importlib.invalidate_caches()
    if not asked["tidy"]:
        gc.unfreeze()  # our own linter asks how much that is, and to count takes long


if __name__ == "__main__":
    asked = serve(sys.argv[1:])
    # As `python -m` does it, and not from within the loop above: a Python ends when this ends.
    import runpy

    try:
        runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if asked["tidy"] or isinstance(ended.code, str):
            raise
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(ended.code or 0))

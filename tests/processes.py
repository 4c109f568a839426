"""Programs that tests run: none outlives its test, and none is hurried."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.forking import nursery

HANGS = 1800.0
"""Seconds after which a program counts as hanging: no machine is ever that busy."""


class Done(NamedTuple):
    """What a program left behind: its exit code and what it wrote, as text."""

    code: int
    out: str
    err: str


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Done:
    """Run a program to its end. One that hangs takes the processes that it has started with it.

    ``environment`` comes on top of that of the tests. Raises ``subprocess.TimeoutExpired`` for a hang.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": encoding, **(environment or {})},
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=encoding,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(stdin, timeout=HANGS)
        except BaseException:
            end(process)
            raise
    return Done(process.returncode, out, err)


HOSTS = ("tests.host_imports",)


def run_module(
    name: str,
    *words: str,
    cwd: Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Like :func:`run` with ``python -m`` and the name of a host: forked where that can be."""
    if not hasattr(os, "fork"):
        return run([sys.executable, "-m", name, *words], cwd=cwd, stdin=stdin, environment=environment)
    variables = {**os.environ, **(environment or {})}
    with tempfile.TemporaryDirectory() as folder:
        given, out, err = (Path(folder, stream) for stream in ("in", "out", "err"))
        given.write_text(stdin or "", encoding="utf-8")
        process = nursery(HOSTS).start(name, words, variables, cwd, (given, out, err), tidy=False)
        try:
            code = process.wait(HANGS)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return Done(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill a program that leads a session of its own, and all that it has started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        process.kill()

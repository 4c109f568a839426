"""Programs that tests run: none outlives its test, and none is hurried."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

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


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill a program that leads a session of its own, and all that it has started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        process.kill()

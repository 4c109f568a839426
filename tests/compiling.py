"""Several processes compile a fresh checkout together: each a part of it, and not each of them all of it."""

from __future__ import annotations

import compileall
import importlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


def share(paths: Iterable[Path], number: int, of: int) -> list[Path]:
    """The part of one of several processes: by size, so that all are done at about the same time."""
    return sorted(paths, key=lambda path: (-path.stat().st_size, path))[number::of]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile a part of the linter, and import a part of the tests, which pytest compiles in its own way.

    Every process needs all of them in the end, and finds what the others have compiled. What is wrong with
    one is told when it is collected.
    """
    process = getattr(session.config, "workerinput", None)
    if process is None or sys.dont_write_bytecode:
        return
    number, of = int(process["workerid"].removeprefix("gw")), process["workercount"]
    for path in share((REPOSITORY / "celery_lint").rglob("*.py"), number, of):
        compileall.compile_file(path, quiet=2)
    folders = [Path(argument).absolute() for argument in session.config.args]
    asked = {path for folder in folders for path in folder.rglob("test_*.py")}
    for path in share(asked, number, of):
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))

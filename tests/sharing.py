"""What several processes of one test run would each find out is found once, and kept for the others."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

_folder: Path | None = None


def share_in(folder: Path) -> None:
    """Keep what is found in a folder of this test run, if it has several processes."""
    global _folder
    if "PYTEST_XDIST_WORKER" in os.environ:
        _folder = folder
        folder.mkdir(exist_ok=True)


def found_once(name: str, find: Callable[[], Found]) -> Found:
    """What ``find`` says, plain data; who asks meanwhile waits for it."""
    if _folder is None:
        return find()
    path = _folder / name.replace("/", " ")
    with path.with_name(f"{path.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            kept: Found = pickle.loads(path.read_bytes())
            return kept
        found = find()
        path.write_bytes(pickle.dumps(found))
        return found

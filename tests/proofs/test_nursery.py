"""A worker that is forked is what ``python -m celery`` would be."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.proofs import nursery

SHOWS = """\
import asyncio, json, os, sys, threading, time
from celery import Celery, _state
app = Celery("shows")
sys.stderr.write(json.dumps({
    "arguments": sys.argv,
    "name": __import__("__main__").__name__,
    "path": sys.path,
    "variables": dict(os.environ),
    "folder": os.getcwd(),
    "leads": os.getsid(0) == os.getpid(),
    "threads": threading.active_count(),
    "descriptors": sorted(os.listdir("/proc/self/fd"))[:3] if os.path.exists("/proc") else [],
    "zone": time.tzname,
    "applications": len(_state._apps),
    "current": _state.default_app is None,
}) + "\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork on Windows")
def test_a_forked_one_is_as_a_cold_one(tmp_path: Path) -> None:
    pytest.importorskip("celery")
    (tmp_path / "shows.py").write_text(SHOWS)
    variables = {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}/nowhere",
        "TZ": "America/New_York",
        "LC_ALL": "C.UTF-8",
    }
    said: dict[str, dict[str, Any]] = {}
    for pool in ("prefork", "gevent"):
        log = tmp_path / f"{pool}.log"
        # There is no such command: what was shown is followed by an error and an exit code.
        process = nursery.celery(pool, ["-A", "shows", "report", "--nonsense"], variables, tmp_path, log)
        assert process.wait() == 2
        first, *rest = log.read_text().splitlines()
        said[pool] = {**json.loads(first), "rest": rest}
    assert said["prefork"]["leads"]
    assert said["prefork"]["folder"] == str(tmp_path)
    assert said["prefork"] == said["gevent"]

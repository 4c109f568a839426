"""The page in a real browser: its script runs, and says what is known of a node."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from celery_lint.engine.graph.elements import Graph
from celery_lint.reports.graph.page import page
from tests.processes import run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")


def panel(graph: Graph, folder: Path, asked: str = "") -> str:
    """What the page shows beside the picture, once its script has run."""
    path = folder / "tasks.html"
    path.write_text(page(graph, "Tasks"), encoding="utf-8")
    address = f"{path.as_uri()}#{quote(asked, safe='')}" if asked else path.as_uri()
    words = [str(BROWSER), *FLAGS.split(), f"--user-data-dir={folder / 'browser'}"]
    done = run([*words, "--virtual-time-budget=2000", "--dump-dom", address], cwd=folder)
    assert done.code == 0, done.err
    found = re.search(r'<aside id="panel">(.*?)</aside>', done.out, re.DOTALL)
    assert found is not None
    return unescape(re.sub(r"<[^>]+>", "\n", found[1]))


def test_overview(graph: Graph, tmp_path: Path) -> None:
    said = panel(graph, tmp_path)
    assert "7 tasks" in said
    assert "certainly nobody sends it (1)" in said
    assert "certainly no task has this name (1)" in said


def test_a_task(graph: Graph, tmp_path: Path) -> None:
    said = panel(graph, tmp_path, "task:shop/tasks.py:collect")
    assert "shop.tasks.collect" in said
    for title in ("Diagnostics (1)", "Sent by (2)", "Runs after (1)", "Sends (2)", "Queue (1)"):
        assert title in said
    assert "CEL822 schedule-argument-mismatch" in said
    assert "acks_late" in said

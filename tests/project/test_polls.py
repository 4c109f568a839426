"""Tasks that beat sends every minute need not be run again: unless something else may send them."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

CODE = """import subprocess

from celery import Celery, chain, group

app = Celery("shop", broker="redis://localhost")


@app.task(reject_on_worker_lost=True, acks_late=True)
def look(number=1):
    subprocess.run(["look"], timeout=3)


@app.task
def close():
    print("closed")


app.conf.beat_schedule = {"look": {"task": "shop.look", "schedule": 60.0}}


def sell(amount):
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("close.delay()", False),
        ("look.delay(5)", True),
        ("look.s(5).delay()", True),
        ("chain(look.si(5), close.si()).delay()", True),
        ("group([look.s(each) for each in range(4)]).apply_async()", True),
        ("close.apply_async(link=look.s(4))", True),
        ("return look.s(amount)", True),
    ],
)
def test_polls(body: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(f"{CODE}    {body}\n\n\nsell(1)\n", encoding="utf-8")
    configuration = load(str(tmp_path), {"select": ["CEL521"], "cache": False})
    assert bool(engine.check_paths([str(tmp_path)], configuration).diagnostics) is expected

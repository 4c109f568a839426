"""What CEL212 says of a disposal that is skipped: the next run fails, or connections only stay open."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples

OPTIONS = '[tool.celery-lint]\nroot = true\npool = ["prefork"]\n'
TASKS = """import asyncio

from celery import shared_task
from celery.signals import task_prerun
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/shop")
loop = asyncio.new_event_loop()


async def load(pk):
    {before}async with engine.connect() as connection:
        found = await connection.get_isolation_level()
    await engine.dispose()
    return found


@shared_task
def refresh(pk):
    return {run}(load(pk))
"""
EMPTIED = """

@task_prerun.connect
def forget(**kwargs):
    engine.sync_engine.dispose(close=False)
"""
OWN = 'engine = create_async_engine("postgresql+asyncpg://localhost/own")\n    '


@pytest.mark.parametrize(
    ("run", "before", "after", "told"),
    [
        ("asyncio.run", "", "", "the next run fails"),
        ("loop.run_until_complete", "", "", "connections stay open"),
        ("asyncio.run", OWN, "", "connections stay open"),
        ("asyncio.run", "", EMPTIED, "connections stay open"),
    ],
)
def test_whose_connections_the_next_run_gets(
    tmp_path: Path, run: str, before: str, after: str, told: str
) -> None:
    text = TASKS.format(run=run, before=before) + after
    samples.write(tmp_path, {"pyproject.toml": OPTIONS, "tasks.py": text})
    report = engine.check_paths([str(tmp_path)], None, overrides={"cache": False, "select": ["CEL212"]})
    (found,) = report.diagnostics
    assert found.message.partition(": ")[2] == told

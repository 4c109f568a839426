"""Whose loop a script blocks: its own, unless something else runs there."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.libraries.asyncio import BESIDE_ONE, KEEPING_BUSY

SCRIPT = """import asyncio
{first}
from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0", backend="redis://localhost:6379/0")


@app.task(soft_time_limit=50, time_limit=60)
def score(pk):
    return pk


async def work():
    {before}
    return score.delay(1).get(timeout=30)


{last}
"""
PACKAGES = [
    "aio_pika", "aiogram", "aiohttp", "aiokafka", "discord", "nats", "telegram", "telethon", "uvicorn",
    "websockets",
]  # fmt: skip
BESIDE = [
    "asyncio.get_running_loop().add_reader(1, print)",
    "asyncio.as_completed([])",
    "asyncio.get_running_loop().call_later(1, print)",
    "asyncio.create_task(asyncio.sleep(1))",
    "asyncio.ensure_future(asyncio.sleep(1))",
    "await asyncio.gather()",
    "await asyncio.start_server(print)",
    "anyio.create_task_group().start_soon(print)",
    "asyncio.timeout(3)",
    "await asyncio.wait_for(asyncio.sleep(1), 3)",
]


def speaks(folder: Path, first: str = "", before: str = "pass", last: str = "asyncio.run(work())") -> bool:
    (folder / "script.py").write_text(SCRIPT.format(first=first, before=before, last=last), encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL121"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    "last",
    [
        "asyncio.run(work())",
        "if __name__ == '__main__':\n    asyncio.run(work())",
        "def main():\n    asyncio.new_event_loop().run_until_complete(work())\n\n\nmain()",
        "async def main():\n    return await work()\n\n\nasyncio.run(main())",
    ],
)
def test_it_blocks_nobody(tmp_path: Path, last: str) -> None:
    assert not speaks(tmp_path, last=last)


@pytest.mark.parametrize("last", ["handlers = [work]", "asyncio.run(work())\nserve(work)"])
def test_somebody_else_may_run_it(tmp_path: Path, last: str) -> None:
    assert speaks(tmp_path, "from shop.api import serve", last=last)


def test_a_client_keeps_the_loop_busy(tmp_path: Path) -> None:
    assert set(PACKAGES) == KEEPING_BUSY
    assert all(speaks(tmp_path, f"import {package}") for package in PACKAGES)


def test_something_runs_beside_it(tmp_path: Path) -> None:
    assert all(any(f"{end}(" in each for each in BESIDE) for end in BESIDE_ONE)
    assert all(speaks(tmp_path, "import anyio", before) for before in BESIDE)

"""A small project with one finding that needs two modules, for the tests of engine, cache and front ends."""

from __future__ import annotations

import os
import time
from pathlib import Path

FILES = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "Procfile": "worker: celery -A app worker -P gevent\n",
    "app/__init__.py": "",
    "app/celery.py": ('from celery import Celery\n\napp = Celery("app")\napp.conf.task_time_limit = 60\n'),
    "app/loops.py": "import asyncio\n\n\ndef run(coroutine):\n    return asyncio.run(coroutine)\n",
    "app/mail.py": (
        "from app.celery import app\n"
        "from app.loops import run\n\n\n"
        "async def send():\n"
        "    ...\n\n\n"
        "@app.task\n"
        "def deliver():\n"
        "    run(send())\n\n\n"
        "@app.task\n"
        "async def never():\n"
        "    ...\n"
    ),
    "app/quiet.py": "async def nobody():\n    ...  # speaks of nothing\n",
    "app/text.py": 'TEXT = "日本"  # from celery import nothing\n',
}
ASYNC_TASK = ("app/mail.py", 15, 11, "CEL111")


def write(folder: Path, files: dict[str, str] = FILES) -> Path:
    """Write the project, as old as if it had been there yesterday, so that times can be trusted."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    age(folder)
    return folder


def age(folder: Path) -> None:
    """Make everything an hour old."""
    old = time.time() - 3600
    for path in [*folder.rglob("*"), folder]:
        if path.exists():
            os.utime(path, (old, old))

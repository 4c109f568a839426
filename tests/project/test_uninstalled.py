"""Applications that nothing could start: Celery is not installed, and nothing has them in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.workers.loading.unrun import Unrun

APPLICATION = """from celery import Celery

queue = Celery("shop", broker="redis://localhost:6379/0")
queue.conf.update(
    task_time_limit=60,
    task_soft_time_limit=50,
    beat_schedule={"purge": {"task": "shop.orders.purge", "schedule": 3600.0}},
)

if __name__ == "__main__":
    queue.start()
"""
ORDERS = """from shop.background import queue


@queue.task(ignore_result=True)
def close():
    print("closed")
"""
PROJECT = {
    "shop/__init__.py": "",
    "shop/background.py": APPLICATION,
    "shop/orders.py": ORDERS,
    "requirements.txt": "fastapi==0.115.0\nredis==5.0.0\n# celery comes later\n",
    "README.md": "The shop has a Celery worker for what takes long.\n",
}


def says(folder: Path, files: dict[str, str]) -> bool:
    """Whether CEL723 tells of the entry for a task that is not there."""
    for name, text in (PROJECT | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"preset": "recommended", "cache": False})
    return [found.code for found in engine.check_paths([str(folder)], configuration).diagnostics] == [
        "CEL723"
    ]


def test_why_its_tasks_never_run(tmp_path: Path) -> None:
    says(tmp_path, {})
    known, _ = Workspace(str(tmp_path), load(str(tmp_path), {"cache": False})).linked()
    assert set(known.of(Unrun).all.values()) == {"uninstalled"}


def test_celery_is_not_installed_and_nothing_imports_the_application(tmp_path: Path) -> None:
    assert not says(tmp_path, {})
    assert not says(tmp_path, {"tests/test_orders.py": "from shop.background import queue\n"})
    extras = '[package.extras]\ncelery = ["celery (>=5)"]\n'
    assert not says(
        tmp_path, {"poetry.lock": f'[[package]]\nname = "sentry-sdk"\nversion = "2.0"\n\n{extras}'}
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "fastapi\ncelery[redis]==5.5.0\n"),
        ("requirements.txt", "fastapi\ndjango-celery-beat\n"),
        ("requirements.txt", "fastapi\nflower\n"),
        ("requirements.txt", "fastapi\nkombu\n"),
        ("requirements.txt", "fastapi\nredbeat\n"),
        ("README.md", "Type `pip install fastapi celery`.\n"),
        ("Dockerfile", "FROM python:3.12\nRUN uv add redis celery\n"),
        ("packages.txt", "fastapi\ncelery >= 5\n"),
        ("stack.yml", "- python\n- celery\n"),
        ("Procfile", "worker: celery -A shop.background worker -B\n"),
        ("Procfile", "clock: celery -A shop.background beat\n"),
        ("shop/main.py", "from shop.background import queue\n\nprint(queue)\n"),
        ("shop/api.py", "from .orders import close\n\n\ndef view():\n    return close\n"),
        ("shop/run.py", "from shop.background import queue\n\nqueue.worker_main(['worker'])\n"),
    ],
)
def test_something_may_have_it_in_use(tmp_path: Path, name: str, text: str) -> None:
    assert says(tmp_path, {name: text})


def test_where_nothing_lists_what_is_installed(tmp_path: Path) -> None:
    says(tmp_path, {})
    (tmp_path / "requirements.txt").unlink()
    configuration = load(str(tmp_path), {"preset": "recommended", "cache": False})
    assert engine.check_paths([str(tmp_path)], configuration).diagnostics

"""A project that has one of everything that a graph shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.engine.graph.elements import Graph

FILES = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/celery.py": """\
from celery import Celery
from celery.schedules import crontab

app = Celery("shop", broker="redis://localhost", include=["shop.tasks", "shop.mail"])
app.conf.task_routes = {"shop.mail.*": {"queue": "mail"}}
app.conf.beat_schedule = {
    "nightly": {"task": "shop.tasks.collect", "schedule": crontab(hour=2, minute=0)},
    "lost": {"task": "shop.tasks.colect", "schedule": 60.0},
}
""",
    "shop/mail.py": """\
from shop.celery import app


@app.task
def send_mail(to):
    print(to)
""",
    "shop/tasks.py": """\
import asyncio

from celery import chain, chord, group

from shop.celery import app
from shop.mail import send_mail
from shop.service import announce


@app.task(acks_late=True)
def collect(day):
    add.delay(1, 2)
    announce(day)


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def forgotten():
    forgotten.retry()


@app.task
def failed(request, error, traceback):
    print(error)


async def load():
    pass


@app.task
def refresh():
    asyncio.run(load())


def in_a_row():
    chain(add.s(1, 2), add.s(3), send_mail.s()).delay()
    (refresh.si() | collect.si("monday")).apply_async(queue="slow")


def all_at_once():
    chord(group(add.s(1, 1), add.s(2, 2)), total.s())()
    add.apply_async((1, 2), link=send_mail.s(), link_error=failed.s(), queue="quick")
""",
    "shop/service.py": """\
from shop.celery import app


def announce(day):
    app.send_task("shop.mail.send_mail", args=[day])
    app.send_task("billing.tasks.charge", args=[day])
""",
    "Procfile": """\
mail: celery -A shop worker -P gevent -Q mail
rest: celery -A shop worker -Q celery,quick
clock: celery -A shop beat
""",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    """A project of these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project."""
    return write(tmp_path_factory.mktemp("shop"), FILES)


@pytest.fixture(scope="session")
def graph(shop: Path) -> Graph:
    """Its graph."""
    return engine.graph_of([str(shop)])

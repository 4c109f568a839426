"""Tasks of an application that is ``None`` where they are made: their modules cannot be imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

MAKING = """from celery import Celery

app = None


def make():
    global app
    app = Celery("shop", broker="redis://localhost:6379/0")
    return app
"""
TASKS = """import requests

from shop.making import app


@app.task
def send(address):
    return requests.get(address).text
"""
PROJECT = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/making.py": MAKING,
    "shop/mails.py": TASKS,
    "shop/views.py": "from shop.mails import send\n\n\ndef view():\n    send.delay('')\n",
}


def speaks(folder: Path, changed: Mapping[str, str]) -> bool:
    for name, text in {**PROJECT, **changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"shop/mails.py": TASKS.replace("@app.task", "@app.task(ignore_result=True)")},
        {"shop/mails.py": TASKS.replace("from shop.making import app", "from .making import app")},
        {"shop/making.py": MAKING.replace("app = None", "app: Celery | None = None")},
        # the import of the package fails, so that of each module in it does
        {
            "shop/__init__.py": "from shop.cards import post\n",
            "shop/cards.py": TASKS.replace("send", "post"),
            "shop/mails.py": TASKS.replace("shop.making import app", "celery import shared_task").replace(
                "app.task", "shared_task"
            ),
        },
    ],
)
def test_there_is_no_task(tmp_path: Path, changed: Mapping[str, str]) -> None:
    assert not speaks(tmp_path, changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"shop/making.py": f"{MAKING}\n\nmake()\n"},
        {"shop/views.py": PROJECT["shop/views.py"].replace("view():\n", "view():\n    make()\n")},
        {"shop/wsgi.py": "from shop.making import make as application\n"},
        {"shop/settings.py": "FACTORY = 'shop.making.make'\n"},
        {"Procfile": "worker: celery -A shop.making:make worker\n"},
        {"shop/wsgi.py": "from shop import making\n\nmaking.app = making.Celery('shop')\n"},
        {"shop/making.py": MAKING.replace("app = None", "app = None\nif Celery:\n    app = Celery()")},
        {
            "shop/mails.py": TASKS.replace("@app.task\ndef", "if app:\n    @app.task\n    def").replace(
                "    return", "        return"
            )
        },
    ],
)
def test_there_may_be_one(tmp_path: Path, changed: Mapping[str, str]) -> None:
    assert speaks(tmp_path, changed)

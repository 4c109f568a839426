"""Tasks that are made in functions and methods which nothing calls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.workers.unsent import Unsent

SERVICE = """import requests
from celery import Celery


class Service:
    def __init__(self):
        self.app = Celery("shop", broker="redis://localhost")

    def make_fetching(self):
        @self.app.task(name="fetch", ignore_result=True)
        def fetch(address):
            requests.get(address)

        return fetch


service = Service()
"""
FACTORY = """import requests
from celery import Celery

app = Celery("shop", broker="redis://localhost")


def make_fetching():
    @app.task(name="fetch", ignore_result=True)
    def fetch(address):
        requests.get(address)

    return fetch
"""
PROJECT = {
    "shop/__init__.py": "",
    "shop/web.py": "from shop import background\n\nprint(background)\n",
    "Procfile": "worker: celery -A shop.background worker\n",
}


def speaks(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether a rule speaks in the task that may never be made."""
    for name, text in {**PROJECT, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize("background", [SERVICE, FACTORY])
def test_nothing_calls_what_would_make_it(tmp_path: Path, background: str) -> None:
    assert not speaks(tmp_path, {"shop/background.py": background})
    known, _ = Workspace(str(tmp_path), load(str(tmp_path), {"cache": False})).linked()
    unsent = known.of(Unsent)
    assert [unsent.why(task) for task in unsent.tasks.product] == ["unmade"]


def test_who_asks_for_one_name_calls_nothing_else(tmp_path: Path) -> None:
    web = "from shop.background import service\n\nif 'service' in globals():\n    print(service)\n"
    assert not speaks(tmp_path, {"shop/background.py": SERVICE, "shop/web.py": web})


@pytest.mark.parametrize(
    ("background", "path", "text"),
    [
        (SERVICE, "shop/web.py", "from shop.background import service\n\nservice.make_fetching()\n"),
        (SERVICE, "shop/web.py", "from shop.background import service\n\nmake = service.make_fetching\n"),
        (SERVICE, "shop/web.py", "from shop import background\n\ngetattr(background.service, NAME)()\n"),
        (SERVICE, "tests/test_shop.py", "from shop.background import service\n\nservice.make_fetching()\n"),
        (SERVICE, "README.md", "Call `service.make_fetching()` first.\n"),
        (FACTORY, "shop/web.py", "from shop.background import make_fetching\n\nfetch = make_fetching()\n"),
        (FACTORY, "shop/web.py", "from shop import background\n\nprint(background.make_fetching)\n"),
        (
            FACTORY,
            "shop/web.py",
            "from shop.background import *\n\nfor each in list(globals()): print(each)\n",
        ),
        (FACTORY + "\n\nmake_fetching()\n", "README.md", "The shop.\n"),
        (FACTORY.replace("make_", "register_"), "README.md", "The shop.\n"),
        (f"{FACTORY}\n\n__all__ = ['make_fetching']\n", "README.md", "The shop.\n"),
    ],
)
def test_something_may_call_it(tmp_path: Path, background: str, path: str, text: str) -> None:
    assert speaks(tmp_path, {"shop/background.py": background, path: text})

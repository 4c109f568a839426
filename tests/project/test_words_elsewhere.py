"""A word that other files say for something else: who means a function has it from its module."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

PROJECT = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/tasks.py": """from celery import Celery

app = Celery("shop")


@app.task
def push(order):
    print(order)


def deliver(order):
    print(order)
""",
    "shop/webhooks.py": """from shop.tasks import deliver


def dispatch(order):
    deliver.delay(order)


def signed(order):
    return order
""",
    "shop/web.py": "from shop.webhooks import signed\n\nprint(signed(1))\n",
}
DISPATCHING = "def handle(store):\n    store.dispatch(1)\n"
LOADING = "import importlib\n\n\ndef load(name):\n    return importlib.import_module(name)\n"
PLUGINS = "from importlib.metadata import entry_points\n\nPLUGINS = entry_points(group='shop')\n"


def speaks(folder: Path, files: dict[str, str]) -> bool:
    """Whether the function counts as one that something may call, beside these files."""

    for name, text in {**PROJECT, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL666"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/other.py", DISPATCHING),
        ("shop/other.py", f"from shop.webhooks import signed\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"from shop.webhooks import (\n    signed as sign,\n)\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"SIGN = 'shop.webhooks.signed'\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"def dispatch():\n    pass\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"class Shell:\n    def exec(self, command):\n        pass\n\n\n{DISPATCHING}"),
        ("ops/kick.py", "class Kick:\n    def dispatch(self):\n        pass\n"),
        ("shop/other.py", f"{PLUGINS}\n\n{DISPATCHING}"),
        ("README.md", "The workers dispatch what is sold.\n"),
    ],
)
def test_the_word_means_something_else(path: str, text: str, tmp_path: Path) -> None:
    assert not speaks(tmp_path, {path: text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("shop/other.py", "from shop.webhooks import dispatch\n\ndispatch(1)\n"),
        ("shop/other.py", "from shop.webhooks import (\n    dispatch as send,\n)\n\nsend(1)\n"),
        ("shop/other.py", f"from shop.webhooks import *\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"from shop import webhooks\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"import shop.webhooks as hooks\n\n\n{DISPATCHING}"),
        ("shop/other.py", "import shop.webhooks\n\nshop.webhooks.dispatch(1)\n"),
        ("shop/other.py", "SENDER = 'shop.webhooks.dispatch'\n"),
        ("shop/other.py", f"SENDERS = 'shop.webhooks'\n\n\n{DISPATCHING}"),
        ("shop/other.py", f"{LOADING}\n\n{DISPATCHING}"),
        ("README.md", "Then `dispatch` what is sold.\n"),
        ("README.md", "Then run dispatch(order) in a shell.\n"),
        ("docs/webhooks.rst", "The module webhooks can dispatch what is sold.\n"),
        ("jobs.yaml", "- dispatch\n"),
        ("Procfile", "clock: python -m shop.webhooks dispatch\n"),
    ],
)
def test_the_word_may_mean_the_function(path: str, text: str, tmp_path: Path) -> None:
    assert speaks(tmp_path, {path: text})


def test_what_a_distribution_offers(tmp_path: Path) -> None:
    offered = f"{PROJECT['pyproject.toml']}\n[project.entry-points.shop]\nhooks = 'shop.webhooks'\n"
    assert not speaks(tmp_path / "one", {"pyproject.toml": offered, "shop/other.py": DISPATCHING})
    assert speaks(tmp_path / "two", {"pyproject.toml": offered, "shop/other.py": PLUGINS + DISPATCHING})


def test_names_of_a_package(tmp_path: Path) -> None:
    """What stands in an ``__init__.py`` is imported by its neighbours without the name of the package."""
    own = PROJECT["shop/webhooks.py"]
    beside = {"shop/webhooks/__init__.py": own, "shop/webhooks.py": "", "shop/webhooks/a.py": DISPATCHING}
    assert speaks(tmp_path, beside)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("webhooks", False),
        ("transcriptions", False),
        ("subscriptions", False),
        ("hooks", True),
        ("scripts", True),
    ],
)
def test_names_of_modules_that_something_looks_into(stem: str, expected: bool, tmp_path: Path) -> None:
    files = {
        "shop/webhooks.py": "",
        f"shop/{stem}.py": PROJECT["shop/webhooks.py"],
        "shop/web.py": PROJECT["shop/web.py"].replace("webhooks", stem),
    }
    assert speaks(tmp_path, files) is expected

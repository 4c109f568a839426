"""Which modules of senders nothing imports: those that frameworks look for are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.workers.loading.unimported import Unimported

TASKS = """from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")


@app.task
def order(number):
    print(number)
"""
SENDING = """from shop.tasks import order


def sell(number):
    order.delay(number)
"""
PLAIN = "def sell(number):\n    return number\n"


def unimported(folder: Path, path: str, main: str = "", sending: str = SENDING) -> set[str]:
    """The modules that nothing imports, with a sender at this path, beside three that one module imports."""
    package = path.rpartition("/")[0]
    dotted = package.replace("/", ".")
    for name in ("first", "second", "third"):
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / f"{name}.py").write_text(PLAIN, encoding="utf-8")
    for above in (Path(package), *Path(package).parents):
        (folder / above / "__init__.py").touch()
    (folder / path).write_text(sending, encoding="utf-8")
    (folder / "shop/tasks.py").write_text(TASKS, encoding="utf-8")
    text = f"from {dotted} import first, second, third\n\nfirst.sell(1)\n{main}\n"
    (folder / "shop/main.py").write_text(text, encoding="utf-8")
    known, _ = Workspace(str(folder), load(str(folder), {"cache": False})).linked()
    return set(known.of(Unimported).all)


@pytest.mark.parametrize("name", ["bulk_scan", "more_tasks"])
def test_nothing_imports_it(tmp_path: Path, name: str) -> None:
    assert unimported(tmp_path, f"shop/api/{name}.py") == {f"shop/api/{name}.py"}


@pytest.mark.parametrize(
    "main",
    [
        "import shop.api.bulk_scan",
        "from shop.api.bulk_scan import sell",
        "from shop.api import *\nfrom .api import bulk_scan",
        "ROUTER = 'shop.api.bulk_scan:sell'",
        "import importlib\nimportlib.import_module(f'shop.api.{first}')",
        "import pkgutil\nfrom shop import api\n\nprint(list(pkgutil.iter_modules(api.__path__)))",
        "def later():\n    from .api.bulk_scan import sell\n    sell(1)",
        "URLS = include('shop.api.bulk_scan.urls')",
    ],
)
def test_something_may_import_it(tmp_path: Path, main: str) -> None:
    assert unimported(tmp_path, "shop/api/bulk_scan.py", main) == set()


@pytest.mark.parametrize(
    "sending",
    [
        f"{SENDING}\n\nsell(1)\n",
        f"{SENDING}\n\norder.delay(1)\n",
        f"{SENDING}\n\nif __name__ == '__main__':\n    sell(1)\n",
        f"from fastapi import FastAPI\n{SENDING}\n\napp = FastAPI()\n",
        f"{SENDING}\n\ndef main():\n    sell(1)\n",
    ],
)
def test_somebody_may_start_it(tmp_path: Path, sending: str) -> None:
    assert unimported(tmp_path, "shop/api/bulk_scan.py", sending=sending) == set()


@pytest.mark.parametrize(
    "name",
    [
        "bulk", "cms_apps", "cms_menus", "cms_plugins", "cms_toolbars", "search_indexes", "signal_handlers",
        "wagtail_hooks",
    ],
)  # fmt: skip
def test_frameworks_look_for_it(tmp_path: Path, name: str) -> None:
    assert unimported(tmp_path, f"shop/api/{name}.py") == set()


@pytest.mark.parametrize(
    "folder",
    [
        "bin", "commands", "cron", "dags", "management", "migrations", "plugins", "scripts", "templatetags",
        "tools", "versions",
    ],
)  # fmt: skip
def test_files_of_a_folder_are_started_one_by_one(tmp_path: Path, folder: str) -> None:
    assert unimported(tmp_path, f"shop/{folder}/bulk_scan.py") == set()


def test_a_sketch_shows_nothing(tmp_path: Path) -> None:
    assert unimported(tmp_path, "shop/api/bulk_scan.py", "\n") == {"shop/api/bulk_scan.py"}
    (tmp_path / "shop/main.py").write_text("from shop.api import first\n\nfirst.sell(1)\n", encoding="utf-8")
    known, _ = Workspace(str(tmp_path), load(str(tmp_path), {"cache": False})).linked()
    assert not known.of(Unimported).all


@pytest.mark.parametrize(
    "name", ["__init__", "api", "app", "asgi", "main", "router", "routers", "routes", "server", "wsgi"]
)
def test_who_imports_the_others_is_read(tmp_path: Path, name: str) -> None:
    assert unimported(tmp_path, "shop/api/bulk_scan.py") == {"shop/api/bulk_scan.py"}
    (tmp_path / "shop/main.py").replace(tmp_path / f"shop/{name}.py")
    known, _ = Workspace(str(tmp_path), load(str(tmp_path), {"cache": False})).linked()
    assert known.of(Unimported).all == {"shop/api/bulk_scan.py"}

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


@pytest.mark.parametrize("name", ["bulk", "bulk_scan", "more_tasks"])
def test_nothing_imports_it(tmp_path: Path, name: str) -> None:
    assert unimported(tmp_path, f"shop/api/{name}.py") == {f"shop/api/{name}.py"}


TRIED = """import importlib

def check(names):
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            raise
"""
BY_PATH = """from importlib import util
import os

PATH = "shop/rules.py"

def load(path):
    spec = util.spec_from_file_location("more", {})
    spec.loader.exec_module(util.module_from_spec(spec))
"""


@pytest.mark.parametrize(
    "main",
    [
        "import shop.api.bulk_scan",
        "from shop.api.bulk_scan import sell",
        "from shop.api import *\nfrom .api import bulk_scan",
        "ROUTER = 'shop.api.bulk_scan:sell'",
        "import importlib\nimportlib.import_module(f'shop.api.{first}')",
        f"{TRIED}    return [getattr(first, name) for name in names]\n",
        "import importlib\ntry:\n    importlib.import_module(first.NAME)\nexcept ImportError:\n    raise",
        "import importlib\nfound = importlib.import_module(first.NAME)",
        BY_PATH.format("path"),
        BY_PATH.format("os.path.join('shop', 'bulk_scan.py')"),
        "import pkgutil\nfrom shop import api\n\nprint(list(pkgutil.iter_modules(api.__path__)))",
        "def later():\n    from .api.bulk_scan import sell\n    sell(1)",
        "URLS = include('shop.api.bulk_scan.urls')",
    ],
)
def test_something_may_import_it(tmp_path: Path, main: str) -> None:
    assert unimported(tmp_path, "shop/api/bulk_scan.py", main) == set()


@pytest.mark.parametrize(
    "main",
    [
        TRIED,
        BY_PATH.format("os.path.join('shop', 'rules.py')"),
        BY_PATH.format("PATH"),
        BY_PATH.format("'shop/rules.py'"),
        "from importlib import machinery\n\nmachinery.SourceFileLoader('more', 'rules.py').load_module()",
        "import imp\n\nimp.load_source('more', pathname='shop/rules.py')",
    ],
)
def test_an_import_by_a_name_of_the_run_leads_elsewhere(tmp_path: Path, main: str) -> None:
    """It names another file, or tries only whether a module is there."""
    assert unimported(tmp_path, "shop/api/bulk_scan.py", main) == {"shop/api/bulk_scan.py"}


ROUTER = """from fastapi import APIRouter

from shop.tasks import order

router = APIRouter()


@router.post("/sell")
def sell(number):
    order.delay(number)
"""


def test_a_router_that_nothing_includes(tmp_path: Path) -> None:
    assert unimported(tmp_path, "shop/api/bulk.py", TRIED, ROUTER) == {"shop/api/bulk.py"}


@pytest.mark.parametrize(
    "sending",
    [
        "from shop import bus\n" + SENDING.replace("def sell", "@bus.subscribe\ndef sell"),
        f"{ROUTER}\n\nfrom shop.main import server\n\nserver.mount(router)\n",
        f"from shop.main import Plugin\n{SENDING}\n\nclass Selling(Plugin):\n    run = sell\n",
    ],
)
def test_what_an_import_hands_to_others(tmp_path: Path, sending: str) -> None:
    main = "\n\nclass Plugin:\n    pass\n"
    assert unimported(tmp_path, "shop/api/bulk.py", main, sending) == {"shop/api/bulk.py"}
    assert unimported(tmp_path, "shop/api/bulk.py", f"{TRIED}{main}", sending) == set()


def test_who_is_imported_by_such_a_module_alone(tmp_path: Path) -> None:
    """The whole chain is out of use; once somebody has its end, it is in use."""
    above = "from shop.api.bulk import sell\n\n\ndef view(request):\n    sell(1)\n"
    (tmp_path / "shop/api").mkdir(parents=True)
    (tmp_path / "shop/api/views_public.py").write_text(above, encoding="utf-8")
    both = {"shop/api/bulk.py", "shop/api/views_public.py"}
    assert unimported(tmp_path, "shop/api/bulk.py") == both
    assert unimported(tmp_path, "shop/api/bulk.py", "from shop.api.views_public import view") == set()
    assert unimported(tmp_path, "shop/api/bulk.py", "from shop.api.bulk import sell") == {
        "shop/api/views_public.py"
    }


def test_what_a_package_lists(tmp_path: Path) -> None:
    (tmp_path / "shop/api").mkdir(parents=True)
    (tmp_path / "shop/api/__init__.py").write_text('__all__ = ["bulk", "first"]\n', encoding="utf-8")
    assert unimported(tmp_path, "shop/api/bulk.py", "from shop.api import *") == set()


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
        "admin", "apps", "cms_apps", "cms_menus", "cms_plugins", "cms_toolbars", "models", "search_indexes",
        "signal_handlers", "urls",
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

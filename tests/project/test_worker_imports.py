"""What workers import: one import by a name that only the run knows makes every answer unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.options import Configuration

ALL = Configuration(preset="all", cache=False)
APPLICATION = """\
from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")
app.conf.update(task_time_limit=60, task_soft_time_limit=50)
"""
TASKS = "from celery import shared_task\n\n\n@shared_task(ignore_result=True)\ndef weekly():\n    print()\n"
VIEWS = "from reports import weekly\n\n\ndef view():\n    weekly.delay()\n"


def told(folder: Path, more: str = "", options: str = "", **files: str) -> bool:
    """Whether the module of the task is told to be imported by no worker."""
    texts = {"shop": APPLICATION + more, "reports": TASKS, "views": VIEWS, **files}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "Procfile").write_text(f"worker: celery -A shop worker{options}\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n", encoding="utf-8")
    found = {d.code for d in engine.check_paths([str(folder)], ALL).diagnostics}
    assert found <= {"CEL711"}
    return bool(found)


@pytest.mark.parametrize(
    "call",
    [
        "import importlib\n\nimportlib.import_module(input())\n",
        "__import__(input())\n",
        "from werkzeug.utils import import_string\n\nimport_string(input())\n",
        "from werkzeug.utils import find_modules\n\nfind_modules(input())\n",
        "import pkgutil\n\nlist(pkgutil.walk_packages())\n",
        "import pkgutil\n\nlist(pkgutil.iter_modules())\n",
        "def load(spec, module):\n    spec.loader.exec_module(module)\n",
        "def load(loader):\n    return loader.load_module()\n",
        "from celery.utils.imports import import_from_cwd\n\nimport_from_cwd(input())\n",
        "from celery.utils.imports import symbol_by_name\n\nsymbol_by_name(input())\n",
        "import runpy\n\nrunpy.run_path(input())\n",
        "import runpy\n\nrunpy.run_module(input())\n",
        "import imp\n\nimp.load_source(input())\n",
        "import pydoc\n\npydoc.locate(input())\n",
        "exec(input())\n",
        "from loading import autodiscover_modules\n\nautodiscover_modules('jobs')\n",
        "from scan import walk_modules\n\nwalk_modules('jobs')\n",
        "from importlib.metadata import entry_points\n\nlist(entry_points(group='jobs'))\n",
        "import pkg_resources\n\nlist(pkg_resources.iter_entry_points('jobs'))\n",
        "import pkg_resources\n\npkg_resources.load_entry_point('jobs', 'all', 'x')\n",
        "def load(manager):\n    manager.load_setuptools_entrypoints('jobs')\n",
    ],
)
def test_what_imports_by_a_name_of_the_run(tmp_path: Path, call: str) -> None:
    assert not told(tmp_path, call)


@pytest.mark.parametrize(
    "statement",
    [
        "import reports\n",
        "import reports as _\n",
        "from reports import weekly\n",
        "from reports import *\n",
        "def load():\n    import reports\n",
        "try:\n    import nothing as jobs\nexcept ImportError:\n    import reports as jobs\n",
        "app.autodiscover_tasks(['reports'])\n",
        "app.autodiscover_tasks(['shop'], related_name=None)\napp.conf.imports = ['reports']\n",
        "app.autodiscover_tasks()\n",
        "app.conf.include = input().split()\n",
    ],
)
def test_ways_to_a_module(tmp_path: Path, statement: str) -> None:
    assert not told(tmp_path, statement)


@pytest.mark.parametrize(
    "name",
    [
        "connexion",
        "django",
        "django_celery_beat",
        "frappe",
        "importscan",
        "invenio_base",
        "morepath",
        "odoo",
        "pyramid",
        "rest_framework",
        "scrapy",
        "stevedore",
        "venusian",
    ],
)
@pytest.mark.parametrize("statement", ["import {}\n", "from {}.config import Scanner\n"])
def test_frameworks_that_scan_packages(tmp_path: Path, name: str, statement: str) -> None:
    assert not told(tmp_path, statement.format(name))


def test_a_module_that_is_loaded_as_settings_are(tmp_path: Path) -> None:
    flask = "from flask import Flask\n\nflask = Flask('shop')\nflask.config.from_object('live.Live')\n"
    assert not told(tmp_path, flask, live="import reports\n\n\nclass Live:\n    DEBUG = False\n")
    assert told(tmp_path, flask, live="import json\n\n\nclass Live:\n    DEBUG = False\n")


def test_a_method_that_is_called_exec(tmp_path: Path) -> None:
    assert told(tmp_path, "def rows(session):\n    return session.exec('select 1')\n")


def test_a_way_through_a_file_that_has_nothing_to_do_with_celery(tmp_path: Path) -> None:
    assert not told(tmp_path, "import relay\n", relay="import reports\n")


@pytest.mark.parametrize(
    ("statement", "settings"),
    [
        ("app.config_from_object('settings')\n", "import reports\n\ntask_track_started = True\n"),
        (
            "app.config_from_object('settings:Live')\n",
            "import reports\n\n\nclass Live:\n    task_track_started = True\n",
        ),
        (
            "app.config_from_object('settings:LIVE')\n",
            "import reports\n\nLIVE = {'task_track_started': True}\n",
        ),
    ],
)
def test_the_module_that_settings_are_loaded_from(tmp_path: Path, statement: str, settings: str) -> None:
    assert not told(tmp_path, statement, settings=settings)


def test_a_module_of_settings_that_imports_something_else(tmp_path: Path) -> None:
    settings = "import json\n\ntask_track_started = True\n"
    assert told(tmp_path, "app.config_from_object('settings')\n", settings=settings)


@pytest.mark.parametrize(
    "options",
    [" -I reports", " --include=reports,json", " --include json,reports", " -Ireports", ' -I "$MODULES"'],
)
def test_modules_that_the_command_names(tmp_path: Path, options: str) -> None:
    assert not told(tmp_path, options=options)


def test_other_modules_that_the_command_names(tmp_path: Path) -> None:
    assert told(tmp_path, options=" -I json", json="")


def test_no_way(tmp_path: Path) -> None:
    assert told(tmp_path, "import relay\napp.autodiscover_tasks(['relay'])\n", relay="import json\n")

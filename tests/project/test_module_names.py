"""The names of modules and tasks, as Celery imports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from tests.samples import write

APP = "from celery import Celery\napp = Celery('shop'{})\n"
DJANGO = "CELERY_BROKER_URL = 'redis://localhost'\nINSTALLED_APPS = ['{}']\n"
TASK = "from .queue import app\n@app.task\ndef one(pk):\n    return pk\n"

CASES = {
    "include": (APP.format(", include=['app.tasks']"), {}, "app.tasks.one"),
    "imports": (APP.format("") + "app.conf.imports = ['app.tasks']\n", {}, "app.tasks.one"),
    "routes": (APP.format("") + "app.conf.task_routes = {'app.tasks.*': 'slow'}\n", {}, "app.tasks.one"),
    "old imports": (APP.format("") + "app.conf.update(CELERY_IMPORTS=('app.tasks',))\n", {}, "app.tasks.one"),
    "old include": (
        APP.format("") + "app.config_from_object({'CELERY_INCLUDE': ['app.tasks']})\n",
        {},
        "app.tasks.one",
    ),
    "command": (APP.format(""), {"Procfile": "worker: celery -A app.queue worker\n"}, "app.tasks.one"),
    "with an object": (
        APP.format(""),
        {"Procfile": "worker: celery -A app.queue:app worker\n"},
        "app.tasks.one",
    ),
    "by a point": (APP.format(""), {"Procfile": "worker: celery -A app.queue.app worker\n"}, "app.tasks.one"),
    "installed": (
        APP.format(""),
        {"backend/settings.py": DJANGO.format("app.shop"), "backend/app/shop/__init__.py": ""},
        "app.tasks.one",
    ),
    "a class of those": (
        APP.format(""),
        {"backend/settings.py": DJANGO.format("app.apps.Config"), "backend/app/apps.py": ""},
        "app.tasks.one",
    ),
    "not loaded": (APP.format("") + "CELERY_INCLUDE = ['app.tasks']\n", {}, "tasks.one"),
    "nothing": (APP.format(""), {}, "tasks.one"),
    "elsewhere": (APP.format(", include=['other.tasks']"), {}, "tasks.one"),
}


@pytest.mark.parametrize("case", CASES)
def test_names_of_tasks_outside_of_packages(tmp_path: Path, case: str) -> None:
    application, more, name = CASES[case]
    files = {"backend/app/queue.py": application, "backend/app/tasks.py": TASK, **more}
    folder = write(tmp_path, {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **files})
    described = engine.describe(str(folder), load(str(folder)))
    assert [task.name for task in described.tasks] == [name]
    roots = [entry.name for entry in described.import_roots]
    assert roots == (["backend"] if name.startswith("app.") else ["backend/app"])


RELATIVE = {
    "a package above": ({"backend/app/__init__.py": ""}, "from ..models import Row\n", "app.jobs.tasks.one"),
    "none above": ({}, "from ..models import Row\n", "app.jobs.tasks.one"),
    "in a function": (
        {},
        "def late():\n    from ..models import Row\n    return Row\n",
        "app.jobs.tasks.one",
    ),
    "nothing tells": ({"backend/app/__init__.py": ""}, "", "tasks.one"),
}


@pytest.mark.parametrize("case", RELATIVE)
def test_relative_imports_say_where_a_name_begins(tmp_path: Path, case: str) -> None:
    more, imported, name = RELATIVE[case]
    files = {
        "backend/app/jobs/queue.py": APP.format(""),
        "backend/app/jobs/tasks.py": imported + TASK,
        **more,
    }
    folder = write(tmp_path, {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **files})
    described = engine.describe(str(folder), load(str(folder)))
    assert [task.name for task in described.tasks] == [name]

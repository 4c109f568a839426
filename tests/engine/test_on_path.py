"""A folder comes onto the path, and goes: the cache and an editor say what a first run says."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.workspace import Workspace
from celery_lint.files import stamps
from scripts.edits import TICK, outcome
from tests.samples import write

SETTINGS = """\
import os
import sys

BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CELERY_BEAT_SCHEDULE = {"nightly": {"task": "orders.tasks.close_most", "schedule": 60.0}}
"""
ON_PATH = SETTINGS.replace("CELERY", "sys.path.append(os.path.join(BASE, 'apps'))\nCELERY")
FILES = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/celery.py": "from celery import Celery\n\napp = Celery('shop')\n"
    "app.config_from_object('shop.settings', namespace='CELERY')\n",
    "shop/settings.py": SETTINGS,
    "apps/__init__.py": "",
    "apps/orders/__init__.py": "",
    "apps/orders/models.py": "class Order:\n    pass\n",
    "apps/orders/tasks.py": "from celery import shared_task\nfrom orders.models import Order\n\n\n"
    "@shared_task\ndef close_all():\n    print(Order)\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(stamps, "RACY_NANOSECONDS", 0)
    return write(tmp_path / "project", FILES)


def said(project: Path) -> bool:
    """Whether a run with the cache speaks of the schedule; one without it says the same."""
    cached = outcome(project, cache=True)
    assert cached == outcome(project, cache=True) == outcome(project, cache=False)
    return "CEL723" in {each.code for each in cached.diagnostics}


def change(project: Path, name: str, text: str) -> None:
    time.sleep(TICK)
    (project / name).write_text(text, encoding="utf-8")
    time.sleep(TICK)


CHANGES = {
    "a line of code": ("shop/settings.py", ON_PATH, SETTINGS),
    "a launch file": ("Procfile", "worker: PYTHONPATH=apps celery -A shop worker -B\n", "# nothing\n"),
    "a module that nothing leads to": (
        "manage.py",
        "import os, sys\nsys.path.append(os.getcwd() + '/apps')\n",
        "import os\n",
    ),
}


@pytest.mark.parametrize("name, text, other", CHANGES.values(), ids=CHANGES)
def test_what_is_on_disk(project: Path, name: str, text: str, other: str) -> None:
    assert not said(project)
    change(project, name, text)
    assert said(project)
    change(project, name, other)
    assert not said(project)


def test_an_import_that_comes_and_goes(project: Path) -> None:
    change(project, "shop/settings.py", ON_PATH)
    tasks = FILES["apps/orders/tasks.py"]
    assert said(project)
    change(project, "apps/orders/tasks.py", tasks.replace("from orders", "from apps.orders"))
    assert not said(project)
    change(project, "apps/orders/tasks.py", tasks)
    assert said(project)


def test_a_buffer(project: Path) -> None:
    options = load(str(project), {"select": ["CEL723"]})

    def told(kept: Workspace, text: str, waited_for: bool) -> Report:
        return kept.report_of_text("shop/settings.py", text, True, (lambda: False) if waited_for else None)

    kept = Workspace(str(project), options)
    for text in (SETTINGS, ON_PATH, SETTINGS, ON_PATH + "\n\ndef unused():\n    ...\n", ON_PATH):
        report = told(kept, text, True)
        assert report == told(Workspace(str(project), options), text, False)
        assert bool(report.diagnostics) == (text != SETTINGS)

"""Which modules of tasks nothing imports: one way that leads to such a module, and its tasks run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

TASKS = """import requests
from celery import shared_task


@shared_task
def send(address):
    return requests.get(address).text
"""
PROJECT = {
    "Procfile": "worker: celery -A config worker\n",
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "config/__init__.py": "from .celery import app\n",
    "config/celery.py": """from celery import Celery
from django.conf import settings

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)
""",
    "config/settings.py": """CELERY_BROKER_URL = "redis://localhost:6379/0"
OWN = ["orders"]
INSTALLED_APPS = ["django.contrib.admin"] + OWN
""",
    "config/urls.py": "from mails.views import send_mail\n",
    "orders/__init__.py": "",
    "orders/tasks.py": TASKS,
    "mails/__init__.py": "",
    "mails/apps.py": "from django.apps import AppConfig\n",
    "mails/views.py": "def send_mail(request):\n    return None\n",
    "mails/tasks.py": TASKS,
}
SETTINGS = PROJECT["config/settings.py"]
APPLICATION = PROJECT["config/celery.py"]


def speaks(folder: Path, changed: Mapping[str, str]) -> bool:
    """Whether a rule speaks in the tasks of the module that nothing imports; it does in the others."""
    for name, text in {**PROJECT, **changed}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    found = {Path(d.path).parent.name for d in engine.check_paths([str(folder)], configuration).diagnostics}
    assert found - {"mails"} == {"orders"}
    return "mails" in found


IMPORTING = "from importlib import import_module\n\n\ndef load(name):\n"
PATHS = "PATHS = ['orders.tasks', 'orders.views']\n"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"config/celery.py": APPLICATION.replace("lambda: settings.INSTALLED_APPS", "")},
        {
            "config/celery.py": APPLICATION.replace(
                "lambda: settings.INSTALLED_APPS", "settings.INSTALLED_APPS"
            )
        },
        {"config/celery.py": APPLICATION.replace("lambda: settings.INSTALLED_APPS", "['orders']")},
        {"config/settings.py": f"{SETTINGS}INSTALLED_APPS += ['stores.apps.Stores']\n"},
        {"config/settings.py": f"{SETTINGS}INSTALLED_APPS.insert(0, 'debug_toolbar')\n"},
        {"config/settings.py": f"{SETTINGS}MIDDLEWARE = []\nMIDDLEWARE.extend(FOUND)\n"},
        {"config/settings.py": f"{SETTINGS}MAILS = 'mails'\n"},
        # Celery looks for `mails.apps.tasks` where it is told the name of the class
        {"config/settings.py": SETTINGS.replace('"orders"', '"orders", "mails.apps.Mails"')},
        {"tests/test_mails.py": "from mails.tasks import send\n\n\ndef test_it():\n    send('')\n"},
        {"config/loading.py": "from importlib import import_module\n\nimport_module('orders.tasks')\n"},
        {"config/routes.py": "from orders.tasks import send\n\nsend.delay('mails')\n"},
        {"config/loading.py": f"{IMPORTING}    for path in PATHS:\n        import_module(path)\n\n\n{PATHS}"},
    ],
)
def test_nothing_imports_it(tmp_path: Path, changed: Mapping[str, str]) -> None:
    assert not speaks(tmp_path, changed)


@pytest.mark.parametrize(
    "changed",
    [
        # installed
        {"config/settings.py": SETTINGS.replace('"orders"', '"orders", "mails"')},
        {
            "config/settings.py": SETTINGS.replace('"orders"', '"orders", "mails.apps.Mails"'),
            "config/celery.py": APPLICATION.replace("lambda: settings.INSTALLED_APPS", ""),
        },
        {"config/settings.py": SETTINGS.replace('"orders"', '"orders", "mails.Mails"')},
        {"config/settings.py": f"{SETTINGS}INSTALLED_APPS += ['mails']\n"},
        {"config/settings.py": f"{SETTINGS}INSTALLED_APPS.append('mails')\n"},
        {"config/settings.py": f"{SETTINGS}OWN.insert(0, 'mails')\n", "config/celery.py": APPLICATION},
        {"config/settings.py": f"{SETTINGS}INSTALLED_APPS.extend(found())\n"},
        {"config/settings.py": SETTINGS.replace('["orders"]', "os.environ['OWN'].split()")},
        {"config/settings.py": SETTINGS.replace('["orders"]', "[*found()]")},
        {"config/live.py": "from config.settings import *\n\nINSTALLED_APPS += ['mails']\n"},
        # searched for
        {"config/celery.py": APPLICATION.replace("settings.INSTALLED_APPS", "found()")},
        {"config/celery.py": APPLICATION.replace("lambda: settings.INSTALLED_APPS", "['orders', 'mails']")},
        {"config/celery.py": APPLICATION.replace("INSTALLED_APPS)", "INSTALLED_APPS, related_name=NAME)")},
        # imported
        {"config/urls.py": "from mails.tasks import send\n"},
        {"config/urls.py": "from mails import tasks\n"},
        {"config/urls.py": "def view():\n    import mails.tasks\n"},
        {"mails/views.py": "from .tasks import send\n"},
        {"mails/views/web.py": "from ..tasks import send\n"},
        {"mails/views.py": "def send_mail():\n    from . import tasks\n"},
        # named
        {"Procfile": "worker: celery -A config worker -I mails.tasks\n"},
        {"config/celery.py": f"{APPLICATION}app.conf.imports = ['mails.tasks']\n"},
        {"config/settings.py": f"{SETTINGS}CELERY_IMPORTS = ('mails.tasks',)\n"},
        {"config/loading.py": "from importlib import import_module\n\nimport_module('mails.tasks')\n"},
        {"config/loading.py": f"{IMPORTING}    return import_module(f'{{name}}.tasks')\n"},
        {"config/loading.py": f"{IMPORTING}    for path in name:\n        import_module(path)\n\n\n{PATHS}"},
        {
            "config/loading.py": f"{IMPORTING}    for path in PATHS:\n        import_module(path)\n\n\n"
            "PATHS = ['orders.tasks', 'mails.tasks']\n"
        },
        {"config/loading.py": "import pkgutil\n\nimport mails\n\npkgutil.walk_packages(mails.__path__)\n"},
        {
            "config/loading.py": (
                "import os\nfrom importlib import import_module\n\n\ndef load():\n"
                "    for name in os.listdir('mails'):\n        import_module(f'mails.{name}')  # tasks\n"
            )
        },
        # sent or started by somebody
        {"config/urls.py": "from config.celery import app\n\napp.send_task('mails.tasks.send')\n"},
        {"mails/tasks.py": f"{TASKS}\n\nif __name__ == '__main__':\n    send('')\n"},
        {"Procfile": "web: gunicorn config.wsgi\n"},
        {"Procfile": "worker: celery -A config worker $OPTIONS\n"},
        # by a framework
        {"config/urls.py": "from pyramid.config import Configurator  # celery\n"},
    ],
)
def test_something_may_import_it(tmp_path: Path, changed: Mapping[str, str]) -> None:
    assert speaks(tmp_path, changed)


LOADS = "spec_from_file_location"
READS = "SourceFileLoader"
PACKAGE = {"orders/tasks/__init__.py": TASKS, "orders/tasks.py": TASKS.replace("send", "send_again")}


@pytest.mark.parametrize(
    ("more", "lines"),
    [
        ({}, {"orders/tasks/__init__.py"}),
        ({"Procfile": "web: gunicorn config.wsgi\n"}, {"orders/tasks/__init__.py"}),
        (
            {"config/loading.py": f"from importlib.machinery import {READS}\n\n{READS}('tasks', PATH)\n"},
            {"orders/tasks/__init__.py", "orders/tasks.py"},
        ),
        (
            {"config/loading.py": f"from importlib.util import {LOADS}\n\n{LOADS}('tasks', PATH)\n"},
            {"orders/tasks/__init__.py", "orders/tasks.py"},
        ),
        (
            {"orders/tasks.py": f"{TASKS}\n\nif __name__ == '__main__':\n    send('')\n"},
            {"orders/tasks/__init__.py", "orders/tasks.py"},
        ),
    ],
)
def test_a_package_of_the_same_name_is_imported_instead(
    tmp_path: Path, more: Mapping[str, str], lines: set[str]
) -> None:
    for name, text in {**PROJECT, **PACKAGE, **more}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    configuration = load(str(tmp_path), {"select": ["CEL526"], "cache": False})
    found = engine.check_paths([str(tmp_path)], configuration).diagnostics
    assert {Path(d.path).relative_to(tmp_path).as_posix() for d in found} - {"mails/tasks.py"} == lines

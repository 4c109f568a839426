"""Settings for production that need no worker: what is true of workers alone is not told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

PRODUCTION = """from shop.settings.base import *

CELERY_BROKER_URL = None
CELERY_TASK_ALWAYS_EAGER = True
"""
PROJECT = {
    "Procfile": "worker: celery -A shop worker\n",
    "shop/__init__.py": "from shop.celery import app\n",
    "shop/celery.py": """from celery import Celery

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
    "shop/settings/__init__.py": "from shop.settings.base import *\n",
    "shop/settings/base.py": """CELERY_BROKER_URL = "redis://localhost:6379/0"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
""",
    "shop/settings/production.py": PRODUCTION,
    "orders/__init__.py": "",
    "orders/tasks.py": """import subprocess

from celery import shared_task


@shared_task
def close(order):
    return subprocess.run(["close", order])


@shared_task(acks_late=True, reject_on_worker_lost=True)
def pack(order):
    return order
""",
}


def said(folder: Path, changed: Mapping[str, str]) -> set[str]:
    """What is said of the project with other files, and without those that have no text."""
    for name, text in {**PROJECT, **changed}.items():
        if not text and "settings" in name:
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL510", "CEL521"], "cache": False})
    return {found.code for found in engine.check_paths([str(folder)], configuration).diagnostics}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("production", PRODUCTION),
        ("prod", PRODUCTION),
        ("prd", PRODUCTION),
        ("live", PRODUCTION),
        ("production", PRODUCTION.replace("None", "'memory://'")),
        ("production", PRODUCTION.replace("None", "'cache+memory://'")),
    ],
)
def test_production_has_no_workers(tmp_path: Path, name: str, text: str) -> None:
    assert said(tmp_path, {"shop/settings/production.py": "", f"shop/settings/{name}.py": text}) == set()


@pytest.mark.parametrize(
    "changed",
    [
        {"shop/settings/production.py": PRODUCTION.replace("None", "'redis://broker:6379/0'")},
        {"shop/settings/production.py": PRODUCTION.replace("= None", "= os.environ.get('BROKER')")},
        {"shop/settings/production.py": PRODUCTION.replace("= True", "= os.environ.get('EAGER')")},
        {"shop/settings/production.py": PRODUCTION.replace("= True", "= False")},
        {"shop/settings/production.py": PRODUCTION.replace("CELERY_BROKER_URL = None\n", "")},
        {"shop/settings/production.py": f"{PRODUCTION}if URL:\n    CELERY_BROKER_URL = URL\n"},
        {"shop/settings/live.py": "from shop.settings.base import *\n"},
        {"shop/settings/production.py": "", "shop/settings/development.py": PRODUCTION},
        {
            "shop/settings/production.py": "",
            "shop/settings/base.py": f"{PROJECT['shop/settings/base.py']}{PRODUCTION}",
        },
    ],
)
def test_production_may_have_workers(tmp_path: Path, changed: Mapping[str, str]) -> None:
    assert said(tmp_path, changed) == {"CEL510", "CEL521"}

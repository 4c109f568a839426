"""Mails of Django that wait for a server without an end: by which server and by which connection they go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

SETTINGS = """import os

from decouple import config

INSTALLED_APPS = ["orders"]
CELERY_BROKER_URL = "redis://localhost"
"""
REMOTE = 'EMAIL_HOST = "smtp.example.org"\n'
TASKS = """from celery import shared_task
from django.core.mail import EmailMessage, send_mail
from django.core.mail.backends import smtp


@shared_task
def tell(number):
"""
SEND = '    send_mail("order", "sent", "shop@example.org", ["a@example.org"])\n'
CELERY = """import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""


def speaks(folder: Path, settings: str, body: str, more: Mapping[str, str] | None = None) -> bool:
    files = {
        "portal/__init__.py": "",
        "portal/celery.py": CELERY,
        "portal/settings.py": SETTINGS + settings,
        "orders/__init__.py": "",
        "orders/tasks.py": TASKS + body,
        "orders/views.py": "from orders.tasks import tell\n\n\ndef order(request):\n    tell.delay(1)\n",
        **(more or {}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL526"], "cache": False})
    return bool(engine.check_paths([str(folder)], configuration).diagnostics)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ('"smtp.example.org"', True),
        ('os.environ["EMAIL_HOST"]', True),
        ('config("EMAIL_HOST")', True),
        ('os.environ.get("EMAIL_HOST", "smtp.example.org")', True),
        ('"localhost"', False),
        ("None", False),
        ('os.environ.get("EMAIL_HOST")', False),
        ('os.getenv("EMAIL_HOST")', False),
        ('os.environ.get("EMAIL_HOST", "localhost")', False),
        ('os.getenv("EMAIL_HOST", default="127.0.0.1")', False),
        ('os.environ.get("EMAIL_HOST") or "localhost"', False),
        ('config("EMAIL_HOST", default="localhost")', False),
        ('config("EMAIL_HOST", default=None)', False),
    ],
)
def test_servers(host: str, expected: bool, tmp_path: Path) -> None:
    assert speaks(tmp_path, f"EMAIL_HOST = {host}\n", SEND) is expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("other/conf.py", REMOTE),
        ("orders/extra.py", f"class Conf:\n    {REMOTE}"),
    ],
)
def test_what_django_does_not_load(path: str, text: str, tmp_path: Path) -> None:
    tasks = f"{TASKS}{SEND}"
    assert not speaks(tmp_path, "", SEND, {path: f"{tasks}\n\n{text}"})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('    EmailMessage("a", "b", "c", ["d"]).send()\n', True),
        ('    EmailMessage("a", connection=number).send()\n', False),
        ('    EmailMessage("a", "b", "c", [], [], number).send()\n', False),
        ('    mail = EmailMessage("a")\n    mail.connection = number\n    mail.send()\n', False),
        (f'    own = smtp.EmailBackend(timeout=3)\n    EmailMessage("a").send()\n{SEND}', False),
        ('    send_mail("a", "b", "c", ["d"], False, None, None, number)\n', False),
        ('    send_mail("a", "b", "c", ["d"], connection=number)\n', False),
        ('    send_mail("a", "b", "c", ["d"], False, None, None)\n', True),
    ],
)
def test_connections(body: str, expected: bool, tmp_path: Path) -> None:
    assert speaks(tmp_path, REMOTE, body) is expected


def test_a_connection_of_a_module(tmp_path: Path) -> None:
    other = "from django.core.mail.backends.smtp import EmailBackend\n\nOWN = EmailBackend(timeout=3)\n"
    assert not speaks(tmp_path, REMOTE, SEND, {"orders/mails.py": other})

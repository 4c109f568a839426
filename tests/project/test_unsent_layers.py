"""Which tasks nothing sends, where a schedule is out of sight and decorators stand around their functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

TASKS = """import functools

import requests
from celery import Celery
from django_celery_beat.models import PeriodicTask

URL = "https://shop.example"
app = Celery("shop", broker="redis://localhost")


def logged(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        print(function)
        return function(*args, **kwargs)

    return run


def filled(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        return function("today", *args, **kwargs)

    return run


def checked(*names):
    def decorate(function):
        def run(self, given):
            assert all(name in given for name in names)
            return function(self, given, "log")

        return run

    return decorate


def lenient(function):
    def run(self, given=None):
        return function(self, given, "log")

    return run


@app.task
def push(number):
    print(number)


@app.task
def pull(number):
    print(number)


push.delay(1)
pull.delay(2)


DECORATED
"""


@pytest.mark.parametrize(
    ("decorated", "unsent"),
    [
        ("def forgotten(self, order): requests.get(URL)", True),
        ("def forgotten(self): requests.get(URL)", False),
        ("def forgotten(self, order=1): requests.get(URL)", False),
        ("@logged\ndef forgotten(self, order): requests.get(URL)", True),
        ("@logged\ndef forgotten(self): requests.get(URL)", False),
        ("@logged\n@logged\ndef forgotten(self, order): requests.get(URL)", True),
        ("@checked('uid')\ndef forgotten(self, order, log): requests.get(URL)", True),
        ("@logged\n@checked('uid')\ndef forgotten(self, order, log): requests.get(URL)", True),
        ("@checked('uid')\n@filled\ndef forgotten(self, order, log): requests.get(URL)", True),
        ("@filled\ndef forgotten(self, order): requests.get(URL)", False),
        ("@filled\n@checked('uid')\ndef forgotten(self, order, log): requests.get(URL)", False),
        ("@lenient\ndef forgotten(self, order, log): requests.get(URL)", False),
        ("@unknown\ndef forgotten(self, order): requests.get(URL)", False),
    ],
)
def test_what_decorators_leave_to_the_message(tmp_path: Path, decorated: str, unsent: bool) -> None:
    text = TASKS.replace("DECORATED", f"@app.task(bind=True)\n{decorated}")
    (tmp_path / "tasks.py").write_text(text)
    configuration = load(str(tmp_path), {"select": ["CEL526"], "cache": False})
    found = [each.code for each in engine.check_paths([str(tmp_path)], configuration).diagnostics]
    assert found == ([] if unsent else ["CEL526"])

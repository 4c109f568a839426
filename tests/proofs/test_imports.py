"""Modules that no worker can import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.proof("CEL739")
@pytest.mark.parametrize("how", ["include=['shop.jobs']", ""])
@pytest.mark.parametrize(
    ("jobs", "error"),
    [
        ("print(end='', end='')", "SyntaxError: keyword argument repeated"),
        ("return", "SyntaxError: 'return' outside function"),
        ("break", "SyntaxError: 'break' outside loop"),
        ("print(end='')", "No such transport: nowhere"),
    ],
)
def test_a_worker_ends_at_a_module_that_python_refuses(
    tmp_path: Path, how: str, jobs: str, error: str
) -> None:
    """So it does where a search finds the module."""
    ast.parse(jobs)
    (tmp_path / "shop").mkdir()
    search = "" if how else "app.autodiscover_tasks(['shop'], related_name='jobs')\n"
    texts = {
        "__init__": "",
        "celery": f"from celery import Celery\n\napp = Celery(broker='nowhere://', {how})\n{search}",
        "jobs": f"{jobs}\n",
    }
    for name, text in texts.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "celery", "-A", "shop", "worker", "-P", "solo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert error in done.stderr


@pytest.mark.proof("CEL740")
@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("from shop.invoices import total", "ImportError: cannot import name 'total'"),
        ("import shop.totals", "ModuleNotFoundError: No module named 'shop.totals'"),
    ],
)
def test_an_import_in_a_function_fails_when_it_runs(tmp_path: Path, line: str, error: str) -> None:
    """The module of the task is imported all the same; who is to send a task sends none."""
    (tmp_path / "shop").mkdir()
    texts = {
        "__init__": "",
        "invoices": "def total_of(order):\n    return order\n",
        "tasks": (
            "from celery import Celery\n\napp = Celery(broker='memory://', backend='cache+memory://')\n\n\n"
            f"@app.task\ndef bill(order):\n    {line}\n\n\n"
            f"def send():\n    {line}\n    bill.delay(1)\n    print('sent')\n"
        ),
    }
    for name, text in texts.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, encoding="utf-8")

    def run(code: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", f"from shop import tasks; {code}"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("done = tasks.bill.apply(args=(1,)); print(done.state, done.traceback)")
    assert done.stdout.startswith("FAILURE")
    assert error in done.stdout
    failed = run("tasks.send()")
    assert error in failed.stderr
    assert "sent" not in failed.stdout


@pytest.mark.proof("CEL236")
@pytest.mark.parametrize(
    ("taken", "used", "error"),
    [
        ("from shop.db import Session", "Session()", "'NoneType' object is not callable"),
        ("from shop.db import Session", "Session.begin()", "'NoneType' object has no attribute 'begin'"),
        ("from shop import db", "db.Session()", ""),
    ],
)
def test_a_name_that_is_set_later_stays_none_for_who_has_imported_it(
    tmp_path: Path, taken: str, used: str, error: str
) -> None:
    """A worker has imported the modules of its tasks when it sends ``worker_init``."""
    (tmp_path / "shop").mkdir()
    texts = {
        "__init__": "",
        "db": "Session = None\n\n\ndef connect():\n    global Session\n    Session = list\n",
        "tasks": (
            f"import os\n\nfrom celery import Celery, signals\n\n{taken}\nfrom shop.db import connect\n\n"
            "app = Celery(broker='memory://')\n\n\n"
            "@signals.worker_init.connect\ndef begin(**options):\n    connect()\n\n\n"
            "@signals.worker_ready.connect\ndef send(**options):\n    close.delay()\n\n\n"
            "@signals.task_postrun.connect\ndef end(state, retval, **options):\n"
            "    print(f'it ended: {state} {retval}')\n    os._exit(0)\n\n\n"
            f"@app.task\ndef close():\n    {used}\n    return 'closed'\n"
        ),
    }
    for name, text in texts.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "celery", "-A", "shop.tasks", "worker", "-P", "solo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = next(line for line in done.stderr.splitlines() if "it ended: " in line)
    assert error in told if error else "SUCCESS" in told

"""Whether anything starts the workers that an option is for, and what the remedy says of their broker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load

APPLICATION = """import os

from celery import Celery

app = Celery("shop", broker=os.environ["BROKER_URL"])
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True


@app.task
def send(order):
    print(order)


def order(number):
    send.delay(number)
"""
LIST = 'subprocess.run(["celery", "-A", "shop.mails", "worker"])\n'
IMAGE = "FROM python:3.12\nCMD uvicorn shop.web:app\n"
WEB = "web: gunicorn shop.web\n"


def helps(folder: Path, files: Mapping[str, str]) -> list[str]:
    for name, text in {"shop/__init__.py": "", "shop/mails.py": APPLICATION, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    configuration = load(str(folder), {"select": ["CEL521"], "cache": False})
    return [found.help for found in engine.check_paths([str(folder)], configuration).diagnostics]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"Procfile": "worker: celery -A shop.mails worker\n"},
        {"Procfile": "worker: celery -A shop.mails:app worker\n"},
        {"Procfile": "worker: celery -A $APP worker\n"},
        {"Procfile": "worker: celery worker\n"},
        {"Procfile": "worker: celery -A backend.shop.mails worker\n"},
        {"Procfile": "worker: celery -A backend.shop.mails.app worker\n"},
        {"Procfile": "worker: celery -A shop.run worker\n", "shop/run.py": "from shop.mails import app\n"},
        {"Procfile": "worker: celery -A shop.mails worker\nother: celery -A other worker\n"},
        {"Procfile": WEB, "README.md": "    celery -A shop.mails worker\n"},
        {"Procfile": WEB, "Makefile": "worker:\n\tcelery -A shop.mails worker\n"},
        {"Procfile": WEB, "shop/serve.py": "from shop.mails import app\n\napp.worker_main(['worker'])\n"},
        {"Procfile": WEB, "shop/serve.py": "from shop.mails import app\n\napp.Worker().start()\n"},
        {"Procfile": WEB, "run_worker.py": f"import subprocess\n\n{LIST}"},
        {"Procfile": WEB, "dev.py": f"import subprocess\n\n\ndef start_celery():\n    {LIST}"},
        {"Procfile": WEB, "run_celery.py": "import os\n\nos.execv('/usr/bin/celery', [])\n"},
        {"Procfile": WEB, "run_celery.py": "import os\n\nos.execlp('celery', 'worker')\n"},
        {"Procfile": WEB, "dev.py": "import os\n\nos.system('celery -A shop.mails worker')\n"},
    ],
)
def test_workers_that_may_be_started(files: dict[str, str], tmp_path: Path) -> None:
    assert len(helps(tmp_path, files)) == 1


@pytest.mark.parametrize(
    "files",
    [
        {"Procfile": "worker: celery -A other worker\n"},
        {"Procfile": "worker: celery -A shop.mails_of_others worker\n"},
        {"Procfile": "worker: celery -A shop worker\n", "shop/__init__.py": "from shop import web\n"},
        {
            "Procfile": "worker: celery -A shop.bills worker\n",
            "shop/bills.py": "from celery import Celery\nfrom shop import mails\n\napp = Celery('bills')\n",
        },
        {"Procfile": WEB},
        {"docker-compose.yml": f"services:\n  web:\n    command: {WEB[5:]}"},
        {"Dockerfile": IMAGE, "README.md": "Celery would run the workers some day.\n"},
        {"Dockerfile": IMAGE, "shop/films.py": "import subprocess\n\nsubprocess.run(['ffmpeg'])\n"},
        {"Dockerfile": IMAGE, "shop/workers.py": "import os\n\nHOST = os.environ.get('HOST')\n"},
    ],
)
def test_workers_that_nothing_starts(files: dict[str, str], tmp_path: Path) -> None:
    assert helps(tmp_path, files) == []


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({}, True),
        ({".env": "BROKER_URL=redis://broker\n"}, False),
        ({".env": "BROKER_URL=sqs://\n"}, False),
        ({".env": "BROKER_URL=amqp://broker\n"}, True),
        ({".env": "BROKER_URL=redis://broker\n", "prod.env": "BROKER_URL=amqp://broker\n"}, True),
        ({".env": "REDIS_URL=redis://broker\n"}, False),
        ({".env": "RESULT_URL=redis://results\n"}, True),
        ({".env": "BROKER_URL=amqp://broker\nREDIS_URL=redis://cache\n"}, True),
    ],
)
def test_the_remedy_for_the_broker(files: dict[str, str], counts: bool, tmp_path: Path) -> None:
    (said,) = helps(tmp_path, files)
    assert ("quorum" in said) is counts

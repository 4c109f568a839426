"""What `celery-lint project` shows of settings and workers."""

from __future__ import annotations

import sys
from pathlib import Path

from celery_lint import engine
from celery_lint.configuration import load
from tests.processes import run

SHOP = """\
import os

from celery import Celery

app = Celery("shop", broker="redis://:hunter2@cache/0")
app.conf.task_time_limit = 600
app.conf.task_acks_late = os.environ["LATE"]


@app.task
def send():
    return 1
"""
PROCFILE = """\
one: celery -A shop worker $OPTIONS -Q mails,bills --time-limit 60
two: celery -A shop worker
three: celery -A shop worker -P gevent --soft-time-limit $LIMIT -Q $QUEUES
"""


def test_settings_and_workers(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "Procfile").write_text(PROCFILE)
    described = engine.describe(str(tmp_path), load(str(tmp_path)))
    assert [(entry.name, entry.line, entry.detail) for entry in described.settings] == [
        ("broker_url", 5, "'redis://:hunter2@cache/0'; of app"),
        ("task_acks_late", 7, "an expression; of app"),
        ("task_time_limit", 6, "600; of app"),
    ]
    assert [(entry.name, entry.line, entry.detail) for entry in described.pools] == [
        (
            "unknown",
            1,
            "shop: app in shop.py, `$OPTIONS` may name the pool, time limit 60 s, queues from a variable",
        ),
        ("prefork", 2, "shop: app in shop.py, no option names the pool: `worker_pool` decides"),
        ("gevent", 3, "shop: app in shop.py, soft time limit from a variable, queues from a variable"),
    ]
    for form in ("text", "json"):
        done = run([sys.executable, "-m", "celery_lint", "project", "--output-format", form], cwd=tmp_path)
        assert done.code == 0
        assert "hunter2" not in done.out
        assert "redis://:***@cache/0" in done.out


def test_settings_out_of_sight(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "shop.py").write_text(
        'from celery import Celery\n\napp = Celery("shop")\napp.config_from_envvar("SHOP")\n'
    )
    described = engine.describe(str(tmp_path), load(str(tmp_path)))
    assert [(entry.name, entry.detail) for entry in described.settings] == [
        ("unknown settings", "app loads settings that the linter cannot see")
    ]


def test_what_commands_load_and_settings_without_effect(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / "shop/celery.py").write_text(
        "from celery import Celery\n\napp = Celery('shop')\n"
        "app.config_from_object('shop.options', namespace='CELERY')\n"
        "app.conf.update(task_max_retries=5, CELERY_TASK_TIME_LIMIT=60)\n\n\n"
        "@app.task(bind=True)\ndef send(self):\n    raise self.retry()\n\n\ndef work():\n    send.delay()\n"
    )
    (tmp_path / "shop/options.py").write_text(
        "CELERY_TASK_SOFT_TIME_LIMT = 50\nCELERY_TASK_ACKS_LATE = True\n"
    )
    (tmp_path / "Procfile").write_text(
        "one: celery -A shop worker -c 2\ntwo: celery -A shop.worker worker -c 2\n"
        "three: celery -A shop.celery:queue worker -c 2\nfour: celery -A other worker -c 2\n"
    )
    described = engine.describe(str(tmp_path), load(str(tmp_path)))
    assert [entry.detail.partition(",")[0] for entry in described.pools] == [
        "shop: app in shop/celery.py",
        "shop.worker: there is no such module",
        "shop.celery:queue: there is no such attribute",
        "other: not known",
    ]
    assert [entry.detail for entry in described.apps] == ["celery.Celery, loads shop.options below CELERY"]
    assert [(entry.name, entry.line, entry.detail) for entry in described.settings] == [
        ("task_acks_late", 2, "True; of app"),
        ("task_time_limit", 5, "60; of app"),
        (
            "CELERY_TASK_SOFT_TIME_LIMT",
            1,
            "no setting, CELERY_TASK_SOFT_TIME_LIMIT is one; has no effect",
        ),
        ("task_max_retries", 5, "an option of tasks and no setting; has no effect"),
    ]


def test_settings_for_a_namespace_that_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "shop.py").write_text(
        "from celery import Celery\n\napp = Celery('shop')\napp.conf.update(CELERY_TASK_TIME_LIMIT=60)\n\n\n"
        "@app.task\ndef work():\n    print('done')\n"
    )
    described = engine.describe(str(tmp_path), load(str(tmp_path)))
    assert [(entry.name, entry.line, entry.detail) for entry in described.settings] == [
        ("CELERY_TASK_TIME_LIMIT", 4, "for a namespace that is not loaded; has no effect")
    ]

"""Which upper-case names are told to be settings for a namespace that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.options import Configuration

ALL = Configuration(preset="all", cache=False)
PROGRAM = (
    'from celery import Celery\n\napp = Celery("shop", broker="redis://localhost:6379/0")\napp.conf.# = 1\n'
)


def told(folder: Path, name: str) -> set[str]:
    """The codes that a name gets which an application is given."""
    (folder / "shop.py").write_text(PROGRAM.replace("#", name), encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n", encoding="utf-8")
    return {found.code for found in engine.check_paths([str(folder)], ALL).diagnostics}


@pytest.mark.parametrize(
    "prefix, rest",
    [
        ("task_", "publish_retry"),
        ("worker_", "proc_alive_timeout"),
        ("beat_", "sync_every"),
        ("result_", "extended"),
    ],
)
def test_a_name_of_a_family_in_upper_case(tmp_path: Path, prefix: str, rest: str) -> None:
    assert told(tmp_path, f"{prefix}{rest}".upper()) == {"CEL913"}
    assert told(tmp_path, f"{prefix}{rest}") == set()


@pytest.mark.parametrize("name", ["TIMEZONE", "REDIS_HOST", "S3_BUCKET", "BROKER_POOL_LIMIT"])
def test_names_that_may_be_of_the_project_or_count(tmp_path: Path, name: str) -> None:
    assert told(tmp_path, name) == set()

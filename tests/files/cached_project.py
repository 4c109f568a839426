"""A project that is checked with a cache and without, and what may happen to it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.files import stamps
from tests import samples

Said = list[tuple[str, int, int, str, str]]


def check(project: Path, **overrides: object) -> Said:
    """What a fresh process would say."""
    report = engine.check_paths([str(project)], None, overrides=overrides)
    return [
        (os.path.relpath(found.path, project), found.line, found.column, found.code, found.message)
        for found in report.diagnostics
    ] + [
        (os.path.relpath(entry.path, project), entry.line, 0, "", entry.message) for entry in report.unparsed
    ]


def agree(project: Path) -> Said:
    """What the cache says, which must be what a run without it says."""
    cached = check(project)
    assert cached == check(project, cache=False)
    return cached


def settle(project: Path, **overrides: object) -> None:
    """Run as if everything were old enough for the cache to trust its times."""
    samples.age(project)
    time.sleep(0.02)  # the tick of the file system's clock
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stamps, "RACY_NANOSECONDS", 0)
        check(project, **overrides)


def rewrite(name: str, old: str, new: str) -> Callable[[Path], None]:
    def go(project: Path) -> None:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return go


def add(name: str, text: str) -> Callable[[Path], None]:
    def go(project: Path) -> None:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")

    return go


TASK = "from celery import shared_task\n\n\n@shared_task(time_limit=1)\nasync def extra():\n    ...\n"
EDITS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda project: None,
    "touch": lambda project: (project / "app/mail.py").touch(),
    "comment": rewrite("app/mail.py", "    run(send())", "    run(send())  # now"),
    "shift": rewrite("app/mail.py", "async def send", "# one more line\nasync def send"),
    "noqa": rewrite("app/mail.py", "async def never():", "async def never():  # noqa: CEL111"),
    "mended": rewrite("app/mail.py", "async def never", "def never"),
    "helper mended": rewrite("app/loops.py", "asyncio.run(coroutine)", "coroutine"),
    "helper shifted": rewrite("app/loops.py", "import asyncio", "# more\nimport asyncio"),
    "helper renamed": rewrite("app/loops.py", "def run", "def start"),
    "another pool": rewrite("Procfile", "gevent", "prefork"),
    "no pool": lambda project: (project / "Procfile").unlink(),
    "new file": add("app/extra.py", TASK),
    "new folder": add("app/jobs/extra.py", TASK),
    "new broken file": add("app/extra.py", "from celery import ("),
    "broken": rewrite("app/mail.py", "def deliver", "def (deliver"),
    "removed": lambda project: (project / "app/mail.py").unlink(),
    "helper removed": lambda project: (project / "app/loops.py").unlink(),
    "moved": lambda project: (project / "app/mail.py").rename(project / "app/post.py"),
    "quiet speaks": rewrite("app/quiet.py", "async def nobody", TASK + "\n\nasync def nobody"),
    "same size": rewrite("app/mail.py", "async def never", "def      never "),
}

"""Changes that concern nobody: nothing is linked again, and what is said is what a new run says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine import building, editing
from celery_lint.engine.workspace import Workspace
from celery_lint.files import stamps
from scripts.edits import TICK, outcome

MAIL = "app/mail.py"
TEXT = """\
import asyncio

from app.celery import app
from app.other import helper


async def work(number):
    return number


@app.task
def send(number):
    asyncio.run(work(number))
    helper(number)


def plain(number):
    return number + 1


@app.task
def collect(number=[]):
    try:
        send.delay(number)
    except Exception:
        return collect.retry(countdown=14)
"""
OTHER = """\
from celery import shared_task


def helper(number):
    return number


@shared_task
def more(number):
    return helper(number)
"""
CELERY = 'from celery import Celery\n\napp = Celery("app", broker="redis://", include=["app.mail"])\n'
FILES = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "Procfile": "worker: celery -A app worker -P gevent\n",
    "app/__init__.py": "",
    "app/celery.py": CELERY,
    "app/other.py": OTHER,
    MAIL: TEXT,
}
ADDED = "\n\ndef added(first, second=None):\n    total = first + len(second)\n    return str(total)\n"
BEFORE_SEND = "@app.task\ndef send"

UNNOTICED = {
    "at the end": TEXT + ADDED,
    "between others": TEXT.replace(BEFORE_SEND, f"{ADDED.strip()}\n\n\n{BEFORE_SEND}"),
    "at the top": TEXT.replace("\n\nasync def work", f"{ADDED}\n\nasync def work"),
    "another body": TEXT.replace("number + 1", "number + len([])"),
    "gone": TEXT.replace("def plain(number):\n    return number + 1\n\n\n", ""),
    "another name": TEXT.replace("def plain", "def plainer"),
    "a class of nobody's": TEXT.replace("number + 1", "[number for number in (1, 2)]"),
    "only lines": f"\n\n\n{TEXT}",
    "lines in a body": TEXT.replace("    helper(number)", "\n\n    helper(number)"),
}
NOTICED = {
    "a task": f"{TEXT}\n\n@app.task\ndef added(number):\n    send.delay(number)\n",
    "sends a task": f"{TEXT}\n\ndef added(number):\n    send.delay(number)\n",
    "runs a loop": f"{TEXT}\n\ndef added(number):\n    asyncio.run(work(number))\n",
    "a name that is asked for": f"{TEXT}\n\ndef helper(number):\n    asyncio.run(work(number))\n",
    "a name that is imported": f"{TEXT}\n\ndef work(number):\n    return number\n",
    "a builtin": f"{TEXT}\n\ndef len(number):\n    return number\n",
    "of a module": f"{TEXT}\n\ndef __getattr__(name):\n    return send\n",
    "in a task": TEXT.replace(
        "    helper(number)", "    def inner():\n        helper(number)\n\n    inner()"
    ),
    "of a class": f"{TEXT}\n\nclass Added:\n    def run(self):\n        send.delay(1)\n",
    "a task that goes": TEXT.replace("@app.task\ndef collect", "def collect"),
    "a body of a task": TEXT.replace("    helper(number)", "    helper(number, 1)"),
    "an import": TEXT.replace("return number + 1", "import celery\n    return celery"),
    "a comment": TEXT.replace("asyncio.run(work(number))", "asyncio.run(work(number))  # noqa"),
    "a comment of ours": f"# celery-lint: ignore-file[CEL111]\n{TEXT}",
    "no program": f"{TEXT}def (\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(stamps, "RACY_NANOSECONDS", 0)
    for name, text in FILES.items():
        write(tmp_path / "project" / name, text)
    time.sleep(TICK)
    outcome(tmp_path / "project", cache=True)
    return tmp_path / "project"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time.sleep(TICK)
    path.write_text(text, encoding="utf-8")
    time.sleep(TICK)


def linked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which runs link the project from now on."""
    found: list[str] = []
    build, once = building.build, editing.Editing._once

    def building_again(*given: Any) -> Any:
        found.append("build")
        return build(*given)

    def judging_again(*given: Any) -> Any:
        found.append("text")
        return once(*given)

    monkeypatch.setattr(building, "build", building_again)
    monkeypatch.setattr(editing.Editing, "_once", judging_again)
    return found


def agree(project: Path) -> Report:
    """What a run with the cache says; one without it says the same."""
    cached = outcome(project, cache=True)
    assert cached == outcome(project, cache=True) == outcome(project, cache=False)
    return cached


def text_of(project: Path, text: str) -> Report:
    """What is said about a text in place of the file's."""
    workspace = Workspace(str(project), load(str(project), {"preset": "all"}), None, {"preset": "all"})
    return workspace.report_of_text(MAIL, text, True)


@pytest.mark.parametrize("text", UNNOTICED.values(), ids=UNNOTICED)
def test_what_concerns_nobody_is_not_linked(
    project: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    before = outcome(project, cache=True)
    assert before.diagnostics  # a worker has the tasks: nobody would look at what never runs
    runs = linked(monkeypatch)
    buffer = text_of(project, text)
    write(project / MAIL, text)
    cached = outcome(project, cache=True)
    assert runs == []
    fresh = outcome(project, cache=False)
    assert cached == fresh
    assert runs == ["build"]
    assert [each.code for each in cached.diagnostics] == [each.code for each in before.diagnostics]
    assert sorted(buffer.diagnostics) == sorted(d for d in fresh.diagnostics if d.path.endswith(MAIL))


@pytest.mark.parametrize("text", [*NOTICED.values(), *UNNOTICED.values()], ids=[*NOTICED, *UNNOTICED])
def test_what_may_concern_somebody_is_judged_again(project: Path, text: str) -> None:
    buffer = text_of(project, text)
    write(project / MAIL, text)
    fresh = agree(project)
    if not fresh.unparsed:
        assert sorted(buffer.diagnostics) == sorted(d for d in fresh.diagnostics if d.path.endswith(MAIL))
    write(project / MAIL, text.replace("def send", "def sent"))
    agree(project)
    write(project / MAIL, TEXT)
    agree(project)


def test_a_change_that_concerned_nobody_is_there_when_somebody_asks(project: Path) -> None:
    write(project / MAIL, f"{TEXT}\n\ndef added(number):\n    return 1\n")
    agree(project)
    write(
        project / "app/third.py",
        "from app.mail import added, app\n\n\n@app.task\ndef third():\n    added(1)\n",
    )
    write(project / "app/celery.py", CELERY.replace('"app.mail"', '"app.mail", "app.third"'))
    before = agree(project)
    write(project / MAIL, f"{TEXT}\n\nasync def added(number):\n    return 1\n")
    assert agree(project).diagnostics != before.diagnostics


def test_changes_in_two_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = linked(monkeypatch)
    write(project / MAIL, UNNOTICED["between others"])
    write(project / "app/other.py", OTHER.replace("\n\n@shared", f"{ADDED}\n\n@shared"))
    outcome(project, cache=True)
    write(project / MAIL, f"\n\n{UNNOTICED['between others']}")
    outcome(project, cache=True)
    assert runs == []
    agree(project)
    write(project / "app/other.py", OTHER.replace("return number", "return more.delay(number)"))
    agree(project)


def test_a_function_that_is_no_copy_any_more(project: Path) -> None:
    write(project / "old/app/mail.py", TEXT)
    agree(project)
    write(project / MAIL, UNNOTICED["at the end"])
    agree(project)
    write(project / "old/app/mail.py", UNNOTICED["at the end"])
    agree(project)


def test_without_what_was_kept_everything_is_linked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (project.parent / "user").rglob("*.facts"):
        path.unlink()
    runs = linked(monkeypatch)
    write(project / MAIL, UNNOTICED["at the end"])
    text_of(project, TEXT + ADDED * 2)
    outcome(project, cache=True)
    assert runs == ["build", "text"]

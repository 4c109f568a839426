"""Linting what somebody else has made runs nothing of it: eight ways in, two kinds of repositories."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.hostile import TASKS, promising_archive, promising_clone

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

COMMAND = (sys.executable, "-m", "celery_lint")
PYLINT = ("pylint", "--load-plugins=celery_lint", "--disable=all", "--enable=asyncio-run-in-task")

ENTRY_POINTS = {
    "a folder": (*COMMAND, "check", "{folder}"),
    "a file, as pre-commit names it": (*COMMAND, "check", "{folder}/tasks.py"),
    "the working directory": (*COMMAND, "check", "."),
    "a buffer of an editor": (*COMMAND, "check", "--stdin-filename", "{folder}/tasks.py", "-"),
    "the description of a project": (*COMMAND, "project", "{folder}"),
    "flake8": (sys.executable, "-m", "flake8", "--select=CEL", "."),
    "a buffer in flake8": (
        sys.executable, "-m", "flake8", "--select=CEL", "--stdin-display-name", "{folder}/tasks.py", "-"
    ),
    "pylint": (sys.executable, "-m", *PYLINT, "{folder}/tasks.py"),
}  # fmt: skip


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The file that the program of a hostile repository leaves behind."""
    return tmp_path / "ran"


@pytest.fixture(params=["sub", "evil"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, ran: Path) -> Path:
    """A hostile folder: ``sub`` of an ordinary clone, or ``evil`` out of an archive."""
    build = promising_clone if request.param == "sub" else promising_archive
    return build(tmp_path, f"touch {ran}; false") / request.param


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_nothing_is_run(folder: Path, ran: Path, entry_point: str) -> None:
    done = subprocess.run(
        [word.format(folder=folder.name) for word in ENTRY_POINTS[entry_point]],
        cwd=folder if entry_point == "the working directory" else folder.parent,
        input=TASKS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.exists()
    assert ("tasks.run" if "project" in entry_point else "asyncio.run") in done.stdout, done


def test_git_itself_would_run_it(folder: Path, ran: Path) -> None:
    subprocess.run(["git", "-C", str(folder), "check-ignore", "ignored"], capture_output=True, check=False)
    assert ran.exists()

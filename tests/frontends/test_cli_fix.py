"""``celery-lint check --fix`` and ``--diff``, as a user runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Done, run

BROKEN = """from celery import Celery
from celery.schedules import crontab

app = Celery("shop", broker="redis://localhost")
NIGHTLY = crontab(hour=2)


@app.task(soft_time_limit=500, time_limit=600)
def remind(user):
    print(user)


def ordered(user):
    remind.delay(user, countdown=3600)
"""
SAFE = BROKEN.replace("remind.delay(user, countdown=3600)", "remind.apply_async((user,), countdown=3600)")
WHOLE = SAFE.replace("hour=2", "hour=2, minute=0")


def check(folder: Path, *words: str) -> Done:
    return run(
        [sys.executable, "-m", "celery_lint", "check", "--no-cache", "--output-format", "concise", *words],
        cwd=folder,
    )


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.py"
    path.write_text(BROKEN)
    return path


def test_what_can_be_fixed_is_counted(tasks: Path) -> None:
    done = check(tasks.parent)
    assert done.code == 1
    assert done.err.endswith("(1 task); --fix may mend 1 of them, --unsafe-fixes 1 more\n")


def test_safe_edits_are_written_and_the_rest_is_reported(tasks: Path) -> None:
    done = check(tasks.parent, "--fix")
    assert tasks.read_text() == SAFE
    assert done.code == 1
    assert done.out.startswith("tasks.py:5:11: CEL810 ")
    assert done.err.startswith("Fixed 1 place in 1 file\n")


def test_unsafe_edits_are_written_if_asked_for(tasks: Path) -> None:
    done = check(tasks.parent, "--fix", "--unsafe-fixes")
    assert (done.code, done.out) == (0, "")
    assert tasks.read_text() == WHOLE
    assert check(tasks.parent, "--fix", "--unsafe-fixes").code == 0
    assert tasks.read_text() == WHOLE


def test_what_an_edit_shows_elsewhere_is_mended_in_the_same_run(
    tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from celery_lint.frontends.cli import fix, main

    original, passes = fix.fixes, []

    def fixes(report: Any, flags: dict[str, str], overrides: dict[str, object]) -> Any:
        passes.append(len(report.diagnostics))
        return original(report, flags if len(passes) > 1 else {}, overrides)  # the first one makes safe edits

    monkeypatch.setattr(fix, "fixes", fixes)
    monkeypatch.chdir(tasks.parent)
    assert main(["check", "--no-cache", "--fix", "--unsafe-fixes"]) == 0
    assert tasks.read_text() == WHOLE
    assert passes == [2, 1, 0]
    assert capsys.readouterr().err.startswith("Fixed 2 places in 1 file\n")


def test_a_diff_is_shown_and_can_be_applied(tasks: Path) -> None:
    done = check(tasks.parent, "--diff", "--unsafe-fixes")
    assert done.code == 1
    assert done.out.startswith("--- a/tasks.py\n+++ b/tasks.py\n@@ ")
    assert tasks.read_text() == BROKEN
    subprocess.run(["git", "apply"], cwd=tasks.parent, input=done.out, text=True, check=True)
    assert tasks.read_text() == WHOLE
    assert check(tasks.parent, "--diff", "--unsafe-fixes").out == ""


def test_a_suppressed_line_is_not_fixed(tasks: Path) -> None:
    text = BROKEN.replace("countdown=3600)", "countdown=3600)  # noqa: CEL611")
    tasks.write_text(text)
    check(tasks.parent, "--fix")
    assert tasks.read_text() == text


def test_the_named_configuration_holds_after_it_too(tasks: Path) -> None:
    options = tasks.parent / "options.toml"
    options.write_text('[tool.celery-lint]\nignore = ["CEL810"]\n')
    done = check(tasks.parent, "--fix", "--unsafe-fixes", "--config", str(options))
    assert (done.code, done.out) == (0, "")
    assert tasks.read_text() == SAFE


def test_standard_input_cannot_be_fixed(tasks: Path) -> None:
    done = check(tasks.parent, "--fix", "-")
    assert done.code == 2
    assert "--fix needs files" in done.err


def test_a_file_that_cannot_be_written_is_told(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is replaced between reading and writing: somebody else's work is not lost."""
    from celery_lint.engine.fixing import Fixed
    from celery_lint.frontends.cli import fix
    from celery_lint.frontends.cli.arguments import UsageError

    made = Fixed(str(tasks), b"another text", b"", {})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="has changed meanwhile: run it again"):
        fix.write([made])
    assert tasks.read_text() == BROKEN

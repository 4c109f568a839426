"""What is shown moves no cursor and gives no orders, whatever files, names and settings hold."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint.frontends.cli import main
from tests.processes import run_module

KEY = r"k\x1b[2J\x07\u202e##vso[task.setvariable variable=PATH]x"
TASKS = f"""\
from celery import shared_task


@shared_task(time_limit=60)
def synchronise(execution_id=None):
    return execution_id


@shared_task(time_limit=60)
def report(execution_id=None):
    return execution_id


JOBS = {{
    "{KEY}": synchronise,
    "daily": report,
    "{KEY}": report,  # ##[add-path]/tmp
    "daily": report,
}}
"""

OURS = {
    "full": ("check", "--select=CEL719"),
    "concise": ("check", "--select=CEL719", "--output-format=concise"),
    "json": ("check", "--select=CEL719", "--output-format=json"),
    "project": ("project",),
    "project as json": ("project", "--output-format=json"),
}
HOSTS = {
    "flake8": ("flake8", "--isolated", "--select=CEL", "."),
    "pylint": (
        "pylint", "--rcfile=/dev/null", "--load-plugins=celery_lint", "--disable=all", "--recursive=y",
        "--enable=bridge-duplicate-key,internal-error", ".",
    ),
}  # fmt: skip
BROKEN = {
    "a key": '"\\u001b]0;pwn\\u0007\\u202e##vso[task.complete]" = 1',
    "a value": 'preset = "\\u001b[2J##vso[task.complete]"',
    "a rule": 'select = ["\\u001b[2J"]',
    "a pattern": 'per-file-ignores = "\\u001b[2J"',
    "not TOML": '"\\u001b[2J" = 1\n"\\u001b[2J" = 1',
}
NAMES = [
    "::stop-commands::x",
    "  ::set-output name=a::b",
    "##vso[task.complete]x",
    "a\x1b]0;x\x07\u202e",
]

needs_free_names = pytest.mark.skipif(sys.platform == "win32", reason="such names are refused")


def harmless(text: str) -> str:
    """The text, which gives no orders to a terminal and none to a service that reads its log."""
    lines = text.split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert "##vso[" not in text
    assert "##[" not in text
    orders = [line for line in lines if line.lstrip().startswith("::")]
    assert [line for line in orders if not line.lstrip().startswith("::: ")] == []  # these name no command
    return text


@pytest.fixture
def ours(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command says about a folder."""

    def said(*words: str) -> str:
        main(words)
        return harmless("".join(capsys.readouterr()))

    return said


def hosts(host: str, folder: Path) -> str:
    """What another linter says about a folder."""
    done = run_module(*HOSTS[host], cwd=folder)
    return harmless(done.out + done.err)


@pytest.mark.parametrize("form", ["full", "concise", "json"])
def test_messages_that_quote_the_source(tmp_path: Path, ours: Callable[..., str], form: str) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    assert "k\\x1b[2J" in ours(*OURS[form], str(tmp_path)).replace("\\u001b", "\\x1b")


@pytest.mark.parametrize("host", HOSTS)
def test_messages_in_other_linters(tmp_path: Path, host: str) -> None:
    (tmp_path / "tasks.py").write_text(TASKS)
    assert "k\\x1b[2J" in hosts(host, tmp_path)


@needs_free_names
@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize("name", NAMES)
def test_names_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Callable[..., str], form: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.py").write_text(TASKS)
    (tmp_path / f"{name}_broken.py").write_text("from celery import (\n")
    text = ours(*OURS[form], ".")
    assert "_broken.py" in text
    if form == "concise":
        place = next(line for line in text.splitlines() if "CEL719" in line).partition(".py:")[0]
        assert place.startswith(("./", "#\\x23vso[", "a\\x1b]0;x"))
        assert not place.startswith("./") or (tmp_path / f"{place}.py").exists()


@needs_free_names
@pytest.mark.parametrize("form", OURS)
@pytest.mark.parametrize("kind", BROKEN)
def test_settings(tmp_path: Path, ours: Callable[..., str], form: str, kind: str) -> None:
    folder = tmp_path / "\x1b[31mred"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(f"[tool.celery-lint]\n{BROKEN[kind]}\n")
    (folder / "tasks.py").write_text(TASKS)
    assert "pyproject.toml" in ours(*OURS[form], str(folder))


@pytest.mark.parametrize("host", HOSTS)
def test_settings_in_other_linters(tmp_path: Path, host: str) -> None:
    for kind, line in BROKEN.items():
        folder = tmp_path / kind.replace(" ", "_")
        folder.mkdir()
        (folder / "pyproject.toml").write_text(f"[tool.celery-lint]\nroot = true\n{line}\n")
        (folder / "tasks.py").write_text(TASKS)
    assert hosts(host, tmp_path).count("celery-lint is not configured") == len(BROKEN)


@pytest.mark.parametrize(
    "words", [["check", "--\x1b[2J"], ["\x1b[2J"], ["check", "\x1b[2J"], ["clean", "\x1b"]]
)
def test_what_the_user_typed(ours: Callable[..., str], words: list[str]) -> None:
    assert "\\x1b" in ours(*words)


@pytest.mark.parametrize("debug", ["", "1"])
def test_what_an_internal_error_says(
    ours: Callable[..., str], monkeypatch: pytest.MonkeyPatch, debug: str, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LookupError("\x1b[2J\n::stop-commands::x\n##vso[task.complete]")

    monkeypatch.setattr("celery_lint.engine.check_paths", fail)
    monkeypatch.setenv("CELERY_LINT_DEBUG", debug)
    assert "internal error: LookupError: \\x1b[2J" in ours("check", str(tmp_path))

"""The plugin inside a real flake8."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import samples
from tests.processes import run, run_module

pytest.importorskip("flake8")

LOOP = "app/loops.py:5:12: CEL110"
TASK = "app/mail.py:15:11: CEL111"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path)


def flake8(project: Path, *arguments: str, stdin: str | None = None) -> list[str]:
    """What flake8 prints: places and codes of ours."""
    done = run_module("flake8", "--isolated", "--select=CEL", *arguments, cwd=project, stdin=stdin)
    assert done.err == ""
    return sorted(" ".join(line.removeprefix("./").split(" ")[:2]) for line in done.out.splitlines())


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
@pytest.mark.parametrize("target", [".", "app", ""])
def test_a_project(project: Path, jobs: str, target: str) -> None:
    targets = [target] if target else ["app/mail.py", "app/quiet.py", "app/loops.py"]
    for _ in range(2):  # without and with a cache
        assert flake8(project, jobs, *targets) == [LOOP, TASK]


def test_a_forked_one_says_what_a_cold_one_says(project: Path) -> None:
    words = ["-j1", "--isolated", "--exit-zero", "--celery-lint-show-help", "."]
    cold = run([sys.executable, "-m", "flake8", *words], cwd=project)
    assert "CEL111" in cold.out
    assert run_module("flake8", *words, cwd=project) == cold
    version = run([sys.executable, "-m", "flake8", "--version"], cwd=project)
    assert run_module("flake8", "--version", cwd=project) == version


def test_one_file_knows_the_others(project: Path) -> None:
    assert flake8(project, "app/loops.py") == [LOOP]


@pytest.mark.parametrize("name", ["app/loops.py", "./app/loops.py"])
def test_standard_input_overlays_its_file(project: Path, name: str) -> None:
    text = (project / "app/loops.py").read_text()
    stdin = ["--stdin-display-name", name, "-"]
    assert flake8(project, *stdin, stdin=text) == [LOOP]
    assert flake8(project, *stdin, stdin=f"# a line\n{text}") == ["app/loops.py:6:12: CEL110"]
    assert flake8(project, *stdin, stdin=text.replace("asyncio.run(coroutine)", "coroutine")) == []


def test_standard_input_without_a_name(project: Path) -> None:
    text = "from celery import shared_task\n\n\n@shared_task(time_limit=5)\nasync def never():\n    ...\n"
    assert flake8(project, "-", stdin=text) == ["stdin:5:11: CEL111"]


def test_noqa_is_flake8s_own(project: Path) -> None:
    mail = project / "app/mail.py"
    mail.write_text(mail.read_text().replace("async def never():", "async def never():  # noqa: CEL111"))
    assert flake8(project, "app/mail.py") == []
    assert flake8(project, "--disable-noqa", "app/mail.py") == [TASK]


def test_options(project: Path) -> None:
    assert LOOP not in flake8(project, "--celery-lint-pool=prefork", ".")
    (project / ".flake8").write_text("[flake8]\ncelery-lint-pool = prefork\n")
    done = run_module("flake8", "--select=CEL", ".", cwd=project)
    assert "CEL110" not in done.out
    assert "CEL111" in done.out


def test_the_help_behind_a_message(project: Path) -> None:
    command = ["flake8", "--isolated", "--select=CEL111", "app/mail.py"]
    bare = run_module(*command, cwd=project).out
    with_help = run_module(*command[:-1], "--celery-lint-show-help", command[-1], cwd=project).out
    assert with_help.startswith(bare.rstrip("\n") + "; write a plain `def`")
    (project / ".flake8").write_text("[flake8]\ncelery-lint-show-help = true\n")
    assert run_module(*[word for word in command if word != "--isolated"], cwd=project).out == with_help
    (project / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\nshow-help = true\n")
    assert "; write a plain `def`" in run_module(*command, cwd=project).out


def test_a_table_may_extend_another(project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf/shared.toml").write_text('[tool.celery-lint]\npool = ["prefork"]\n')
    table = '[tool.celery-lint]\nroot = true\nextend = "{}"\n'
    (project / "pyproject.toml").write_text(table.format("conf/shared.toml"))
    assert flake8(project, ".") == [TASK]
    (project / "pyproject.toml").write_text(table.format("conf/missing.toml"))
    assert flake8(project, "app/mail.py") == ["app/mail.py:1:1: CEL999"]


def test_a_wrong_option_is_said_and_kills_nobody(project: Path) -> None:
    done = run_module("flake8", "--isolated", "--celery-lint-pool=bogus", "app/quiet.py", cwd=project)
    assert "CEL999" in done.out
    assert "bogus" in done.out
    assert "Traceback" not in done.err


def test_columns_count_characters(project: Path) -> None:
    text = (
        "import asyncio\nfrom celery import shared_task\n\n\n@shared_task(time_limit=1)\ndef t():\n"
        '    "日本語"; asyncio.run(f())\n'
    )
    (project / "app/loops.py").write_text(text, encoding="utf-8")
    assert "app/loops.py:7:12: CEL110" in flake8(project, "app/loops.py")
    assert "app/loops.py:7:12: CEL110" in flake8(
        project, "--stdin-display-name", "app/loops.py", "-", stdin=text
    )

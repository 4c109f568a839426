"""The checkers inside a real pylint."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import samples
from tests.processes import run, run_module

pytest.importorskip("pylint")

LOOP = "app/loops.py:5:11: W9110"
TASK = "app/mail.py:15:10: E9111"
# Where an attribute is set, pylint finds out of what: it reads all of Celery for that, two seconds each time.
APPLICATION = 'from celery import Celery\n\napp = Celery("app")\napp.conf.update(task_time_limit=60)\n'
OURS = "--enable=asyncio-run-in-task,async-def-task"

WORDS = ["--rcfile=/dev/null", "--load-plugins=celery_lint", "--score=n", "--disable=all"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path, {**samples.FILES, "app/celery.py": APPLICATION})


def pylint(project: Path, *arguments: str, stdin: str | None = None) -> list[str]:
    """What pylint prints: places and ids of ours."""
    done = run_module("pylint", *WORDS, *arguments, cwd=project, stdin=stdin)
    assert done.err == ""
    lines = [line for line in done.out.splitlines() if not line.startswith("***")]
    return sorted(" ".join(line.split(" ")[:2]).rstrip(":") for line in lines)


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_a_project(project: Path, jobs: str) -> None:
    for _ in range(2):  # without and with a cache
        assert pylint(project, OURS, jobs, "app") == [LOOP, TASK]


def test_a_forked_one_says_what_a_cold_one_says(project: Path) -> None:
    cold = run([sys.executable, "-m", "pylint", *WORDS, OURS, "app"], cwd=project)
    assert LOOP in cold.out
    assert run_module("pylint", *WORDS, OURS, "app", cwd=project) == cold


def test_one_file_knows_the_others(project: Path) -> None:
    assert pylint(project, OURS, "app/loops.py") == [LOOP]


def test_standard_input_overlays_its_file(project: Path) -> None:
    text = (project / "app/loops.py").read_text()
    assert pylint(project, OURS, "--from-stdin", "app/loops.py", stdin=text) == [LOOP]
    shifted = pylint(project, OURS, "--from-stdin", "app/loops.py", stdin=f"# a line\n{text}")
    assert shifted == ["app/loops.py:6:11: W9110"]
    silent = text.replace("asyncio.run(coroutine)", "coroutine")
    assert pylint(project, OURS, "--from-stdin", "app/loops.py", stdin=silent) == []


def test_a_table_may_extend_another(project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf/shared.toml").write_text('[tool.celery-lint]\npool = ["prefork"]\n')
    table = '[tool.celery-lint]\nroot = true\nextend = "conf/shared.toml"\n'
    (project / "pyproject.toml").write_text(table)
    assert pylint(project, OURS, "app") == [TASK]


def test_messages_are_turned_on_and_off_by_pylint(project: Path) -> None:
    assert pylint(project, "--enable=async-def-task", "app") == [TASK]
    assert pylint(project, "--enable=E9111", "app") == [TASK]
    mail = project / "app/mail.py"
    comment = "async def never():  # pylint: disable=async-def-task"
    mail.write_text(mail.read_text().replace("async def never():", comment))
    assert pylint(project, OURS, "app") == [LOOP]


def test_our_noqa_is_not_pylints(project: Path) -> None:
    mail = project / "app/mail.py"
    mail.write_text(mail.read_text().replace("async def never():", "async def never():  # noqa: CEL111"))
    assert pylint(project, OURS, "app") == [LOOP, TASK]


def test_options(project: Path) -> None:
    assert pylint(project, OURS, "--celery-lint-pool=prefork", "app") == [TASK]
    (wrong,) = pylint(project, "--enable=F9999", "--celery-lint-pool=bogus", "app/quiet.py")
    assert wrong == "app/quiet.py:1:0: F9999"


def test_every_rule_is_a_message() -> None:
    from pylint.lint import PyLinter

    import celery_lint
    from celery_lint.rules import all_rules

    linter = PyLinter()
    celery_lint.register(linter)
    for rule in all_rules():
        (message,) = linter.msgs_store.get_message_definitions(rule.pylint_id())
        assert message.symbol == rule.name
        assert linter.is_message_enabled(rule.pylint_id()) == (rule.preset == "recommended")

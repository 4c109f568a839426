"""Links that lead out of the workspace: nothing behind them is read, whatever kind of file they stand for."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples
from tests.processes import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a permission")

# Runs the command, and tells on the last line of standard error which files have been opened.
WATCHED = """
import json, os, sys
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.path.realpath(os.fsdecode(arguments[0])))
sys.addaudithook(hook)
from celery_lint.frontends.cli import main
code = main(sys.argv[1:])
sys.stderr.write(json.dumps(opened))
sys.stdout.flush()
os._exit(code)
"""

TASK = "from celery import shared_task\n\n\n@shared_task\nasync def {}():\n    ...\n"
ELSEWHERE = {
    "settings.py": TASK.format("hunter2"),
    "other.py": TASK.format("other"),
    "Procfile": "worker: celery -A app worker -P prefork  # hunter2\n",
    "pyproject.toml": '[tool.celery-lint]\nroot = true\npresets = "x"\n',
    "setup.cfg": "[celery-lint]\nroot = true\nbroken\n",
}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "elsewhere", ELSEWHERE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "project")


def opened(project: Path, *words: str, stdin: str | None = None) -> tuple[str, list[str]]:
    """What the command says, and the files that it has opened."""
    done = run([sys.executable, "-c", WATCHED, *words], cwd=project, stdin=stdin)
    said, _, files = done.err.rpartition("[")
    return done.out + said, json.loads(f"[{files}")


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


LINKS = {
    "app/linked.py": "settings.py",
    "celeryconfig.py": "settings.py",
    "Procfile": "Procfile",
    "Procfile.web": "Procfile",
    "setup.cfg": "setup.cfg",
    "below/pyproject.toml": "pyproject.toml",
    "below/setup.cfg": "setup.cfg",
    ".gitignore": "settings.py",
}


@pytest.mark.parametrize("words", ["check .", "check app below", "check --no-cache", "project"])
def test_nothing_is_read_out_of_the_workspace(project: Path, elsewhere: Path, words: str) -> None:
    samples.write(project / "below", {"job.py": ELSEWHERE["other.py"]})
    for name, target in LINKS.items():
        link(project / name, elsewhere / target)
    for _ in range(2):  # without and with a cache
        said, files = opened(project, *words.split())
        assert "mail.py" in said
        assert "hunter2" not in said
        assert f"{project}/pyproject.toml" in files
        assert [path for path in files if path.startswith(str(elsewhere))] == []


def test_the_project_s_own_configuration(tmp_path: Path, project: Path, elsewhere: Path) -> None:
    (project / "manage.py").touch()
    link(project / "pyproject.toml", elsewhere / "pyproject.toml")
    said, files = opened(project, "check", ".")
    assert said == "celery-lint: error: pyproject.toml: is a link that leads out of the workspace\n"
    assert [path for path in files if path.startswith(str(elsewhere))] == []
    (elsewhere / "pyproject.toml").write_text('[tool.celery-lint]\nignore = ["CEL111"]\n')
    said, files = opened(project, "check", "--config", "pyproject.toml", ".")  # named by the user
    assert "CEL110" in said
    assert "CEL111" not in said


def test_it_is_told(project: Path, elsewhere: Path) -> None:
    link(project / "app/linked.py", elsewhere / "settings.py")
    report = engine.check_paths([str(project)], None)
    told = [(os.path.relpath(path, project), text) for path, _, text in report.unparsed]
    assert told == [("app/linked.py", "cannot be read: is a link that leads out of the workspace")]


@pytest.mark.parametrize("target", ["mail.py", "../app/mail.py", "../../project/app/mail.py"])
def test_links_within_are_followed(project: Path, target: str) -> None:
    (project / "app/linked.py").symlink_to(target)
    report = engine.check_paths([str(project)], None)
    found = [os.path.relpath(entry.path, project) for entry in report.diagnostics if entry.code == "CEL111"]
    assert (found, report.unparsed) == (["app/linked.py", "app/mail.py"], [])
    text = (project / "app/mail.py").read_text()
    report = engine.check_text(str(project / "app/linked.py"), text, None)
    assert [os.path.relpath(entry.path, project) for entry in report.diagnostics] == ["app/mail.py"]


def test_a_link_that_comes_to_lead_out(project: Path, elsewhere: Path) -> None:
    (project / "app/linked.py").symlink_to("mail.py")
    samples.age(project)
    assert engine.check_paths([str(project)], None).unparsed == []
    link(project / "app/linked.py", elsewhere / "settings.py")
    assert len(engine.check_paths([str(project)], None).unparsed) == 1


def test_a_buffer_of_a_link(project: Path, elsewhere: Path) -> None:
    """Who has the text may have followed the link, but the project stays the one that the link is in."""
    link(project / "app/linked.py", elsewhere / "settings.py")
    text = ELSEWHERE["settings.py"]
    said, files = opened(project, "check", "--stdin-filename", "app/linked.py", "-", stdin=text)
    assert "app/linked.py:5:11" in said
    assert "hunter2" in said  # the text is the user's, and the excerpt is taken from it
    assert [path for path in files if path.startswith(str(elsewhere))] == []


def test_a_link_in_other_linters(project: Path, elsewhere: Path) -> None:
    pytest.importorskip("flake8")
    link(project / "app/linked.py", elsewhere / "settings.py")
    done = run([sys.executable, "-m", "flake8", "--isolated", "--select=CEL", "app/linked.py"], cwd=project)
    assert done.out.startswith("app/linked.py:5:11: CEL111")
    assert "not configured" not in done.out  # as it is elsewhere


def test_a_link_that_the_user_names(project: Path, elsewhere: Path) -> None:
    link(project / "app/linked.py", elsewhere / "settings.py")
    for name in ("pyproject.toml", "setup.cfg"):
        (elsewhere / name).unlink()
    report = engine.check_paths([str(project / "app/linked.py")], None)
    assert [entry.path for entry in report.diagnostics] == [str(elsewhere / "settings.py")]


def test_names_with_line_breaks(project: Path) -> None:
    odd = project / "fold\ner" / "jo\nb.py"
    samples.write(odd.parent, {odd.name: ELSEWHERE["other.py"]})
    samples.age(project)
    for _ in range(2):  # without and with a cache
        report = engine.check_paths([str(project)], None)
        assert str(odd) in [found.path for found in report.diagnostics if found.code == "CEL111"]
        assert report.files == 7
    assert engine.Workspace(str(project), engine.load(str(project)))._kept() is not None

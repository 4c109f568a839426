"""What others run for a user: the action, and the hooks of pre-commit."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.dependencies import is_list
from tests import samples
from tests.processes import Done, run

REPOSITORY = Path(__file__).parent.parent
PAGE = (REPOSITORY / "docs/ci.md").read_text(encoding="utf-8")
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text(encoding="utf-8"))
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())}
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
with_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def step(name: str, inputs: dict[str, str], folder: Path, **environment: str) -> Done:
    """Run the script of a step as the runner does, with these inputs."""
    values = {key: entry["default"] for key, entry in ACTION["inputs"].items()} | inputs
    known = {f"inputs.{key}": value for key, value in values.items()} | {"github.action_path": "/action"}
    given = {
        key: re.sub(r"\$\{\{ (.+?) \}\}", lambda match: known[match[1]], value)
        for key, value in STEPS[name]["env"].items()
    }
    script = folder.parent / "step.sh"
    script.write_text(STEPS[name]["run"])
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    files = {variable: str(folder.parent / variable) for variable in ("GITHUB_OUTPUT", "GITHUB_PATH")}
    return run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=folder,
        environment={
            "PATH": programs,
            **files,
            "RUNNER_TEMP": str(folder.parent / "temp"),
            **given,
            **environment,
        },
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return samples.write(tmp_path / "project")


# ------------------------------------------------------------------------------------ the action


def test_inputs_are_known_and_none_stands_within_a_script() -> None:
    assert list(ACTION["inputs"]) == ["version", "path", "args", "sarif", "upload"]
    used = set(re.findall(r"\binputs\.(\w+)", json.dumps(ACTION["runs"])))
    assert used == set(ACTION["inputs"])
    assert all("${{" not in each.get("run", "") for each in STEPS.values())
    assert all(each.get("uses") or each["shell"] == "bash" for each in STEPS.values())
    for name in ACTION["inputs"]:
        assert f"| `{name}` |" in PAGE


@with_bash
def test_the_check_annotates_and_writes_sarif(project: Path) -> None:
    done = step("Check", {}, project)
    assert done.code == 1, done.err
    assert "::error title=celery-lint (CEL111),file=app/mail.py,line=15," in done.out
    results = json.loads((project / "celery-lint.sarif").read_text())["runs"][0]["results"]
    assert {"CEL110", "CEL111"} <= {result["ruleId"] for result in results}
    assert (project.parent / "GITHUB_OUTPUT").read_text() == "sarif=celery-lint.sarif\n"


@with_bash
def test_inputs_of_the_check(project: Path) -> None:
    (project / "a b").mkdir()
    (project / "a b/-x $(touch ran).py").write_text((project / "app/mail.py").read_text())
    inputs = {"path": "a b\n-missing\n", "args": " --select CEL111\n --exit-zero", "sarif": ""}
    done = step("Check", inputs, project)
    assert done.code == 2
    assert "error: -missing: " in done.err
    done = step("Check", {**inputs, "path": "a b\n"}, project)
    assert (done.code, done.out.count("::error"), done.out.count("app/mail.py")) == (0, 1, 0), done.err
    assert not (project / "celery-lint.sarif").exists()
    assert not (project.parent / "GITHUB_OUTPUT").exists()
    done = step("Check", {"args": '"; touch ran; $(touch ran) `touch ran`'}, project)
    assert done.code == 2
    assert not (project / "ran").exists()


PYTHON = """\
#!/bin/sh
echo "$@" >>"$RUNNER_TEMP/../asked"
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
"""


@with_bash
@pytest.mark.parametrize("version, installed", [("", "/action"), ("0.1.0", "celery-lint==0.1.0")])
def test_install(project: Path, version: str, installed: str) -> None:
    python = project.parent / "bin" / "python3"
    python.parent.mkdir()
    (project.parent / "temp").mkdir()
    python.write_text(PYTHON)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    done = step("Install celery-lint", {"version": version}, project, PATH=path)
    assert done.code == 0, done.err
    temp = project.parent / "temp"
    assert (project.parent / "asked").read_text().splitlines() == [
        f"-m venv {temp}/celery-lint",
        f"-m pip install --quiet --disable-pip-version-check {installed}",
    ]
    assert (project.parent / "GITHUB_PATH").read_text() == f"{temp}/celery-lint/bin\n"


def test_the_page_uses_the_action_and_the_hooks() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    steps = blocks[0]["jobs"]["celery-lint"]["steps"]
    (own,) = [each for each in steps if "/celery-lint@" in each["uses"]]
    assert set(own["with"]) <= set(ACTION["inputs"])
    (hooks,) = [block["repos"][0]["hooks"] for block in blocks if "repos" in block]
    assert {hook["id"] for hook in hooks} == set(HOOKS)


# ------------------------------------------------------------------------------------ pre-commit


def test_hooks() -> None:
    for hook in HOOKS.values():
        assert (hook["entry"], hook["language"]) == ("celery-lint check", "python")
        assert hook["require_serial"] is True, "one process for all files"
    assert HOOKS["celery-lint"]["types"] == ["python"]
    assert HOOKS["celery-lint-project"]["pass_filenames"] is False


LAUNCH = """
shop/tasks.py Procfile deploy/Procfile.prod docker-compose.yml k8s/worker.yaml Dockerfile
docker/Dockerfile.worker worker.dockerfile Containerfile units/celery.service supervisor/worker.conf
supervisord.ini bin/start.sh run.bash Makefile GNUmakefile build/rules.mk justfile fly.toml
railway.toml package.json task-def.json app.json bin/start-worker entrypoint scripts/celery_worker
start templates/worker.service.j2 compose.yml.tmpl pyproject.toml setup.cfg requirements.txt
requirements/base.txt requirements-dev.in constraints.txt Pipfile Pipfile.lock poetry.lock uv.lock
pdm.lock pylock.toml environment.yml conda-lock.yml deps.txt
"""


@pytest.mark.parametrize("path", LAUNCH.split())
def test_the_whole_project_is_checked_again(path: str) -> None:
    """What says how the project runs makes the hook run: all that the linter reads is in the pattern."""
    assert path.endswith(".py") or path == "setup.cfg" or is_candidate(path) or is_list(path), (
        "not read any more"
    )
    assert re.search(HOOKS["celery-lint-project"]["files"], path)


@pytest.mark.parametrize("path", ["README.md", "docs/index.rst", "static/logo.png", "LICENSE", "notes.txt"])
def test_nothing_else_makes_it_run(path: str) -> None:
    assert not re.search(HOOKS["celery-lint-project"]["files"], path)

"""What is kept of a run is in order, so that it never depends on where it was found first."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Unparsed
from celery_lint.engine.verdict import judge, packed, unpacked
from celery_lint.engine.workspace import Workspace
from tests import samples

TASK = "from celery import shared_task\n\n\n@shared_task\nasync def never_{number}():\n    ...\n"
BROKEN = "from celery import (\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {f"shop/tasks_{number}.py": TASK.format(number=number) for number in range(12)}
    broken = {f"shop/broken_{number}.py": BROKEN for number in range(12)}
    return samples.write(tmp_path, {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **files, **broken})


def test_diagnostics_and_unparsed_files_are_sorted(project: Path) -> None:
    workspace = Workspace(str(project), load(str(project), {"cache": False}))
    workspace.linked()
    built = workspace._built
    assert built is not None
    unparsed = sorted(built.unparsed.values())
    verdict = judge(built.known, built.found, built.modules, reversed(unparsed))
    assert len(verdict.diagnostics) >= 12
    assert verdict.diagnostics == sorted(verdict.diagnostics)
    assert len(verdict.unparsed) == 12
    assert verdict.unparsed == unparsed


def test_it_is_kept_as_it_is(project: Path) -> None:
    workspace = Workspace(str(project), load(str(project), {"cache": False}))
    _, verdict = workspace._current()
    assert unpacked(packed(verdict)) == verdict


def test_a_report_over_several_workspaces_is_sorted(tmp_path: Path) -> None:
    """One lies within the other, and before its files by name."""
    folders = (tmp_path, tmp_path / "aaa")
    for folder in folders:
        samples.write(folder, {**samples.FILES, "app/broken.py": BROKEN})
    report = engine.check_paths([str(folder) for folder in folders], None)
    assert [entry.path for entry in report.unparsed] == [
        str(tmp_path / "aaa/app/broken.py"),
        str(tmp_path / "app/broken.py"),
    ]
    paths = [found.path for found in report.diagnostics]
    assert paths == sorted(paths)
    assert len(paths) == 4


def test_an_unparsed_file_is_told_in_its_place(project: Path) -> None:
    report = engine.check_paths([str(project)], None, overrides={"cache": False})
    assert report.unparsed[0] == Unparsed(str(project / "shop/broken_0.py"), 1, "'(' was never closed")

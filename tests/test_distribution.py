"""What the packages hold that a user installs."""

from __future__ import annotations

import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.processes import run

pytest.importorskip("setuptools")

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "celery_lint"
TOP = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")
BUILD = "from setuptools import build_meta as b; print(b.build_{}('dist'))"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a package is built from; nothing is built in the checkout itself."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, folder / "celery_lint", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name in TOP:
        shutil.copy(REPOSITORY / name, folder)
    (folder / "dist").mkdir()
    return folder


def built(checkout: Path, kind: str) -> Path:
    done = run([sys.executable, "-c", BUILD.format(kind)], cwd=checkout)
    assert done.code == 0, done.err
    return checkout / "dist" / done.out.split()[-1]


def package_files() -> set[str]:
    """All that stands in the package: code, the marker of its types, schema, pages."""
    return {
        path.relative_to(REPOSITORY).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_source_distribution_holds_no_tests_that_cannot_run(checkout: Path) -> None:
    with tarfile.open(built(checkout, "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {*TOP, *package_files()}
    assert not {name for name in names if name.startswith(("tests", "fixtures"))}


def test_the_wheel_holds_the_package_and_its_commands(checkout: Path) -> None:
    with zipfile.ZipFile(built(checkout, "wheel")) as archive:
        names = set(archive.namelist())
        (entry_points,) = [name for name in names if name.endswith("/entry_points.txt")]
        points = archive.read(entry_points).decode()
    assert {name for name in names if ".dist-info/" not in name} == package_files()
    assert "celery-lint = celery_lint.frontends.cli:command" in points
    assert "CEL = celery_lint.frontends.flake8:Plugin" in points

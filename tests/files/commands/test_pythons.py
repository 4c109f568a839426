"""Which versions of Python a project says it runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.commands.pythons import allowed, of_files, since


def minors(found: object) -> list[str]:
    """The versions that tests ask about, of those found."""
    assert isinstance(found, (set, tuple))
    asked = [(2, 7), (3, 9), (3, 10), (3, 11), (3, 12), (3, 20)]
    return [f"{major}.{minor}" for major, minor in asked if (major, minor) in found]


@pytest.mark.parametrize(
    ("spelled", "versions"),
    [
        (">=3.10", ["3.10", "3.11", "3.12", "3.20"]),
        (">=3.10, <3.12", ["3.10", "3.11"]),
        (">=3.10,<=3.11", ["3.10", "3.11"]),
        (">3.10.2,<3.12.1", ["3.10", "3.11", "3.12"]),
        ("^3.11", ["3.11", "3.12", "3.20"]),
        ("~3.11", ["3.11"]),
        ("~=3.11", ["3.11", "3.12", "3.20"]),
        ("~=3.11.4", ["3.11"]),
        ("3.11.*", ["3.11"]),
        ("==3.11.4", ["3.11"]),
        ("3.12", ["3.12"]),
        ("==3.*", ["3.9", "3.10", "3.11", "3.12", "3.20"]),
        (">=2.7,!=3.9.*,!=3.10.1,<3.12", ["2.7", "3.10", "3.11"]),
        ("~2.7 || ^3.11", ["2.7", "3.11", "3.12", "3.20"]),
        (">=3", ["3.9", "3.10", "3.11", "3.12", "3.20"]),
    ],
)
def test_a_specifier_allows_versions(spelled: str, versions: list[str]) -> None:
    assert minors(allowed(spelled)) == versions


def test_what_is_no_specifier_says_nothing() -> None:
    assert allowed("*") is None
    assert allowed(">=3.9 || any") is None


def test_an_option_says_the_oldest() -> None:
    assert minors(since("3.11")) == ["3.11", "3.12", "3.20"]
    assert since("") == ()


POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\n[tool.mypy]\npython_version = "3.9"\n'


@pytest.mark.parametrize(
    ("files", "versions"),
    [
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.11,<3.13"\n'}, ["3.11", "3.12"]),
        ({"pyproject.toml": POETRY}, ["3.11", "3.12", "3.20"]),
        ({"pyproject.toml": POETRY.replace('"^3.11"', '{ version = "3.11", optional = true }')}, ["3.11"]),
        ({"setup.cfg": "[options]\npython_requires = >=3.12\n"}, ["3.12", "3.20"]),
        ({"setup.py": "setup(name='shop', python_requires='==3.11.*')\n"}, ["3.11"]),
        ({"Pipfile": '[requires]\npython_version = "3.11"\n'}, ["3.11"]),
        ({"environment.yml": "dependencies:\n  - python=3.11\n  - python-dateutil\n"}, ["3.11"]),
        ({".python-version": "3.11.7\n"}, ["3.11"]),
        ({".python-version": "shop-env\n"}, []),
        ({".tool-versions": "nodejs 20.1\npython 3.12.1\n"}, ["3.12"]),
        ({"runtime.txt": "python-3.11.4\n"}, ["3.11"]),
        ({"Dockerfile": "FROM --platform=linux/amd64 python:3.11-slim AS base\nFROM base\n"}, ["3.11"]),
        ({"Dockerfile": "ARG V=3.12\nFROM docker.io/library/python:${V}-slim\n"}, ["3.12"]),
        ({"Dockerfile": "FROM ghcr.io/astral-sh/uv:python3.12-bookworm-slim\n"}, ["3.12"]),
        ({"worker.dockerfile": "from registry:5000/nikolaik/python-nodejs:python3.11-nodejs20\n"}, ["3.11"]),
        ({"Dockerfile": "FROM ubuntu:22.04\n"}, []),
        # Any Python 3, and nothing else that is said makes that less.
        (
            {"Dockerfile": "FROM python:${UNKNOWN}\n", ".python-version": "3.12\n"},
            ["3.9", "3.10", "3.11", "3.12", "3.20"],
        ),
        # All that somebody says counts.
        ({"Dockerfile": "FROM python:3.12\n", "web/Dockerfile": "FROM python:3.10\n"}, ["3.10", "3.12"]),
        # What tools are told counts where nobody else says anything.
        ({"pyproject.toml": '[tool.ruff]\ntarget-version = "py312"\n'}, ["3.12", "3.20"]),
        ({"pyproject.toml": "[tool.black]\ntarget-version = ['py311', 'py312']\n"}, ["3.11", "3.12", "3.20"]),
        ({"mypy.ini": "[mypy]\npython_version = 3.12\n"}, ["3.12", "3.20"]),
        ({"setup.cfg": "[mypy]\npython_version = 3.12\n"}, ["3.12", "3.20"]),
        ({"ruff.toml": 'target-version = "py310"\n', ".python-version": "3.12\n"}, ["3.12"]),
        ({"README": "Python 3.11\n"}, []),
    ],
)
def test_files_say_it(tmp_path: Path, files: dict[str, str], versions: list[str]) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    assert minors(of_files(str(tmp_path), sorted(files))) == versions


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert of_files(str(tmp_path), [".python-version"]) == ()

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
        ("~2.7 | 3.11.*", ["2.7", "3.11"]),
        (">=3.10 <3.12", ["3.10", "3.11"]),
        (">= 3.10, < 3.12.0rc1", ["3.10", "3.11", "3.12"]),
    ],
)
def test_a_specifier_allows_versions(spelled: str, versions: list[str]) -> None:
    assert minors(allowed(spelled)) == versions


def test_what_is_no_specifier_says_nothing() -> None:
    for spelled in ("*", ">=3.9 || any", "", ">=", "3.x", ">=3.9,", ">=3.9 - 3.11", f">=3.{'1' * 6000}"):
        assert allowed(spelled) is None


def test_an_option_says_the_oldest() -> None:
    assert minors(since("3.11")) == ["3.11", "3.12", "3.20"]
    assert since("") == ()


EVERY = ["2.7", "3.9", "3.10", "3.11", "3.12", "3.20"]
MADE = "ARG PYTHON_VERSION=3.9\nFROM python:${PYTHON_VERSION}-slim\n"
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
        ({".python-version": "# of pyenv\n3.11.7\n3.12.1\n"}, ["3.11", "3.12"]),
        ({".tool-versions": "nodejs 20.1\npython 3.12.1\n"}, ["3.12"]),
        ({"runtime.txt": "python-3.11.4\n"}, ["3.11"]),
        ({"Dockerfile": "FROM --platform=linux/amd64 python:3.11-slim AS base\nFROM base\n"}, ["3.11"]),
        ({"Dockerfile": "FROM ${REGISTRY}python:3.11-slim-${DEBIAN}\n"}, ["3.11"]),
        ({"Dockerfile": "FROM ${REGISTRY}/node:18\nFROM node:${NODE}\n"}, []),
        ({"Dockerfile": "FROM ghcr.io/astral-sh/uv:python3.12-bookworm-slim\n"}, ["3.12"]),
        ({"worker.dockerfile": "from registry:5000/nikolaik/python-nodejs:python3.11-nodejs20\n"}, ["3.11"]),
        ({"Dockerfile": "FROM ubuntu:22.04\n"}, []),
        # Any, and nothing else that is said makes that less.
        (
            {"Dockerfile": "FROM python:${UNKNOWN}\n", ".python-version": "3.12\n"},
            EVERY,
        ),
        ({"Dockerfile": "FROM python\n", ".python-version": "3.12\n"}, EVERY[1:]),
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


@pytest.mark.parametrize(
    ("path", "text"),
    [
        # A build may give arguments another value.
        ("Dockerfile", MADE),
        ("Dockerfile", "ARG BASE=python:3.9\nFROM ${BASE}\n"),
        ("Dockerfile", "FROM ${BASE:-python:3.9} AS base\n"),
        ("Dockerfile", "FROM python:3.${MINOR}\n"),
        ("Dockerfile", "FROM python:3.1$MINOR\n"),
        ("Dockerfile", "FROM python:{{ version }}\n"),
        ("Dockerfile", "FROM \\\n    python:3.9\n"),
        ("pyproject.toml", "[project]\nrequires-python = '>=3." + "1" * 6000 + "'\n"),
        ("pyproject.toml", "[project]\nrequires-python = ''\n"),
        ("pyproject.toml", "project.requires-python = '>=3.x'\n"),
        ("pyproject.toml", "project = { requires-python = '>=3.9' }\n"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "*"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = [{ version = "^3.12" }]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "~2.7 | >=3"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies.python]\nversion = "*"\n'),
        ("Pipfile", '[requires]\npython_version = "any"\n'),
        ("setup.cfg", "[options]\npython_requires =\n    >=3.12\n"),
        ("setup.cfg", "[options]\npython_requires: attr: shop.REQUIRED\n"),
        ("setup.py", "REQ = '>=3.9'\nsetup(name='shop', python_requires=REQ)\n"),
        ("setup.py", "setup(python_requires='>=3.12' if NEW else '>=3.9')\n"),
        ("setup.py", "setup(name='shop', **{'python_requires': '>=3.12'})\n"),
        ("setup.py", "setup(name='shop', **options())\n"),
        ("environment.yml", "dependencies:\n  - python\n"),
        ("environment.yml", "dependencies:\n  - python 3.9.*\n  - python=3.12=h123_0\n"),
        (".tool-versions", "python 3.12.1 3.8.1\n"),
        (".python-version", "shop-env\n"),
        ("runtime.txt", "python-latest\n"),
        ("tox.ini", "[tox]\nenvlist = py38, py312\n"),
        ("setup.cfg", "[tox:tox]\nenvlist = py38, py312\n"),
    ],
)
def test_what_is_not_understood_may_be_any(tmp_path: Path, path: str, text: str) -> None:
    (tmp_path / path).write_text(text)
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker/.python-version").write_text("3.12\n")
    assert minors(of_files(str(tmp_path), [path, "worker/.python-version"])) == EVERY


@pytest.mark.parametrize(
    "text",
    [
        '[tool.hatch.envs.docs]\npython = "3.9"\n',
        '[tool.poetry.dependencies.shop]\npython = "^3.9"\n',
        '[tool.poetry.dependencies]\nshop = { version = "1.0", python = "^3.9" }\n',
        '[tool.poetry.dependencies.shop]\nversion = "1.0"\nmarkers = "python_version < 4"\n',
        '[tool.shop]\nrequires-python = ">=3.9"\n',
    ],
)
def test_other_tables_say_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f'{text}[project]\nrequires-python = ">=3.12"  # of today\n')
    assert minors(of_files(str(tmp_path), ["pyproject.toml"])) == ["3.12", "3.20"]
    (tmp_path / "pyproject.toml").write_text(text)
    assert of_files(str(tmp_path), ["pyproject.toml"]) == ()


def test_what_tox_tries_is_no_more_than_a_package_allows(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\nenvlist = py312\n")
    (tmp_path / "setup.py").write_text("setup(python_requires='>=3.11')\n")
    assert minors(of_files(str(tmp_path), ["setup.py", "tox.ini"])) == ["3.11", "3.12", "3.20"]


@pytest.mark.parametrize(
    "text",
    [
        "FROM " + "${" * 60_000,
        "FROM python:" + "9" * 6000 + ".1",
        "FROM python:3." + "9" * 6000,
        "python-3." + "9" * 6000,
        "python 3." + "9" * 6000,
        "  - python=3." + "9" * 6000,
        'target-version = "py3' + "9" * 6000 + '"',
        'python_version = "3.' + "9" * 6000 + '"',
        " " * 120_000 + "python",
    ],
)
def test_texts_that_no_person_writes_end_nothing(tmp_path: Path, text: str) -> None:
    paths = [
        "Dockerfile",
        "pyproject.toml",
        "environment.yml",
        ".python-version",
        ".tool-versions",
        "mypy.ini",
    ]
    for path in paths:
        (tmp_path / path).write_text(f"{text}\n")
    assert set(of_files(str(tmp_path), paths)) <= set(since("3.0")) | {(2, 7)}


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert of_files(str(tmp_path), [".python-version"]) == ()

"""Which names lists of what is installed have."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.dependencies import distributions, newest_celery


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "celery==5.5.3\nAcme_Core>=1  # shared\n", {"celery", "acme-core"}),
        ("requirements.txt", "-e ../acme#egg=words\n", {"e", "acme", "egg", "words"}),
        ("pyproject.toml", 'name = "shop"\ndependencies = ["celery>=5"]\n', {"dependencies", "celery"}),
        ("environment.yml", "dependencies:\n  - celery\n", {"dependencies", "celery"}),
        ("pyproject.toml", "[tool.celery-lint]\nroot = true\n", None),
        ("poetry.lock", 'name = "celery"\n', None),
        ("README.md", "celery\n", None),
    ],
)
def test_names_in_lists(tmp_path: Path, name: str, text: str, expected: set[str] | None) -> None:
    """Whatever may be the name of a package counts; only a file that lists none is no list."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert distributions(str(tmp_path), [name]) == expected


@pytest.mark.parametrize(
    ("lists", "newest"),
    [
        ({"requirements.txt": "celery[redis]==5.3.6  # the broker\n"}, (5, 3)),
        ({"requirements.txt": "Celery == 5.5.3 ; python_version > '3.8' \\\n    --hash=sha256:0\n"}, (5, 5)),
        ({"requirements.txt": "celery>=5.2,<5.4\n"}, (5, 3)),
        ({"requirements.txt": "celery<=5.4.0\n"}, (5, 4)),
        ({"requirements.txt": "celery~=5.3.1\n"}, (5, 3)),
        ({"requirements.txt": "celery==5.3.*\n"}, (5, 3)),
        ({"requirements.txt": "celery<5.3.2\n"}, (5, 3)),
        ({"requirements.txt": "celery\n"}, None),
        ({"requirements.txt": "celery>=5.3\n"}, None),
        ({"requirements.txt": "celery~=5.3\n"}, None),
        ({"requirements.txt": "celery<6\n"}, None),
        ({"requirements.txt": "django-celery-beat==2.5\n"}, None),
        ({"requirements.in": "celery\n", "requirements.txt": "celery==5.3.6\n"}, (5, 3)),
        ({"a/requirements.txt": "celery==5.4.0\n", "b/requirements.txt": "celery==5.3.6\n"}, (5, 4)),
        ({"a/requirements.txt": "celery==5.4.0\n", "b/requirements.txt": "celery\n"}, None),
        ({"pyproject.toml": "dependencies = ['celery[redis]>=5.3,<5.5']\n"}, (5, 4)),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ncelery = '5.4.0'\n"}, (5, 4)),
        ({"pyproject.toml": "celery = {version = '~5.3', extras = ['redis']}\n"}, (5, 3)),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ncelery = '^5.3'\n"}, None),
        (
            {"pyproject.toml": "celery = '^5.3'\n", "poetry.lock": 'name = "celery"\nversion = "5.3.6"\n'},
            (5, 3),
        ),
        ({"Pipfile": '[packages]\ncelery = "*"\n'}, None),
        ({"Pipfile.lock": '{"celery": {"hashes": ["sha256:0"], "version": "==5.2.7"}}'}, (5, 2)),
        ({"environment.yml": "dependencies:\n  - celery=5.3.1\n"}, (5, 3)),
        ({"environment.yml": "dependencies:\n  - celery=5\n"}, None),
        ({"pyproject.toml": "[tool.poetry.dependencies]\ncelery = '~5'\n"}, None),
        (
            {"requirements.txt": "celery==5.2.7; python_version<'3.8'\ncelery>=5.4; python_version>='3.8'\n"},
            None,
        ),
        ({"requirements.txt": "celery>=5.3\n", "requirements-oldest.txt": "celery==5.2.7\n"}, None),
        ({"pyproject.toml": "dependencies = ['celery>=5.3']\nlegacy = ['celery==5.2.7']\n"}, None),
        (
            {"requirements.txt": "celery\n", "all.requirements.txt": "celery==5.2.7\n    # via -r in\n"},
            (5, 2),
        ),
    ],
)
def test_the_newest_celery(tmp_path: Path, lists: dict[str, str], newest: tuple[int, int] | None) -> None:
    for name, text in lists.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = newest_celery(str(tmp_path), list(lists))
    assert found == newest if newest else found is None or found > (5, 99)

"""Which names lists of what is installed have."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.dependencies import distributions


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

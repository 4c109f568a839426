"""Fixtures for all tests."""

from __future__ import annotations

import pytest

from tests import examples


@pytest.fixture
def example_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the example rules be the only ones, so that a new rule changes no expectation."""
    monkeypatch.setattr("celery_lint.rule._registry", list(examples.RULES))
    names = [(rule.code, rule.name) for rule in examples.RULES]
    monkeypatch.setattr("celery_lint.selection._file_names", names)

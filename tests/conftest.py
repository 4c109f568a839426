"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import examples, sharing

pytest_plugins = ["tests.scheduling", "tests.compiling", "tests.fixture_listing"]

# Commands, flake8 and pylint are run as processes: they too must find this checkout, not an installed copy.
_paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _paths))
# And they must not compile it each time: that is most of what a short command does.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# To search all that pytest and the linter hold for garbage, as often as Python would, is an eighth of a run.
gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True, scope="session")
def _folders_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or fills the cache of whoever runs the tests, and the processes of a run share."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    sharing.share_in(tmp_path_factory.getbasetemp().parent / "shared")


@pytest.fixture(autouse=True)
def _tasks_of_its_own() -> Iterator[None]:
    """What a test defines is no task of the applications that later tests make in the same process."""
    before = frozenset(_makers())
    yield
    makers = _makers()
    makers.difference_update([*filter(_is_of_a_test, makers - before)])


def _makers() -> set[Any]:
    """What Celery calls to make the tasks of every application that is made."""
    state = sys.modules.get("celery._state")
    return set() if state is None else state._on_app_finalizers


def _is_of_a_test(make: Any) -> bool:
    """Whether it is of a function in another one, or of an application, which knows its tasks by itself."""
    held = [cell.cell_contents for cell in make.__closure__ or ()]
    inner = any("<locals>" in getattr(each, "__qualname__", "") for each in held)
    return inner or make.__qualname__.startswith("Celery.task.")


@pytest.fixture
def example_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the example rules be the only ones, so that a new rule changes no expectation."""
    monkeypatch.setattr("celery_lint.rules._registry", list(examples.RULES))
    names = [(rule.code, rule.name) for rule in examples.RULES]
    monkeypatch.setattr("celery_lint.rules._file_names", names)

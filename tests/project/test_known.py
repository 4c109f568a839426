"""Parts are made of what is known: each by its class, each once, in whatever order they are asked for."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import celery_lint.analysis
import celery_lint.inventory
from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.project import unseen
from celery_lint.project.known import Known, facts
from celery_lint.project.project import Project
from tests import samples


def parts() -> list[type]:
    """Every class that is made of what is known, and of nothing else: by wing of the house."""
    found = []
    for package in (unseen, celery_lint.inventory, celery_lint.analysis):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(value) and value.__module__ == module.name:
                    constructor = vars(value).get("__init__")
                    if constructor is not None and [*inspect.signature(value).parameters] == ["known"]:
                        found.append(value)
    return found


PARTS = parts()


def linked(root: Path) -> Project:
    """The sample project, read and linked."""
    configuration = load(str(root), {"cache": False})
    known, _ = Workspace(str(root), configuration).linked()
    return known.project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return linked(samples.write(tmp_path_factory.mktemp("sample")))


def test_there_are_parts() -> None:
    assert Tasks in PARTS
    assert len(PARTS) > 60


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_a_part_can_be_asked_for_first(part: type, project: Project) -> None:
    """Nothing has to be made before: no part waits for itself, and its facts are found alone."""
    known = Known(project)
    made = known.of(part)
    assert known.of(part) is made
    for name, value in vars(part).items():
        if isinstance(value, facts):
            assert (value.owner, value.name, str(value)) == (part, name, f"{part.__name__}.{name}")
            found = value.among(known)
            assert found is getattr(made, name)


def test_two_projects_share_no_part(project: Project) -> None:
    assert Known(project).of(Tasks) is not Known(project).of(Tasks)

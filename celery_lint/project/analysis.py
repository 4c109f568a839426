"""Everything that is known once a project is linked, made lazily and at most once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from celery_lint.project.index import Project
from celery_lint.project.tasks import Tasks


class Analysis:
    """The facts of a whole project, by type, for the rules."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks, applications and wrappers."""
        return Tasks(self.project)

    def sinks(self) -> set[tuple[str, str]]:
        """Names that make another file worth reading: (name, leaf of the module that defines it)."""
        return set()

    def facts(self) -> Iterator[Any]:
        """Every fact that a rule may ask for, in the order of the files."""
        yield from self.tasks.all

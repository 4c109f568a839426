"""Imports of a name that its module binds behind the import that led there: a worker ends at its start."""

from __future__ import annotations

from celery_lint.inventory.workers.loading.circles import Circle, Circles
from celery_lint.project.known import Known, facts


class CircularImports:
    """The circles of imports at which workers end."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.circles = known.of(Circles)

    @facts
    def all(self) -> list[Circle]:
        """Those circles, by path and line of the import that fails."""
        return self.circles.all

"""Statements of functions that run only if their caller asks for it."""

from __future__ import annotations

from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.model.steps import Step
from celery_lint.project.known import Known


class OnRequest:
    """Which statements a task need not come to."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)

    def holds(self, site: Site, step: Step) -> bool:
        """Whether a function that tasks call comes to a statement only if its caller says so.

        ``def scan(path, parallel=False)``: the task need not ask for it.
        """
        if site.is_task():
            return False
        if not self.sites.is_open(site, step):
            return True
        parameters = {parameter.name for parameter in site.function.parameters}
        current = step
        for around in self.sites.flow(site).ancestors(step):
            given = around.kind == "if" and not parameters.isdisjoint(around.loads)
            if given and not self._asked_for(site, around, current.role == "body"):
                return True
            current = around
        return False

    def _asked_for(self, site: Site, test: Step, holds: bool) -> bool:
        """Whether a caller gives `True` for the parameter that has to be true, and alone decides."""
        name = test.asks_for[1:]
        if test.asks_for[:1] != "%" or test.asks_in_the_negative is holds:
            return False
        filled = site.function.filled()
        position = filled.index(name) if name in filled else len(filled)
        return any(call.argument(position, name).is_true for _, call in self.sites.ways(site))

"""Branches of functions that tasks run and that none of them comes to: what they give closes them.

``sync(story)`` never comes to what stands under ``if user is not None:`` in ``def sync(story, user=None)``.
Others, as a server has them, may come to it: this is for what happens in tasks alone. It answers *yes* only
where all ways from tasks to the function are calls in sight.
"""

from __future__ import annotations

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.workers.naming import only_called_in
from celery_lint.inventory.workers.senders.mentions import Mention, mentions_in, modules_that_count
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once


class Untaken:
    """Which statements no run of a task comes to, for what the calls on the way give."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sites = known.of(Sites)
        self.graph = known.of(CallGraph)
        self.runs = known.of(Runs)

    def holds(self, module: Module, function: Function, step: Step | None) -> bool:
        """Whether no way from a task leads to a statement of a function."""
        site = self._by_key.get((module.path, function.qualname)) if step is not None else None
        if site is None or site.is_task() or self.sites.is_open(site, step):
            return False
        said = mentions_in(self.project, modules_that_count(self.project), [function.name])
        return all(self._is_in_sight(mention, function) for _, mention in said)

    def _is_in_sight(self, mention: Mention, function: Function) -> bool:
        """Whether it is known what is given where the name of a function stands, if a task comes there."""
        module, caller = mention
        if caller is None or not caller.name:
            return False
        key = (module.path, caller.qualname)
        if caller is function or key not in self._run:
            return True
        calls = self.functions.calls(module, caller)
        return (
            key in self._by_key
            and only_called_in(self.functions, module, caller, function.name, bool(function.owner))
            and not any(call.in_lambda for call in calls if call.leaf() == function.name)
        )

    @once
    def _by_key(self) -> dict[Key, Site]:
        return {site.key: site for site in self.sites.all}

    @once
    def _run(self) -> frozenset[Key]:
        """All functions that tasks may come to in some way."""
        return frozenset([*self.graph.deeply_reached, *self.runs.task_coroutines])

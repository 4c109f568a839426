"""Several engines that one function disposes of: one after another, and in which order."""

from __future__ import annotations

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.resources.awaited_disposals import AwaitedDisposals, EngineDisposal
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts


class DisposalChain(NamedTuple):
    """The disposals of one function that a task's coroutine runs, in the order of the source."""

    module: Module
    function: Function
    disposals: tuple[EngineDisposal, ...]


class DisposalOrder:
    """The functions that dispose of more than one engine."""

    def __init__(self, known: Known) -> None:
        self.runs = known.of(Runs)
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.awaited_disposals = known.of(AwaitedDisposals)

    @facts
    def chains(self) -> list[DisposalChain]:
        """The chains in coroutines of tasks, and in the helpers that run them."""
        found = []
        keys: set[Key] = {*self.runs.task_coroutines, *self.graph.reached}
        for module, function in self.project.modules.functions_at(sorted(keys)):
            if function.mentions("dispose"):
                disposals = self.awaited_disposals.of(module, function)
                if len(disposals) > 1:
                    found.append(DisposalChain(module, function, disposals))
        return found

"""The plain functions of tasks that have to do with event loops, and how they run coroutines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runners import Runners
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

# What catches the RuntimeError of an event loop, and with it any other.
_CATCHES = frozenset({"~RuntimeError", "~Exception", "~BaseException"})


class LoopCode:
    """What the facts about event loops have in common: where to look, and what runs a coroutine."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.runners = known.of(Runners)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def calls(
        self, *leaves: str, words: Sequence[str] = ()
    ) -> Iterator[tuple[Module, Function, tuple[Reached, ...], list[Call]]]:
        """The plain functions that tasks reach with calls that end in a leaf or mention one of the words."""
        modules = self.project.modules.values()
        said = self.functions.calling(modules, *leaves), self.functions.holding(modules, *words)
        if next(chain(*said), None) is None:  # then nobody need know what tasks reach
            return
        for module, function, reached in self.graph.synchronous:
            if function.may_call(*leaves) or function.mentions(*words):
                on_the_way = tuple(way for way in reached if way.is_called)
                if on_the_way:
                    yield module, function, on_the_way, self.functions.calls(module, function)

    def name(self, module: Module, chain: str) -> str:
        """The dotted path of something outside the project."""
        if chain[:1] in "%~":
            return ""
        entity = self.project.resolve(module, chain)
        return entity.name if entity.kind == "external" else ""

    @once
    def nests(self) -> bool:
        """Whether something replaces asyncio's own idea of the current and the running loop."""
        return any(
            name.partition(".")[0] == "nest_asyncio"
            for module in self.project.product_modules()
            for name in module.imports.values()
        )

    def runs_among(self, module: Module, flow: Flow, step: Step, role: str, calls: list[Call]) -> list[Call]:
        """The calls that run a coroutine in one part of a compound statement."""
        numbers = {
            number
            for direct in flow.body(step, role)
            for inner in (direct, *flow.below(direct))
            for number in inner.calls
        }
        return [
            call
            for call in calls
            if call.number in numbers and not call.in_lambda and self.runs(module, flow.function, call)
        ]

    def runs(self, module: Module, function: Function, call: Call) -> bool:
        """Whether a call runs a coroutine to its end."""
        if call.leaf() not in ("run", "run_until_complete"):
            return False
        return self.runners.of(module, function, call) is not None


def catches(handler: Step) -> bool:
    """Whether an ``except`` clause catches the RuntimeError of a missing event loop."""
    return not handler.chains or not _CATCHES.isdisjoint(handler.chains)

"""Functions in which the number of retries decides whether another one follows.

A mention decides nothing: the number is also logged, shown, and made a ``countdown`` of.
"""

from __future__ import annotations

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import LEAVING, is_log
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known
from celery_lint.project.memory import Remembered

_COUNT = ".retries"
_QUESTIONS = frozenset({"if", "while", "match", "case"})
_ENDS = frozenset({"return", "raise", "break", "continue"})
_FLAGS = frozenset({"#True", "#False", "#None"})


class Counting:
    """Who looks at the number of retries before another one is asked for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._known = Remembered(self._decides)

    def explore(self) -> None:
        """Follow the chains of functions that are given the number."""
        for module, function in self.project.stating(_COUNT):
            for call in self.functions.calls(module, function):
                if any(given.chain.endswith(_COUNT) for given in call.takes):
                    self.graph.target(module, call.chain)

    def decides(self, module: Module, function: Function) -> bool:
        """Whether the number of retries decides on which way a function leaves."""
        if not function.states(_COUNT):
            return False
        key = (module.path, function.qualname)
        return self._known.of(key, module, function)

    def _decides(self, module: Module, function: Function) -> bool:
        flow = self.functions.of(module, function)
        names: set[str] = set()  # of what is worked out from the number
        for step in flow.steps:
            if not any(load.endswith(_COUNT) or load in names for load in step.loads):
                continue
            if step.kind == "assert" or self._is_told(module, function, step):
                return True
            if step.kind in _QUESTIONS:
                below = flow.below(step)
                if any(self._leaves(module, function, inner) for inner in below):
                    return True
                names.update(name for inner in below if inner.value in _FLAGS for name in inner.stores)
            elif step.kind in ("return", "raise", "expr"):
                if step.value == "?":
                    return True  # `raise self.retry() if self.request.retries < 3 else error`
            elif step.kind in ("assign", "augment"):
                names.update(step.stores)
        return False

    def _leaves(self, module: Module, function: Function, step: Step) -> bool:
        """Whether a statement ends the function, or asks for the retry that is decided about."""
        if step.kind in _ENDS:
            return True
        calls = self.functions.calls(module, function)
        made = [calls[number] for number in step.calls] if not is_log(step) else []
        return any(leaf_of_chain(call.chain) in LEAVING or self._raises(module, call.chain) for call in made)

    def _is_told(self, module: Module, function: Function, step: Step) -> bool:
        """Whether a function that may raise is given the number."""
        calls = self.functions.calls(module, function)
        return any(
            any(given.chain.endswith(_COUNT) for given in calls[number].takes)
            and self._raises(module, calls[number].chain)
            for number in step.calls
        )

    def _raises(self, module: Module, chain: str) -> bool:
        target = self.graph.target(module, chain)
        return target is not None and target[1].has("raise")

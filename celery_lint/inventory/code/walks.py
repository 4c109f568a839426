"""What a run of a function comes to, with what each call on the way is certain to give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from celery_lint.inventory.code.decided.given import Given, given_by, is_closed, truth
from celery_lint.inventory.code.graph import LAYERS, CallGraph, View, view_of
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

#: Methods of a task's class that Celery calls in the process of the task.
HOOKS = ("__call__", "before_start", "on_success", "after_return")
# Functions and classes are true, whatever they do.
_CALLABLE = "()"


class Start(NamedTuple):
    """A function that is run, and what it is given for certain."""

    module: Module
    function: Function
    given: Given


class Walks:
    """The functions that a run comes to, each with all that it may be given there."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.tasks = known.of(Tasks)

    def may_come_to(self, module: Module, function: Function) -> bool:
        """Whether tasks lead to a function, or Celery calls it beside one: what may be a site is among these.

        To know this costs next to nothing where ``CallGraph`` has been asked to explore.
        """
        return (module.path, function.qualname) in self._led_to or function.name in HOOKS

    @once
    @asking("hint")
    def _led_to(self) -> frozenset[Key]:
        return frozenset(
            (module.path, function.qualname)
            for task in self.tasks.product
            for module, function in self.graph.closure_of(task)
        )

    def starts(
        self, module: Module, function: Function, callers: Sequence[tuple[Module, Function]]
    ) -> list[Start]:
        """What callers may give a function: nothing is known where none of them is seen to call it."""
        found: list[Start] = []
        for home, caller in callers:
            for call in self.functions.calls(home, caller):
                if function.name in call.chain and self.graph.target(home, call.chain) == (module, function):
                    found.append(Start(module, function, self._given(home, call, module, function, ())))
        return found or [Start(module, function, ())]

    def of(self, starts: Sequence[Start]) -> dict[Key, set[Given]]:
        """The functions that these runs come to, through all layers."""
        found: dict[Key, set[Given]] = {}
        seen: set[tuple[View, Given]] = set()
        level: list[tuple[Module, Function, Entity | None, Given]] = [
            (*start[:2], None, start[2]) for start in starts
        ]
        for _ in range(LAYERS + 1):
            following: list[tuple[Module, Function, Entity | None, Given]] = []
            for module, function, receiver, given in level:
                step = view_of(module, function, receiver), given
                if step in seen:
                    continue
                seen.add(step)
                found.setdefault((module.path, function.qualname), set()).add(given)
                for callee in self.graph.callees(module, function, receiver):
                    if not self.skips(module, function, callee.call, given):
                        target = callee.module, callee.function
                        call = callee.call
                        handed = self._given(module, call, *target, given) if callee.is_called else ()
                        following.append((*target, callee.receiver, handed))
            level = following
        return found

    def _given(self, home: Module, call: Call, module: Module, function: Function, known: Given) -> Given:
        found = given_by(call, function, self.functions.of(module, function), known)
        names = {name for name, _ in found}
        more = [
            (name, (_CALLABLE, True))
            for each in call.takes
            if each.kind == "name"
            and each.chain[:1] != "%"
            and (name := function.parameter_given(call, each.chain))
            and name not in names
            and self.project.resolve(home, each.chain).kind in ("function", "class")
        ]
        return (*found, *more)

    def skips(self, module: Module, function: Function, call: Call, given: Given) -> bool:
        """Whether a function that is given these values never makes a call."""
        if not given:
            return False
        flow = self.functions.of(module, function)
        step = flow.step_of(call)
        if step is None:
            return False
        if is_closed(flow, step, given):
            return True
        # `make() if make else get()`, `make or get()`: one of several operands, as it decides
        makers = {name for name, (data, _) in given if data == _CALLABLE and name in step.loads}
        decided = bool(makers) and step.kind in ("assign", "return") and step.value == "?"
        return decided and call.parent < 0 and call.chain.removeprefix("%") not in makers

    def binds(self, module: Module, function: Function, name: str, given: Given) -> bool:
        """Whether a function that is given these values binds a name anew because of one of them."""
        flow = self.functions.of(module, function) if given else None
        for step in flow.steps if flow is not None else ():
            if flow is not None and name in step.stores:
                tests = list(_tests(flow, step))
                if tests and all(truth(test, given) is holds for test, holds in tests):
                    return True
        return False


def _tests(flow: Flow, step: Step) -> Iterator[tuple[Step, bool]]:
    """The tests around a statement, each with the answer that leads to it."""
    for around in flow.ancestors(step):
        if around.kind == "if":
            yield around, step.role == "body"
        step = around

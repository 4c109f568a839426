"""Statements that are never reached, because one before them certainly raises or leaves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from celery_lint.inventory.code.ends.raising import Raising, is_made
from celery_lint.inventory.code.ends.targets import Target, Targets
from celery_lint.model.calls import Call
from celery_lint.model.facts import Constant, Function, Module, Place, Value
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known
from celery_lint.project.memory import Remembered

Outcome = Literal["raises", "leaves", ""]
"""What a statement does for certain: it raises, it ends the statements around it in one way or another, or
none of that is known."""

# A `raise` that is no part of another statement, as statements are packed.
_RAISE = re.compile(r"^Rb\w*\t-1\t", re.MULTILINE)
_LEAVING = frozenset({"return", "continue", "break"})
_ROLES = ("body", "else", "finally")


class Unreached:
    """The statements that no run comes to.

    Behind a statement that raises or leaves, the rest of its block: whatever catches the exception goes on
    elsewhere. A function that a call certainly runs, and that certainly raises, makes the call one that does:
    one step, since what it calls itself is asked no more.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.targets = known.of(Targets)
        self.raising = known.of(Raising)
        self._raised = Remembered[frozenset[int]](self._find_raised, self.project.reading, "what raises")

    def holds(self, place: Place) -> bool:
        """Whether a place lies in statements that are never reached, or that no deployed worker runs."""
        module = self.project.modules.find(place.path)
        if module is None:
            return False
        function = self.functions.around(module, Value("unknown", place.span))
        if function is not None and function.name and module.sets_apart(place.span.line):
            return True
        at = place.span.start
        while function is not None and function.name:
            found = module.functions.get(function.qualname)
            if found is None:
                return False
            steps = self.functions.of(module, found).steps
            step = next((step for step in reversed(steps) if step.span.start <= at), None)
            if step is not None and step.number in self.of(module, found):
                return True
            at = found.span.start
            function = module.functions.get(found.parent) if found.parent else None
        return False

    @asking("quiet")
    def calls(self, module: Module, function: Function) -> frozenset[int]:
        """The numbers of the calls that are never made, and of those that Python refuses."""
        raised, refused = self._raising(module, function), self.raising.refused(module, function)
        if not raised:
            return refused
        unreached = self._unreached(self.functions.of(module, function), raised)
        steps = self.functions.of(module, function).steps
        return refused.union(*(steps[number].calls for number in unreached))

    def of(self, module: Module, function: Function) -> frozenset[int]:
        """The numbers of the statements that are never reached."""
        return self._unreached(self.functions.of(module, function), self._raising(module, function))

    def given(self, module: Module, function: Function, values: Mapping[str, Constant]) -> frozenset[int]:
        """The same, where parameters are given these values: ``Kind(kind)`` of an enumeration without it."""
        asking = [
            call
            for call in (self.functions.calls(module, function) if values else ())
            if (asked := self.raising.attributes.asked_by(call)).chain[:1] == "%"
            and asked.chain[1:] in values
            and self.raising.attributes.has_no(module, call, values[asked.chain[1:]])
        ]
        flow = self.functions.of(module, function)
        raised = {step.number for call in asking if (step := flow.step_of(call)) and is_made(step, call)}
        return self._unreached(flow, self._raising(module, function) | raised) if raised else frozenset()

    # ------------------------------------------------------------------ what raises

    def _raising(self, module: Module, function: Function) -> frozenset[int]:
        key = (module.path, function.qualname)
        return self._raised.of(key, module, function, self.project.modules.count)

    def _find_raised(self, module: Module, function: Function, _: int) -> frozenset[int]:
        """The statements that raise by themselves, or by what they call."""
        found = set(self.raising.steps(module, function))
        calls = self.functions.calls(module, function) if function.name else ()
        failing = [call for call in calls if self._fails(module, call)]
        for call in failing:
            step = self.functions.of(module, function).step_of(call)
            if step is not None and is_made(step, call):
                found.add(step.number)
        return frozenset(found)

    def _fails(self, module: Module, call: Call) -> bool:
        """Whether a call runs a function of the project to the end, and that end is an exception."""
        if call.chain[:1] in "%~":
            return False
        target = self.targets.of(module, call.chain)
        if target is None or not target.bare or target.function.is_generator:
            return False
        return call.is_awaited == target.function.is_async and self._always_raises(target)

    def _always_raises(self, target: Target) -> bool:
        module, function = target.module, target.function
        raised = self.raising.steps(module, function)
        stated = not target.itself and _RAISE.search(function.packed_steps) is not None
        if not raised and not stated:
            return False
        flow = self.functions.of(module, function)
        outcomes = _outcomes(flow, raised)
        for step in flow.body():
            if any(inner.kind == "return" for inner in (step, *flow.below(step))):
                return step.number in raised
            if outcomes.get(step.number) == "raises":
                return stated or step.number in raised
        return False

    # ------------------------------------------------------------------ what is behind

    def _unreached(self, flow: Flow, raised: frozenset[int]) -> frozenset[int]:
        outcomes = _outcomes(flow, raised)
        found: set[int] = set()
        ended: set[tuple[int, str]] = set()
        for step in flow.steps:
            if (step.parent, step.role) in ended or step.parent in found:
                found.add(step.number)
                continue
            if step.number in raised:  # what it holds comes after what it says itself
                ended.update((step.number, role) for role in ("body", "else", "case"))
            if step.number in outcomes and step.kind != "handler":
                ended.add((step.parent, step.role))
                if step.role == "body" and flow.steps[step.parent].kind == "try":  # its `else` comes after
                    ended.add((step.parent, "else"))
        return frozenset(found)


def _outcomes(flow: Flow, raised: frozenset[int]) -> dict[int, Outcome]:
    """What statements that are come to certainly do, where that is known: the innermost first."""
    found: dict[int, Outcome] = {}
    blocks: dict[tuple[int, str], Outcome] = {}
    handlers: dict[int, list[Outcome]] = {}
    for step in reversed(flow.steps):
        inside = {role: blocks.get((step.number, role), "") for role in _ROLES}
        outcome: Outcome = ""
        if step.kind == "raise" or (step.number in raised and not _may_keep(step)):
            outcome = "raises"
        elif step.kind in _LEAVING:
            outcome = "leaves"
        elif step.kind == "if":
            outcome = _both(inside["body"], inside["else"])
        elif step.kind == "try":
            outcome = inside["body"] or inside["else"]
            for handler in handlers.get(step.number, ()):
                outcome = _both(outcome, handler)
            outcome = inside["finally"] or outcome
        elif step.kind == "handler":
            handlers.setdefault(step.parent, []).append(inside["body"])
        if outcome:
            found[step.number] = outcome
            blocks[step.parent, step.role] = outcome
    return found


def _may_keep(step: Step) -> bool:
    """Whether an object that a ``with`` enters before another may keep the exception of that to itself."""
    return step.kind == "with" and len(step.chains) > 1


def _both(one: Outcome, other: Outcome) -> Outcome:
    """What is certain where one or the other is so."""
    if not one or not other:
        return ""
    return one if one == other else "leaves"

"""Asynchronous generators that are used as plain ones, which Python refuses: ``next(get_session())``."""

from __future__ import annotations

import builtins
import re
from collections import Counter

from celery_lint.inventory.code.ends.targets import Targets
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

# Functions of Python that ask what they are given for an iterator, or to be one.
_ITERATING = frozenset(
    {
        "all", "any", "dict", "enumerate", "filter", "frozenset", "iter", "list", "map", "max", "min", "next",
        "reversed", "set", "sorted", "sum", "tuple", "zip",
    }
)  # fmt: skip
_MADE = tuple(f"~{name}()" for name in sorted(_ITERATING - {"filter", "map"}))
_SAID = re.compile("|".join(map(re.escape, _MADE)))
_KINDS = frozenset({"assign", "expr", "return", "with"})


class AsyncGenerators:
    """What asks an asynchronous generator for an iterator: ``'async_generator' object is not iterable``."""

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.targets = known.of(Targets)

    def is_refused(self, module: Module, function: Function, call: Call) -> bool:
        """Whether Python refuses what a call of an asynchronous generator function is used for."""
        step = self.functions.of(module, function).step_of(call)
        if step is None or call.is_awaited or step.waits or call.parent >= 0 or call.in_lambda:
            return False
        if call.is_argument:
            return _iterates(step)
        if step.kind != "for" or not call.is_looked_into:
            return False
        calls = self.functions.calls(module, function)
        return not any(calls[number].chain.startswith(f"{call.chain}().") for number in step.calls)

    def steps(self, module: Module, function: Function) -> set[int]:
        """The numbers of the statements that ask one for an iterator by a name: ``g = get(); next(g)``."""
        found: set[int] = set()
        packed = function.packed_steps
        if not function.name or not _SAID.search(packed):
            return found
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        if not any(not step.calls and not step.waits and _iterates(step) for step in flow.steps):
            return found
        bound: dict[str, Step] = {}
        names = Counter(name for step in flow.steps for name in step.stores)
        names.update(parameter.name for parameter in function.parameters)
        for step in flow.steps:
            if step.kind == "assign" and len(step.stores) == 1 and names[step.name] == 1:
                made = [calls[number] for number in step.calls if f"{calls[number].chain}()" == step.value]
                if len(made) == 1 and made[0].is_bound and not made[0].is_awaited:
                    bound[step.name] = step
                    continue
            asked = bound.keys() & set(step.loads)
            if len(asked) != 1 or not _iterates(step) or step.waits or step.calls:
                continue
            if self.is_made_by(module, bound[min(asked)].value.removesuffix("()")):
                found.add(step.number)
        return found

    def is_made_by(self, module: Module, chain: str) -> bool:
        """Whether a call of this chain certainly gives an asynchronous generator."""
        target = self.targets.of(module, chain)
        return (
            target is not None and target.bare and not target.itself and is_async_generator(target.function)
        )


def is_async_generator(function: Function) -> bool:
    """Whether calling a function, as it is written, gives an asynchronous generator."""
    return function.is_async and function.is_generator


def _iterates(step: Step) -> bool:
    """Whether a statement gives all that it calls to functions of Python that iterate over it at once."""
    if step.kind != "for" and not (step.kind in _KINDS and step.value.partition("=")[0].startswith(_MADE)):
        return False
    used = {name for name in step.loads if name.isidentifier() and hasattr(builtins, name)}
    return bool(used) and used <= _ITERATING | {"None"}

"""Whose names are sent where a call gives none that is written there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.workers.naming import NOWHERE, naming, spans_of
from celery_lint.model.arguments import Argument
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.model.words import held, words_in
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

Told = list[tuple[Module, Function]] | Literal["of the run", "anything"]
"""The functions that hand on a name which everybody who calls them writes down.

Or a name that comes whole from a request, a row or a message; or one of which code may write parts.
"""

# A name is followed through so many functions that pass it on.
_DEEPEST = 3
# What takes something out of what the run has, and what leaves a text as it is.
_TAKING = frozenset({"get", "pop", "getenv"})
_LEAVING = frozenset({"strip", "decode"})
# How statements say what is no name: a display; a text that is put together, an operation, anything else.
_DISPLAYS = ("{", "[", "(")
_NO_PATHS = (*_DISPLAYS, "'", "#", "|", "*", "?")
_PUT_TOGETHER = frozenset({"text", "arithmetic", "unknown", "call", "lambda"})


class ToldNames:
    """What is known of the names that ``send_task`` and its like are given."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    @once
    @asking("quiet")
    def all(self) -> list[Told]:
        """For each call that sends by a name that is no text: who tells it."""
        return [
            self._of_value(sending.module, sending.function, given)
            for sending in self.sendings.all
            if sending.through == "application" and sending.task is None
            for given in [_name_given(sending)]
            if given is None or self.project.text(sending.module, given) is None
        ]

    def is_text(self, module: Module, given: Argument) -> bool:
        """Whether an argument is a text that is written down, here or as a constant."""
        return given.kind == "text" or self._is_constant(module, given.chain)

    def _is_constant(self, module: Module, chain: str) -> bool:
        if not chain:
            return False
        known = self.project.constant(module, Value("name", NOWHERE, None, chain))
        return known is not None and known.kind == "constant"

    # ------------------------------------------------------------------ what stands there

    def _of_value(self, module: Module, function: Function, value: Value | None) -> Told:
        if value is None:
            return "anything"
        if value.kind == "either":
            return _all(self._of_value(module, function, each) for each in value.items)
        if value.kind == "constant":
            return []
        chain = f"{value.chain}()" if value.kind == "call" else value.chain
        return self._of(module, function, chain, _DEEPEST) if value.kind in ("name", "call") else "anything"

    def _of(self, module: Module, function: Function, chain: str, depth: int) -> Told:
        if not depth or not chain or chain.startswith(_NO_PATHS):
            return "anything"
        if self._is_constant(module, chain):
            return []
        name = chain.removeprefix("%")
        if name == chain:
            return self._of_the_module(module, chain)
        first, _, rest = name.replace("[]", ".[]").partition(".")
        called = leaf_of_chain(name[:-2]) if name.endswith("()") else ""
        if first in ("self", "cls") or (called and called not in _TAKING | _LEAVING):
            return "anything"
        stored = [step for step in function.steps() if first in step.stores]
        if stored:
            taken = bool(rest) and called not in _LEAVING
            return _all(self._of_step(module, function, step, taken, depth) for step in stored)
        if name == first and name in function.filled():
            return self._passed_on(module, function, name, depth)
        return "of the run"

    def _of_step(self, module: Module, function: Function, step: Step, taken: bool, depth: int) -> Told:
        """What a statement binds, or what is taken out of that.

        A display that reads no name has nothing in it but what is written.
        """
        found: list[Told] = []
        for chain in step.chains:
            if chain in ("#'", "#None"):
                found.append([])
            elif chain.startswith(_DISPLAYS):
                found.append("anything" if step.loads else "of the run")
            elif taken and not chain.startswith(_NO_PATHS):
                found.append("of the run")
            else:
                found.append(self._of(module, function, chain.partition(" ")[0], depth - 1))
        return _all(found) if found else "anything"

    def _of_the_module(self, module: Module, chain: str) -> Told:
        """What is taken out of a table of names, out of what a call gives, or out of a row."""
        if chain.endswith("()"):
            return "of the run" if leaf_of_chain(chain[:-2]) in _TAKING else "anything"
        if not chain.endswith("[]"):
            called, _, field = chain.rpartition("().")
            is_row = called and "." not in field and self.project.resolve(module, chain).kind == "external"
            return "of the run" if is_row else "anything"
        if "()" in chain:
            return "of the run"
        value = self.project.resolve(module, chain.removesuffix("[]")).value
        if value is None or any(each.kind in _PUT_TOGETHER for each in held(value)):
            return "anything"
        return "of the run"

    # ------------------------------------------------------------------ who hands it on

    def _passed_on(self, module: Module, function: Function, name: str, depth: int) -> Told:
        """The functions that hand on a parameter, if everybody who calls them writes down a text for it."""
        modules = self.project.product_modules()
        outside, given = naming(self.functions, modules, {function.name})
        if any(
            other.path in outside or (other.path in given and self._is_handed_on(other, function.name))
            for other in modules
        ):
            return "anything"  # it may be called by another name
        # A route or a closure is called by somebody else as well, who hardly puts names together.
        found: list[Told] = ["of the run" if function.is_nested() or function.decorators else []]
        found.append([(module, function)])
        for other, caller, said in self.functions.saying(modules, {function.name}):
            if said and caller is not function:
                found.append(self._told_by(other, caller, function, name, depth))
        return _all(found)

    def _is_handed_on(self, module: Module, name: str) -> bool:
        """Whether a function takes a name by default or gives it back uncalled."""
        return any(
            name in words_in(" ".join(parameter.default for parameter in function.parameters))
            or any(
                each.kind != "call" and next(spans_of(each, name), None) is not None
                for value in (*function.returns, *(value for _, value in function.values))
                for each in held(value)
            )
            for _, function in module.functions.every()
        )

    def _told_by(self, module: Module, caller: Function, called: Function, name: str, depth: int) -> Told:
        """The functions that hand a name on to a caller, if all its calls tell it."""
        calls = self.functions.calls(module, caller)
        those = [call for call in calls if call.leaf() == called.name]
        if not those or any(leaf_of_chain(given) == called.name for call in calls for given in call.named):
            return "anything"
        found: list[Told] = []
        for call in those:
            given = call.argument(called.filled().index(name), name)
            if given.kind in ("starred", "absent"):
                found.append("of the run")
            elif not self.is_text(module, given):
                chain = f"{calls[given.number].chain}()" if given.kind == "call" else given.chain
                found.append(self._of(module, caller, chain, depth - 1))
        return _all(found)


def _all(found: Iterable[Told]) -> Told:
    """What is known of several: the least that is known of any."""
    told: list[tuple[Module, Function]] = []
    of_the_run = False
    for each in found:
        if each == "anything":
            return "anything"
        if isinstance(each, str):
            of_the_run = True
        else:
            told += each
    return "of the run" if of_the_run else told


def _name_given(sending: Sending) -> Value | None:
    value = sending.value
    return value.first() or value.keyword("name") if value is not None else None

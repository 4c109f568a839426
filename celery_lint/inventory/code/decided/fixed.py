"""What a function asks for in its conditions that is the same in every run: constants, and what is off."""

from __future__ import annotations

import re

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.decided.given import (
    SETTINGS,
    Given,
    asked_in,
    compared_in,
    key_of,
    settings_asked_for,
)
from celery_lint.inventory.code.decided.settled import Settled
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.data import TEXT_CHOICES
from celery_lint.model.chains import is_constant_name
from celery_lint.model.facts import Constant, Function, Module
from celery_lint.project.known import Known

# An `if` whose test names a constant, as statements are packed.
_OF_A_CONSTANT = re.compile(r"^i[^\n]*[.:][A-Z][A-Z0-9_]+(?: |$)", re.MULTILINE)


class Fixed:
    """The conditions that no run decides."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.graph = known.of(CallGraph)
        self.settled = known.of(Settled)

    def explore(self) -> None:
        """Follow the names of constants that the functions which tasks call ask for."""
        for module, function, _ in self.graph.synchronous:
            if function.has("if") and _OF_A_CONSTANT.search(function.packed_steps) is not None:
                self._ask_for_classes(module, function)
                self.of(module, function)

    def _ask_for_classes(self, module: Module, function: Function) -> None:
        """Have the classes read whose constants a function compares its parameters with."""
        for step in self.functions.of(module, function).steps:
            for name, word in compared_in(step) if step.kind == "if" else ():
                chain = word[1:]
                if chain[:1] not in (":", "~", "%") and "(" not in chain and function.takes(name):
                    located = self.project.imports.locate(chain, module.path)
                    if located is not None and located.rest:
                        self.project.reading.want(located.path)

    def of(self, module: Module, function: Function) -> Given:
        """What a function asks the project's settings for that is off in all of them, and constants.

        Those that it compares with, as ``Channel.MAIL``, by their texts.
        """
        if not function.has("if"):
            return ()
        by_settings = function.states(*SETTINGS)
        if not by_settings and _OF_A_CONSTANT.search(function.packed_steps) is None:
            return ()
        found: dict[str, tuple[Constant, bool]] = {}
        for step in self.functions.of(module, function).steps:
            if step.kind == "if":
                for word in settings_asked_for(step) if by_settings else ():
                    if self.settings.is_off(key_of(word)):
                        found[word] = False, False
                for word in asked_in(step):
                    holds = self._constant(module, word) if is_constant_name(word) else None
                    if holds is not None:
                        found[word] = holds, holds
                for _, word in compared_in(step):
                    text = self._text(module, word[1:])
                    if text is not None:
                        found[word] = text, bool(text)
        return tuple(sorted(found.items()))

    def _text(self, module: Module, chain: str) -> str | None:
        """The text that a constant with a name equals, of a module or a class."""
        found = self.settled.of_class(module, chain)
        if found is None:
            found = self.settled.value(module, chain)
            return self.project.text(*found) if found is not None else None
        bases = self._bases(module, chain)
        if bases and TEXT_CHOICES.isdisjoint(bases):
            return None
        home, value = found
        labelled = bool(bases) and value.kind == "sequence"
        return self.project.text(home, value.first() if labelled else value)

    def _bases(self, module: Module, chain: str) -> tuple[str, ...]:
        class_ = self.project.resolve(module, chain.rpartition(".")[0]).class_()
        return class_.bases if class_ is not None else ()

    def _constant(self, module: Module, chain: str) -> bool | None:
        """The truth value that a module binds to a name once, and that nobody changes."""
        found = self.settled.value(module, chain)
        data = found[1].data if found is not None and found[1].kind == "constant" else None
        return data if isinstance(data, bool) else None

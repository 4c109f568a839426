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
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.data import TEXT_CHOICES
from celery_lint.model.chains import is_constant_name, leaf_of_chain
from celery_lint.model.facts import Constant, Function, Module
from celery_lint.project.known import Known, once

# An `if` whose test names a constant, as statements are packed.
_OF_A_CONSTANT = re.compile(r"^i[^\n]*[.:][A-Z][A-Z0-9_]+(?: |$)", re.MULTILINE)


class Fixed:
    """The conditions that no run decides."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.graph = known.of(CallGraph)

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
        owner = self.project.resolve(module, chain.rpartition(".")[0])
        class_ = owner.class_() if owner.kind == "class" else None
        if class_ is not None and owner.module is not None:
            values = class_.attributes.get(leaf_of_chain(chain), ())
            if class_.bases and TEXT_CHOICES.isdisjoint(class_.bases):
                return None
            first = values[0] if len(values) == 1 else None
            if class_.bases and first is not None and first.kind == "sequence":  # with a label
                first = first.first()
            return self.project.text(owner.module, first)
        origin = self.project.resolve(module, chain).origin
        home = self.project.modules[origin[0]] if origin is not None else None
        values = home.bindings.get(origin[1], ()) if home is not None and origin is not None else ()
        if home is None or len(values) != 1 or self.functions.around(home, values[0]) is not None:
            return None
        if origin is None or origin[1] in self._set_from_elsewhere:
            return None
        return self.project.text(home, values[0])

    def _constant(self, module: Module, chain: str) -> bool | None:
        """The truth value that a module binds to a name once, and that nobody changes."""
        origin = self.project.resolve(module, chain).origin
        if origin is None:
            return None
        path, name = origin
        home = self.project.modules[path]
        values = home.bindings.get(name, ())
        if len(values) != 1 or values[0].kind != "constant" or name in self._set_from_elsewhere:
            return None
        data = values[0].data
        return data if isinstance(data, bool) and self.functions.around(home, values[0]) is None else None

    @once
    def _set_from_elsewhere(self) -> set[str]:
        """The attributes that the product sets: ``config.DRY = True``."""
        return {
            assignment.key
            for module in self.project.product_modules()
            for assignment in module.assignments
            if not assignment.subscript
        }

"""What a function asks for in its conditions that is the same in every run: constants, and what is off."""

from __future__ import annotations

import re

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.decided.given import SETTINGS, Given, asked_in, key_of, settings_asked_for
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.chains import is_constant_name
from celery_lint.model.facts import Function, Module
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
                self.of(module, function)

    def of(self, module: Module, function: Function) -> Given:
        """What a function asks the project's settings for that is off in all of them, and constants."""
        if not function.has("if"):
            return ()
        by_settings = function.states(*SETTINGS)
        if not by_settings and _OF_A_CONSTANT.search(function.packed_steps) is None:
            return ()
        found: dict[str, bool] = {}
        for step in self.functions.of(module, function).steps:
            if step.kind == "if":
                for word in settings_asked_for(step) if by_settings else ():
                    if self.settings.is_off(key_of(word)):
                        found[word] = False
                for word in asked_in(step):
                    holds = self._constant(module, word) if is_constant_name(word) else None
                    if holds is not None:
                        found[word] = holds
        return tuple([(word, (holds, holds)) for word, holds in sorted(found.items())])

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

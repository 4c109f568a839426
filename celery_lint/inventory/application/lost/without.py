"""Modules in which ``-A`` finds no application, though they are there.

Of a module Celery takes ``app``, else ``celery``, unless these are modules; of a package what its module
``celery`` has; else whatever is an application. It answers *yes* only where each name of the module is known
to be something else (https://github.com/celery/celery/blob/v5.5.3/celery/app/utils.py, ``find_app``).
"""

from __future__ import annotations

import re
import sys

from celery_lint.inventory.application.applications import Applications
from celery_lint.model.facts import PATH, Module, Value
from celery_lint.project.known import Known
from celery_lint.project.unseen.set_modules import SetModules

# What Celery looks for first, whatever it is.
_FIRST = ("app", "celery")
_PLAIN = frozenset({"constant", "sequence", "mapping", "lambda", "arithmetic", "text"})
# What another package may call an application that it hands out.
_LIKE_APPLICATIONS = re.compile(r"app|broker|celery|job|queue|task|worker", re.IGNORECASE)
# Without one of these words a file can have nothing of another one, nor folders besides its own.
_OF_OTHERS = ("import", "exec", PATH)
# Names of Celery's own that stand for an application.
_CURRENT = ("current_app", "app_or_default", "default_app", "_state")


class WithoutApplication:
    """Which modules certainly hold no application."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self.set_modules = known.of(SetModules)

    def named(self, dotted: str) -> bool:
        """Whether a dotted name leads to one module of the project, in which there is none."""
        paths = self.imports.files_of(dotted)
        if len(paths) != 1 or self.imports.holding(f"{dotted}.celery"):
            return False
        package, _, leaf = dotted.rpartition(".")
        for above in self.imports.files_of(package) if package else ():
            module = self.read(above)
            if module is not None and not self._leaves(module, leaf, paths[0]):
                return False
        return self.holds_none(paths[0])

    def behind(self, dotted: str, name: str) -> bool:
        """Whether a module binds a name to a module of the project, in which there is none."""
        paths = self.imports.files_of(dotted)
        module = self.read(paths[0]) if len(paths) == 1 else None
        if module is None or _defines(module, name) or name not in module.imports:
            return False
        located = self.imports.locate(module.imports[name], module.path)
        return located is not None and not located.rest and self.holds_none(located.path)

    def holds_none(self, path: str) -> bool:
        """Whether none of the names of a module is an application, or taken for one."""
        if path in self.project.unparsed:
            return False
        given = self.set_modules.set_on(path)
        if any(each.key in ("", *_FIRST) or not self._is_plain(giver, each.value) for giver, each in given):
            return False
        module = self.read(path)
        if module is None:
            return True  # it imports nothing
        if module.star_imports or module.hidden:
            return False
        return not any(_defines(module, name) for name in _FIRST) and all(
            self._is_other(module, name) for name in (*module.imports, *module.bindings)
        )

    def read(self, path: str) -> Module | None:
        """A module that may have names or folders of others; ``None`` where it says nothing of the kind."""
        if path in self.project.unparsed:
            return None
        readings = (self.project.reading.module(path, word) for word in _OF_OTHERS)
        return next((module for module in readings if module is not None), None)

    def _leaves(self, package: Module, name: str, path: str) -> bool:
        """Whether a package leaves the name of its module to that module."""
        if package.star_imports or _defines(package, name) or self.set_modules.may_have(package, name):
            return False
        located = (
            self.imports.locate(package.imports[name], package.path) if name in package.imports else None
        )
        return name not in package.imports or (located is not None and located == (path, ()))

    # ------------------------------------------------------------------ one name

    def _is_other(self, module: Module, name: str) -> bool:
        """Whether a name certainly means no application, and is not taken for one."""
        entity = self.project.member(module, name)
        if entity.origin is not None and self.applications.get(entity.origin) is not None:
            return False
        if name in module.bindings:
            return name not in module.imports and all(
                self._is_plain(module, each) for each in module.bindings[name]
            )
        if entity.kind == "module" or module.imports[name].isidentifier():
            return True
        if name in _FIRST:
            return False
        if entity.kind in ("function", "class", "value"):
            return True
        dotted = module.imports[name]
        located = self.imports.locate(dotted, module.path)
        return located is None and self._is_foreign(dotted, name)

    def _is_plain(self, module: Module, value: Value) -> bool:
        """Whether a value is no application: a literal, or something of Python or of another package."""
        if value.kind in _PLAIN:
            return True
        if value.kind != "call":
            return False
        made = self.project.resolve(module, value.chain)
        if made.kind == "external":
            return self._is_foreign(made.name, made.name.rpartition(".")[2])
        return False

    def _is_foreign(self, dotted: str, name: str) -> bool:
        """Whether what another package has is no application, by all that can be told from its name."""
        top = dotted.partition(".")[0].rstrip("()")
        if top in sys.stdlib_module_names or top == "builtins":
            return True
        if top == "celery":
            return not any(part in dotted for part in _CURRENT) and dotted.rpartition(".")[2] != "Celery"
        return not dotted.startswith(".") and not _LIKE_APPLICATIONS.search(name)


def _defines(module: Module, name: str) -> bool:
    return name in module.functions or name in module.classes or name in module.bindings

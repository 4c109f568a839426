"""Where nest_asyncio makes ``asyncio.run`` run coroutines on the loop of the thread, and keep that.

Whoever applies it replaces ``asyncio.run`` in the whole process: it takes the thread's loop, makes one where
there is none, and closes none (https://github.com/erdewit/nest_asyncio). Other runners stay what they are.
"""

from __future__ import annotations

from celery_lint.inventory.application.applications import Applications
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

_APPLY = "nest_asyncio.apply"
_SIGNALS = "celery.signals."


class Nesting:
    """Which code runs in a process that nest_asyncio has changed."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self._reaching: dict[str, bool] = {}

    def applies(self, module: Module, function: Function) -> bool:
        """Whether a function applies it, or a module that is imported before the function runs."""
        return function.mentions(_APPLY) or self._in_all_processes or self._imports_it(module.path)

    @once
    def _in_all_processes(self) -> bool:
        """Whether each worker applies it: where its application is made, or in a handler of its signals."""
        return self._by_handlers or any(
            self._imports_it(application.module.path) for application in self.applications.product
        )

    @once
    def _by_handlers(self) -> bool:
        return any(
            decorator.chain.startswith(_SIGNALS)
            for module in self.project.product_modules()
            for function in module.functions.holding(_APPLY)
            for decorator in function.decorators
        )

    @once
    def _applying(self) -> frozenset[str]:
        """The modules that apply it when they are imported."""
        return frozenset(
            module.path
            for module in self.project.product_modules()
            for own in module.functions.holding(_APPLY)
            if not own.name
            and any(call.chain == _APPLY and not call.in_main for call in self.functions.calls(module, own))
        )

    @asking("demand")
    def _imports_it(self, path: str) -> bool:
        """Whether a module applies it, or one that it imports does."""
        if not self._applying:
            return False
        if path not in self._reaching:
            self._reaching[path] = not self._applying.isdisjoint(self._imported_by(path))
        return self._reaching[path]

    def _imported_by(self, path: str) -> set[str]:
        """A module and all that it imports, however far."""
        found: set[str] = set()
        left = [path]
        while left:
            path = left.pop()
            module = self.project.reading.module(path, "import")
            if path not in found and module is not None:
                found.add(path)
                left.extend(self.imports.targets(module))
        return found

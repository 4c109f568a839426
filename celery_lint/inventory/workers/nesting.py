"""Where nest_asyncio makes ``asyncio.run`` run coroutines on the loop of the thread, and keep that.

Whoever applies it replaces ``asyncio.run`` in the whole process: it takes the thread's loop, makes one where
there is none, and closes none (https://github.com/erdewit/nest_asyncio). Other runners stay what they are.
"""

from __future__ import annotations

from celery_lint.inventory.application.applications import Applications
from celery_lint.model.facts import Function, Module
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once

_APPLY = "nest_asyncio.apply"
_SIGNALS = "celery.signals."
# Of these no worker calls the handlers before it runs tasks: they are for beat, and for whoever sends.
_ELSEWHERE = ("after_task_publish", "beat_", "before_task_publish")


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
        key = (module.path, function.qualname)
        return key in self._functions or self._in_all_processes or self._imports_it(module.path)

    @once
    def _in_all_processes(self) -> bool:
        """Whether each worker applies it: where its application is made, or in a handler of its signals."""
        return self._by_handlers or any(
            self._imports_it(application.module.path) for application in self.applications.product
        )

    @once
    def _by_handlers(self) -> bool:
        """Whether a handler of a signal that workers send does so."""
        if not self._functions:
            return False
        for module in self.project.product_modules():
            for function in module.functions.decorated():
                of_workers = any(_is_of_workers(decorator.chain) for decorator in function.decorators)
                if of_workers and (module.path, function.qualname) in self._functions:
                    return True
        return any(
            self._is_one(self.project.resolve(module, chain))
            for module, caller in self.project.calling(".connect")
            for call in self.functions.calls(module, caller)
            if _is_of_workers(call.chain)
            for chain in call.named
        )

    def _is_one(self, entity: Entity) -> bool:
        function = entity.function()
        if function is None or entity.module is None:
            return False
        return (entity.module.path, function.qualname) in self._functions

    @once
    def _functions(self) -> frozenset[Key]:
        """The functions that apply it, and those that call them; the code of a module has no name."""
        found: set[Key] = set()
        line = [
            (module, function)
            for module in self.project.product_modules()
            for function in module.functions.holding(_APPLY)
            if any(
                call.chain == _APPLY and not call.in_main for call in self.functions.calls(module, function)
            )
        ]
        for module, function in line:  # which grows meanwhile
            if (module.path, function.qualname) in found:
                continue
            found.add((module.path, function.qualname))
            for caller, calling in self.project.calling(function.name) if function.name else ():
                for call in self.functions.calls(caller, calling):
                    if call.leaf() == function.name and not call.in_main:
                        target = self.project.resolve(caller, call.chain)
                        if target.module is module and target.function() is function:
                            line.append((caller, calling))
        return frozenset(found)

    @once
    def _applying(self) -> frozenset[str]:
        """The modules that apply it when they are imported."""
        return frozenset(path for path, name in self._functions if not name)

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


def _is_of_workers(chain: str) -> bool:
    """Whether a chain is a signal that workers send before they run tasks, or its `connect`."""
    return chain.startswith(_SIGNALS) and not chain.removeprefix(_SIGNALS).startswith(_ELSEWHERE)

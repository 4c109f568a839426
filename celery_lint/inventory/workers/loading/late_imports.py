"""Modules of tasks that others import in functions that send tasks: too late for a worker to have them."""

from __future__ import annotations

from celery_lint.inventory.tasks.sendings import SENDERS, Sendings
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# Words in the names of functions that processes call when they start.
_AT_START = frozenset({"app", "bootstrap", "configure", "init", "lifespan", "ready", "setup", "startup"})


class LateImports:
    """The imports within functions that only a process runs which has started."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    @once
    def all(self) -> dict[str, set[tuple[str, str]]]:
        """By module: who imports it in functions that send tasks, and as what.

        Each module whose tasks others send is there, with none if these import it when they are imported. A
        function that sends is run by a process that has started, unless its name says that it helps to start.
        """
        found: dict[str, set[tuple[str, str]]] = {}
        for sending in self.sendings.all:
            if sending.task is not None and sending.task.module.path != sending.module.path:
                found.setdefault(sending.task.module.path, set())
        for module, function in self._sending.values():
            for dotted in self._imported_in(module, function):
                located = self.project.imports.locate(dotted, module.path)
                if located is not None and located.path != module.path:
                    found.setdefault(located.path, set()).add((module.path, dotted))
        return found

    @once
    def _sending(self) -> dict[Key, tuple[Module, Function]]:
        """The functions that send a task, of modules that import something within functions."""
        return {
            (sending.module.path, sending.function.qualname): (sending.module, sending.function)
            for sending in self.sendings.all
            if sending.module.further_imports
            and sending.call.leaf() in SENDERS
            and not _helps_to_start(sending.function)
        }

    def _imported_in(self, module: Module, function: Function) -> list[str]:
        """What a function imports itself, of that which it calls or whose methods it calls."""
        called = [call.chain for call in self.functions.calls(module, function)]
        return [
            dotted
            for dotted in module.further_imports
            if any(chain == dotted or chain.startswith((f"{dotted}.", f"{dotted}(")) for chain in called)
        ]


def _helps_to_start(function: Function) -> bool:
    """Whether a process may run a function when it starts: top-level code, handlers of signals, `setup`."""
    return (
        not function.name
        or not _AT_START.isdisjoint(function.name.split("_"))
        or any(decorator.chain.endswith(".connect") for decorator in function.decorators)
    )

"""Names that are not bound where they are read: an ``UnboundLocalError`` or a ``NameError``."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import ANYTHING, Function, Module
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of


class UnboundNames:
    """The statements that certainly read a name which nothing has bound."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.project.reading.tell("names put into", self._puts)

    def steps(self, module: Module, function: Function) -> Iterator[int]:
        """The numbers of those statements of a function."""
        if not function.name or " ;" not in function.packed_steps:
            return
        for step in self.functions.of(module, function).steps:
            if any(name[:1] != "~" or self._is_nowhere(module, name[1:]) for name in step.unbound):
                yield step.number

    def _is_nowhere(self, module: Module, name: str) -> bool:
        """Whether nobody puts a name into a module that does not bind it itself."""
        if module.star_imports or ANYTHING in module.hidden or name in module.hidden:
            return False
        ask = self.project.reading.ask
        return not any(ask("names put into", (owner, name)) for owner in (leaf_of(module.path), "builtins"))

    def _puts(self, named: tuple[str, str]) -> bool:
        owner, name = named
        return owner in self._put_into.get(name, ())

    @once
    def _put_into(self) -> dict[str, frozenset[str]]:
        """What attributes are set of, by their names: ``builtins.connect = …``, ``views.connect = …``."""
        found: dict[str, set[str]] = {}
        for module in self.project.modules.values():
            for assignment in module.assignments:
                found.setdefault(assignment.key, set()).add(leaf_of_chain(assignment.target))
        return {name: frozenset(owners) for name, owners in found.items()}

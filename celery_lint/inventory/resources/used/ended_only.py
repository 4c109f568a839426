"""Attributes with a client by which nothing is ever asked: it is made, and at most closed again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from celery_lint.libraries.clients import RELEASES
from celery_lint.model.facts import Class, Function, Module
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

# What tells whether it is still there, and asks nobody.
_STATES = frozenset({"closed", "is_closed"})


class EndedOnly:
    """Which attributes of classes hold something in vain: a client without a request has no connection."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self._known: dict[tuple[Key, str], bool] = {}

    def holds(self, home: Module, class_: Class, attribute: str) -> bool:
        """Whether no function of the product does more with an attribute than to end what it holds.

        What has an attribute of this name, and may be an object of the class, counts.
        """
        key = (home.path, class_.qualname), attribute
        known = self._known.get(key)
        if known is None:
            kinds = {*self._kinds(home, class_)}
            known = self._known[key] = not any(
                self._is_used(module, named, kinds, attribute)
                for module, function in chain(
                    self.project.holding(attribute), self.project.stating(attribute)
                )
                for named in self._named(module, function)
            )
        return known

    def _named(self, module: Module, function: Function) -> Iterator[str]:
        for call in self.functions.calls(module, function):
            yield f"{call.chain}()"
            yield from (given.chain or given.begins_with for given in call.takes)
        for value in function.returns:
            yield value.chain
        for step in self.functions.of(module, function).steps:
            if step.kind not in ("if", "expr"):  # what is called is among the calls
                yield from (each.partition("=")[0] for each in step.chains)

    def _kinds(self, module: Module, class_: Class) -> Iterator[Key]:
        """A class of the project and its bases."""
        for base in self.project.bases(Entity("class", class_.qualname, module)):
            if base.module is not None:
                yield base.module.path, base.name

    def _is_used(self, module: Module, path: str, kinds: set[Key], attribute: str) -> bool:
        head, found, rest = path.partition(f".{attribute}")
        if not found or (rest and rest[0] not in ".()["):
            return False
        other = module.classes.get(head[1:].partition(".")[0].removesuffix("()")) if head[:1] == ":" else None
        if other is not None and kinds.isdisjoint(self._kinds(module, other)):
            return False  # of an object of another class
        parts = rest.strip(".").split(".")
        return not (rest[:1] == "." and len(parts) == 1 and parts[0].removesuffix("()") in RELEASES | _STATES)

"""What is really given for a parameter that says what it wants: an annotation is a wish."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.sqlalchemy import ASYNC_MAKERS, ASYNC_SESSIONS
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known
from celery_lint.project.objects import kept_parameter

_ASYNC_SESSIONS = ASYNC_SESSIONS | ASYNC_MAKERS
# So many functions hand an object on to each other.
_MOST_HANDED_ON = 4

Wanted = tuple[Module, Function, str]
"""A parameter of a function."""


class GivenObjects:
    """Whether callers on the way from tasks give what annotations of parameters say."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def contradict(self, module: Module, function: Function, chain: str, tasks: Iterable[Task]) -> bool:
        """Whether tasks give another thing for what a chain is by nothing but an annotation.

        ``chain`` is a parameter of this function, or what its object keeps of one of ``__init__``.
        """
        wanted = self._parameter(module, function, chain)
        if wanted is None:
            return False
        said = self.project.resolve(module, chain)
        return any(self._gives_another(task, wanted, said, _MOST_HANDED_ON) for task in tasks)

    def _parameter(self, module: Module, function: Function, chain: str) -> Wanted | None:
        """The parameter whose annotation is all that a chain is made of."""
        for parameter in function.parameters:
            if parameter.annotation and chain == f"{parameter.annotation}()":
                return module, function, parameter.name
        base, _, name = chain.rpartition(".")
        made = self.project.resolve(module, base) if base.endswith("()") else None
        if made is None or made.kind != "instance":
            return None
        for entity in self.project.bases(made._replace(kind="class")):
            class_, home = entity.class_(), entity.module
            init = home.functions.get(f"{class_.qualname}.__init__") if class_ and home else None
            if class_ is not None and home is not None and init is not None:
                kept = kept_parameter(class_, init, name)
                return (home, init, kept) if kept else None
        return None

    def _gives_another(self, task: Task, wanted: Wanted, said: Entity, left: int) -> bool:
        _, function, name = wanted
        names = function.filled()
        position = names.index(name) if name in names else len(names)
        for module, caller, call in self.graph.callers(task, function):
            given = call.argument(position, name)
            chain = given.chain
            if given.kind == "call":
                chain = f"{self.functions.calls(module, caller)[given.number].chain}()"
            if not chain or chain[:1] == "%":
                continue
            further = self._parameter(module, caller, chain)
            if further is None:
                if self._is_another(self.project.resolve(module, chain), said):
                    return True
            elif left and self._gives_another(task, further, said, left - 1):
                return True
        return False

    def _is_another(self, given: Entity, said: Entity) -> bool:
        """Whether an object is certainly no object of a class."""
        if given.kind == "external":
            made = given.name.endswith("()") and given.name != said.name
            return made and not (_is_session(given) and _is_session(said))
        if given.kind != "instance":
            return False
        bases = [*self.project.bases(given._replace(kind="class"))]
        if any(base.kind == "unknown" for base in bases):
            return False
        named = {said.name, said.name.removesuffix("()")}
        return not any(base.name in named or _is_session(base) for base in bases)


def _is_session(entity: Entity) -> bool:
    return entity.name.removesuffix("()") in _ASYNC_SESSIONS

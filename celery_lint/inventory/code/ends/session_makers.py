"""Makers of sessions that a ``with`` is given in place of a session, which Python refuses.

``async with get_maker() as session`` where ``get_maker`` gives the ``async_sessionmaker`` itself.
"""

from __future__ import annotations

from celery_lint.inventory.code.ends.targets import Target, Targets
from celery_lint.libraries.sqlalchemy import ASYNC_MAKERS, SYNC_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import ANYTHING, Function, Module, Value
from celery_lint.project.known import Known
from celery_lint.project.unseen.set_attributes import SetAttributes

_MAKERS = SYNC_MAKERS | ASYNC_MAKERS
# So many functions hand a maker on to each other.
_MOST_HANDED_ON = 3


class EnteredMakers:
    """What enters a maker of sessions: it has no ``__enter__`` and no ``__aenter__``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.targets = known.of(Targets)
        self.set_attributes = known.of(SetAttributes)

    def is_refused(self, call: Call, target: Target) -> bool:
        """Whether a ``with`` is given what a call of a function gives, and that is certainly a maker."""
        return call.is_context_manager and not call.is_awaited and self._gives(target, _MOST_HANDED_ON)

    def _gives(self, target: Target, left: int) -> bool:
        function = target.function
        if not target.bare or target.itself or function.is_async or function.is_generator:
            return False
        returning = [
            step for step in self.functions.of(target.module, function).steps if step.kind == "return"
        ]
        return len(returning) == len(function.returns) > 0 and all(
            self._is_maker(target.module, function, value, left) for value in function.returns
        )

    def _is_maker(self, module: Module, function: Function, value: Value, left: int) -> bool:
        made = function.made(value)
        if made.kind == "call" or (made.kind == "name" and made.chain.endswith("()")):
            chain = made.chain if made.kind == "call" else made.chain[:-2]
            target = self.targets.of(module, chain) if left else None
            return self._makes_one(module, chain) or (target is not None and self._gives(target, left - 1))
        return made.kind == "name" and made.chain[:1] == ":" and self._is_kept(module, made.chain[1:])

    def _makes_one(self, module: Module, chain: str) -> bool:
        return chain[:1] not in "%~" and f"{self.project.resolve(module, chain).name}()" in _MAKERS

    def _is_kept(self, module: Module, name: str) -> bool:
        """Whether a module binds a name to makers of sessions, before that perhaps to ``None``."""
        values = [each for each in module.bindings.get(name, ()) if not _is_none(each)]
        if not values or not all(self._makes_one(module, each.chain) for each in values):
            return False
        if ANYTHING in module.hidden or self.set_attributes.has(name):
            return False
        return all(
            step.kind == "global" or (step.kind == "assign" and self._makes_one(module, step.value[:-2]))
            for _, inner in (self.functions.stating([module], name) if name in module.hidden else ())
            for step in self.functions.of(module, inner).steps
            if name in step.stores
        )


def _is_none(value: Value) -> bool:
    return value.kind == "constant" and value.data is None

"""Session makers that a process binds to another engine when it begins."""

from __future__ import annotations

from celery_lint.inventory.resources.bound import SESSION_MAKERS, Bound
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known


class Rebound:
    """The session makers that get an engine without a pool in place of the one they were made with."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.bound = known.of(Bound)

    def within(self, module: Module, function: Function) -> set[Key]:
        """The session makers, and their engines, that a function binds to an engine without a pool in place.

        `Session.configure(bind=engine)`, `Session.kw["bind"] = engine`: whoever has imported the name has it.
        """
        found: set[Key] = set()
        given: list[tuple[str, str]] = []
        if function.mentions("configure"):
            given += [
                (call.chain.rpartition(".")[0], call.keyword("bind").chain)
                for call in self.functions.calls(module, function)
                if call.leaf() == "configure"
            ]
        given += [
            (item.target.removesuffix(".kw"), item.value.chain)
            for item in module.assignments
            if item.function == function.qualname and item.key == "bind" and item.target.endswith(".kw")
        ]
        for chain, bound in given:
            maker = self.project.resolve(module, chain)
            engine = self._made_here(module, function, bound)
            if maker.origin is None or engine is None or self.bound.pooled(engine) is not False:
                continue
            if maker.name in SESSION_MAKERS:
                found.add(maker.origin)
                before = self.bound.engine_of(maker)
                if before is not None and before.origin is not None:
                    found.add(before.origin)
        return found

    def _made_here(self, module: Module, function: Function, chain: str) -> Entity | None:
        """The async engine of a chain, with the arguments of the call in this function that makes it."""
        entity = self.project.resolve(module, chain)
        if not self.bound.is_async_engine(entity):
            return None
        made = [call for call in self.functions.calls(module, function) if f"{call.chain}()" == chain]
        value = function.value_of(made[0]) if len(made) == 1 else None
        return entity if value is None else entity._replace(value=value, module=module)

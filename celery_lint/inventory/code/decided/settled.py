"""Constants with a name that are the same in every run."""

from __future__ import annotations

from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module, Value
from celery_lint.project.known import Known
from celery_lint.project.unseen.set_attributes import SetAttributes


class Settled:
    """What names of modules and classes are bound to once, and that nobody changes."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.set_attributes = known.of(SetAttributes)

    def value(self, module: Module, chain: str) -> tuple[Module, Value] | None:
        """What a module binds to a name, if that is the one value, and no function and no other sets it."""
        origin = self.project.resolve(module, chain).origin
        home = self.project.modules[origin[0]] if origin is not None else None
        if home is None or origin is None:
            return None
        values = home.bindings.get(origin[1], ())
        if len(values) != 1 or self.functions.around(home, values[0]) is not None:
            return None
        return (home, values[0]) if origin[1] not in self.set_attributes.names else None

    def number(self, module: Module, value: Value) -> float | None:
        """The number that an expression is in every run."""
        for _ in range(4):
            if value.kind == "constant":
                data = value.data
                return float(data) if isinstance(data, (int, float)) and not isinstance(data, bool) else None
            found = self.value(module, value.chain) if value.kind == "name" and value.data is None else None
            found = found or (self.of_class(module, value.chain) if value.kind == "name" else None)
            if found is None:
                return None
            module, value = found
        return None

    def of_class(self, module: Module, chain: str) -> tuple[Module, Value] | None:
        """What a class of the project binds to a name in its body, the same way."""
        owner, leaf = self.project.resolve(module, chain.rpartition(".")[0]), leaf_of_chain(chain)
        class_ = owner.class_() if owner.kind == "class" else None
        values = class_.attributes.get(leaf, ()) if class_ is not None else ()
        if owner.module is None or len(values) != 1 or leaf in self.set_attributes.names:
            return None
        return owner.module, values[0]

"""What modules make of other packages when they are imported, themselves or in objects that they keep."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.resources.owners import Owners
from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.project.constants import FIELDS, LAZY
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

_DEEPEST = 4


class AtImport:
    """Questions about single chains: whatever name leads there, an attribute of an object among them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.owners = known.of(Owners)

    def of(self, module: Module, chain: str, depth: int = _DEEPEST) -> Entity | None:
        """What a chain begins with, if an import makes that: with its value, its module and who keeps it.

        ``store.client.events`` is the client that ``store = Store()`` has made for itself.
        """
        for prefix, attribute in _prefixes(chain) if depth else ():
            if prefix[:1] in "%~":
                return None
            entity = self.project.resolve(module, prefix)
            if entity.kind == "external":
                if entity.origin is None:
                    continue  # a folder without `__init__.py`: modules may be further down
                return self._external(entity)
            class_ = entity.class_()
            if class_ is not None and entity.module is not None:
                found = self._attribute(entity, entity.module, class_, attribute, depth - 1)
                if found is not None:
                    return found
        return None

    def _external(self, entity: Entity) -> Entity | None:
        """Something that has a name of a module, or of a class of it."""
        if entity.origin is None:
            return None
        binding = self._bound(entity.origin)
        if binding is None:
            return None
        home = self.project.modules[entity.origin[0]]
        whole = entity if entity.value is not None else self.project.value_entity(home, binding)
        return whole._replace(value=whole.value or binding, module=whole.module or home, origin=entity.origin)

    def _bound(self, origin: Key) -> Value | None:
        """What an import binds a name of a module to, if that is one thing and made at once."""
        module = self.project.modules.get(origin[0])
        if module is None:
            return None
        name = origin[1]
        owner, _, attribute = name.rpartition(".")
        class_ = module.classes.get(owner)
        values = module.bindings.get(name, ()) if class_ is None else class_.attributes.get(attribute, ())
        made = [value for value in values if value.kind != "constant"]
        if len(made) != 1 or self.functions.around(module, made[0]) is not None:
            return None
        return None if self._is_put_off(module, made[0]) else made[0]

    def _is_put_off(self, module: Module, value: Value) -> bool:
        """Whether a value is made at its first use, or may be another one."""
        if value.kind != "call":
            return value.kind != "name"
        callee = self.project.resolve(module, value.chain)
        return callee.kind == "external" and callee.name.rpartition(".")[2] in {*LAZY, *FIELDS}

    # ------------------------------------------------------------------ of objects

    def _attribute(self, owner: Entity, home: Module, class_: Class, name: str, depth: int) -> Entity | None:
        """What an attribute holds of an object that a module makes and keeps, or of a class."""
        for base in self.project.bases(Entity("class", class_.qualname, home)):
            body, module = base.class_(), base.module
            if body is None or module is None:
                return None
            made = [value for value in body.attributes.get(name, ()) if value.kind != "constant"]
            if len(made) > 1:
                return None
            for value in made:
                maker = self.functions.around(module, value)
                if maker is None:
                    key = module.path, f"{body.qualname}.{name}"
                    return None if self._is_put_off(module, value) else self._value(module, value, key, depth)
                if maker.name != "__init__" or owner.kind != "instance":
                    return None
                keeper = owner.origin or self.owners.keeper(home, class_)
                binding = self._bound(keeper) if keeper is not None else None
                if keeper is None or binding is None:
                    return None
                parameter = _parameter(maker, value)
                if parameter:
                    return self._given(keeper, binding, class_, maker, parameter, depth)
                return self._value(module, value, keeper, depth)
        return None

    def _value(self, module: Module, value: Value, key: Key, depth: int) -> Entity | None:
        if value.kind == "call":
            found = self.project.value_entity(module, value)
            return found._replace(origin=key) if found.kind == "external" and found.value else None
        return self.of(module, value.chain, depth) if value.kind == "name" else None

    def _given(
        self, keeper: Key, binding: Value, class_: Class, maker: Function, parameter: str, depth: int
    ) -> Entity | None:
        """What the only object of a class is given for a parameter: ``store = Store(MongoClient(url))``."""
        module = self.project.modules[keeper[0]]
        if binding.kind != "call" or self.project.resolve(module, binding.chain).class_() is not class_:
            return None
        value, filled = binding.keyword(parameter), maker.filled()
        if value is None and parameter in filled and filled.index(parameter) < len(binding.items):
            value = binding.items[filled.index(parameter)]
        return self._value(module, value, keeper, depth) if value is not None else None


def _parameter(function: Function, value: Value) -> str:
    """The parameter that a value is, known by its name or its annotation."""
    for parameter in function.parameters if value.kind == "name" else ():
        annotated = parameter.annotation and value.chain == f"{parameter.annotation}()"
        if value.chain == f"%{parameter.name}" or annotated:
            return parameter.name
    return ""


def _prefixes(chain: str) -> Iterator[tuple[str, str]]:
    """The beginnings of a chain, the shortest first, each with the component that follows it."""
    parts = chain.split(".")
    for count in range(1, len(parts) + 1):
        prefix = ".".join(parts[:count])
        if prefix.strip("."):
            yield prefix, parts[count].rstrip("()[]") if count < len(parts) else ""

"""What a name turned out to be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from celery_lint.model.facts import Class, Function, Module, Value

Key = tuple[str, str]
"""A function, class or other name of a module: the module's path, and the qualified name."""

EntityKind = Literal[
    "module", "function", "class", "instance", "member", "value", "partial", "external", "unknown"
]

_PROPERTIES = frozenset({"property", "cached_property"})


class Entity(NamedTuple):
    """What a chain turned out to be.

    ``kind`` is ``module``, ``function``, ``class``, ``instance`` (of a class of the project), ``member``
    (an attribute of a function), ``value`` (a literal or constant), ``partial``, ``external`` (``name`` is
    its dotted path, calls included: ``celery.Celery().task``) or ``unknown``. ``origin`` is the module-level
    name (path, name) that it was reached through last.
    """

    kind: EntityKind
    name: str = ""
    module: Module | None = None
    value: Value | None = None
    origin: Key | None = None
    owner: Key | None = None

    def function(self) -> Function | None:
        """The function of the project that this is."""
        if self.kind == "function" and self.module is not None:
            return self.module.functions.get(self.name)
        return None

    def class_(self) -> Class | None:
        """The class of the project that this is, or is an instance of."""
        if self.kind in ("class", "instance") and self.module is not None:
            return self.module.classes.get(self.name)
        return None


UNKNOWN = Entity("unknown")


def external(name: str, value: Value | None = None, origin: Key | None = None) -> Entity:
    """Something of another package, by its dotted path."""
    if value is None and origin is None:
        return _plain(name)
    return Entity("external", name, None, value, origin)


@lru_cache(4096)  # modules use the same few again and again, and what they are is kept for each
def _plain(name: str) -> Entity:
    return Entity("external", name)


def is_property(entity: Entity) -> bool:
    """Whether an attribute gives what its function returns."""
    function = entity.function()
    return function is not None and is_decorated(function, _PROPERTIES)


def is_decorated(function: Function, names: frozenset[str]) -> bool:
    """Whether a function has a decorator of one of these names, wherever that is from."""
    return any(decorator.chain.rpartition(".")[2].lstrip("~") in names for decorator in function.decorators)


def is_none(entity: Entity) -> bool:
    """Whether an entity is the literal ``None``, or a tuple of nothing else: ``return None, None``."""
    value = entity.value if entity.kind == "value" else None
    among = value.items if value is not None and value.kind == "sequence" else (value,)
    return bool(among) and all(
        each is not None and each.kind == "constant" and each.data is None for each in among
    )


def chosen(bound: Iterable[tuple[Value, Entity]]) -> Entity | None:
    """The first of several things that a name is bound to, if it is known and not ``None``.

    A class or function that is only named stands in for an object of a library that another branch makes.
    """
    stand_in: Entity | None = None
    for value, entity in bound:
        if stand_in is not None:
            if value.kind == "call" and entity.kind == "external":
                return entity
        elif entity.kind != "unknown" and not is_none(entity):
            if value.kind != "name" or entity.kind not in ("class", "function"):
                return entity
            stand_in = entity
    return stand_in

"""Named tuples that cost little to define, for facts of which there are many kinds and few of each kind.

``typing.NamedTuple`` compiles a constructor for each class and each annotation of it: a quarter of a
millisecond. A hundred kinds of facts would take longer to import than a small project takes to check. What
is made by the thousand stays with ``typing.NamedTuple``, whose constructor is the faster one.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

_GETTERS = [property(itemgetter(number)) for number in range(32)]

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class NamedTuple(tuple):
        """Looks like ``typing.NamedTuple`` to those who define a fact, make one or read it."""

        _fields: tuple[str, ...] = ()
        _defaults: dict[str, Any] = {}

        def __init_subclass__(cls) -> None:
            own = vars(cls)
            fields = tuple(own.get("__annotations__", ()))
            if fields:
                cls._defaults = {name: own[name] for name in fields if name in own}
                cls._fields = cls.__match_args__ = fields
                for name, getter in zip(fields, _GETTERS, strict=False):
                    setattr(cls, name, getter)

        def __new__(cls, *given: Any, **named: Any) -> NamedTuple:
            fields = cls._fields
            if named or len(given) != len(fields):
                values = {**cls._defaults, **dict(zip(fields, given, strict=False)), **named}
                twice = not named.keys().isdisjoint(fields[: len(given)])
                if twice or len(given) > len(fields) or values.keys() != set(fields):
                    raise TypeError(f"{cls.__name__} has {', '.join(fields)}")
                given = tuple([values[name] for name in fields])
            return tuple.__new__(cls, given)

        def __repr__(self) -> str:
            told = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({', '.join(told)})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def _replace(self, **changes: Any) -> NamedTuple:
            return type(self)(**{**dict(zip(self._fields, self, strict=True)), **changes})

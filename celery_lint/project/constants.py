"""Constants: what an expression is once names, sums, products and durations are worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan

from celery_lint.model.facts import Module, Value
from celery_lint.project.entity import Entity

_DEEPEST_SUM = 6
_LONGEST_TEXT = 2000
_LARGEST = 1e15  # of numbers that are calculated; also keeps them off the limits of Python
# Fields of classes of data: what an instance holds is their default, or what makes it.
FIELDS = frozenset({"Field", "field"})
# Objects that call the function they were given at the first use.
LAZY = frozenset({"Proxy", "LocalProxy", "LazyProxy", "PromiseProxy", "SimpleLazyObject", "LazyObject"})
# They ask for a variable, and take what holds without it.
ENVIRONMENT = frozenset({"os.environ.get", "os.getenv", "decouple.config"})
#: What asks for a variable by a reader of environments, as a number or to convert it.
READERS = frozenset(
    f"{reader}{method}"
    for reader in ("environ.Env()", "environs.Env()", "environs.env", "starlette.config.Config()")
    for method in ("", ".int", ".float")
)
_NUMERIC = (".int", ".float")
# They give nothing where the variable is not there.
_LACKING = frozenset({"os.environ.get", "os.getenv"})
_CONVERTING = frozenset({"~int", "~float", "~str", "~round", "~abs"})
_CHOOSING: dict[str, Callable[..., float | None]] = {"~max": max, "~min": min}
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_SECONDS = {"weeks": 604800.0, "days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


class Constants:
    """The constants of a project. ``meaning`` tells what a name or call of a module is."""

    def __init__(self, meaning: Callable[[Module, Value], Entity]) -> None:
        self._meaning = meaning

    def of(self, module: Module, value: Value | None, depth: int = 0) -> Value | None:
        """The literal behind an expression, through names, other modules, sums and ``timedelta``.

        ``depth`` counts the sums around it. Each of them has two sides, so that many would take forever.
        """
        if depth > _DEEPEST_SUM:
            return None
        for _ in range(8):
            if value is None:
                return None
            if value.kind in ("constant", "sequence", "mapping"):
                return value
            if value.kind == "arithmetic":
                return _combined(value, [self.of(module, side, depth + 1) for side in value.items])
            if value.kind == "call" and value.chain == "datetime.timedelta":
                return _seconds(
                    value, {name: self.of(module, item, depth + 1) for name, item in value.keywords}
                )
            if value.kind not in ("name", "call"):
                return None
            entity = self._meaning(module, value)
            if entity.kind != "value" or entity.module is None:
                return None
            module, value = entity.module, entity.value
        return None

    def number(self, module: Module, value: Value | None) -> float | None:
        """The number behind an expression."""
        known = self.of(module, value)
        if known is None or isinstance(known.data, bool) or not isinstance(known.data, (int, float)):
            return None
        return float(known.data) if _is_usual(known.data) else None

    def usual_number(self, module: Module, value: Value | None) -> float | None:
        """The number behind an expression where no environment says another: ``int(getenv("N", "1"))``."""
        found = self._usual(module, value, 0)
        return found if found is not None and not isnan(found) else None

    def sets_number(self, module: Module, value: Value | None) -> bool:
        """Whether an expression gives a number, and usually another than 0, although it may be any.

        ``int(os.environ["N"])`` gives one or raises.
        """
        return bool(self._usual(module, value, 0))

    def _usual(self, module: Module, value: Value | None, depth: int) -> float | None:
        """The number that an expression usually gives, not-a-number for one that only the run knows."""
        if value is None or depth > _DEEPEST_SUM:
            return None
        if value.kind == "name" and self._may_be_none(module, value, depth):
            return None
        known = self.of(module, value)
        if known is not None:
            text = known.data if isinstance(known.data, str) else ""
            return float(text) if _NUMBER.fullmatch(text) else self.number(module, known)
        if value.kind == "name":
            entity = self._meaning(module, value)
            if _is_variable(entity.name) and value.chain.endswith("[]"):
                return nan
            known = entity.value if entity.value is not value else None
            return self._usual(entity.module or module, known, depth + 1)
        sides = [self._usual(module, item, depth + 1) for item in value.items]
        if value.kind == "either" and value.data == "deployed":
            return sides[0]
        if value.kind == "either":
            known_sides = [s for s, item in zip(sides, value.items, strict=True) if not _may_lack(item)]
            return known_sides[-1] if known_sides and all(known_sides) else None
        if value.kind == "arithmetic":
            return _calculated(str(value.data), sides)
        if value.kind != "call":
            return None
        if value.chain in _CONVERTING:
            return sides[0] if sides else None
        if value.chain in _CHOOSING and None not in sides:
            numbers = [side for side in sides if side is not None]
            return _CHOOSING[value.chain](numbers, default=None)
        return self._of_environment(module, value, depth)

    def _may_be_none(self, module: Module, value: Value, depth: int) -> bool:
        """Whether a name of a module is bound, somewhere or on one side of a condition, to no number or 0."""
        entity = self._meaning(module, value)
        meant, owner = entity.value, entity.module
        if meant is None or owner is None:
            return False
        groups = [group for group in owner.bindings.values() if any(_holds(each, meant) for each in group)]
        several = [each for group in groups for each in group if len(group) > 1 or each.kind == "either"]
        return not all(self._usual(owner, each, depth + 1) for each in several)

    def _of_environment(self, module: Module, value: Value, depth: int) -> float | None:
        """The number of a variable: what holds without it, or any where it has to be there."""
        name = value.chain
        if name not in ENVIRONMENT:
            name = self._meaning(module, value._replace(kind="name", items=(), keywords=())).name
        if name not in ENVIRONMENT | READERS:
            return None
        default = value.items[1] if len(value.items) > 1 else value.keyword("default")
        if default is not None:
            return self._usual(module, default, depth + 1)
        cast = value.keyword("cast")
        converts = cast is not None and cast.chain in _CONVERTING
        return nan if name not in _LACKING and (converts or name.endswith(_NUMERIC)) else None

    def text(self, module: Module, value: Value | None) -> str | None:
        """The string behind an expression."""
        known = self.of(module, value)
        return known.data if known and known.kind == "constant" and isinstance(known.data, str) else None


def _holds(value: Value, part: Value) -> bool:
    """Whether one expression is another, or has it as an alternative."""
    return value is part or (value.kind == "either" and any(_holds(each, part) for each in value.items))


def _is_variable(name: str) -> bool:
    return name.removesuffix("[]") == "os.environ"


def _may_lack(value: Value) -> bool:
    """Whether it asks for a variable that need not be there, so that the next alternative holds."""
    return value.kind == "call" and value.chain in _LACKING and len(value.items) == 1 and not value.keywords


def _calculated(operation: str, sides: Sequence[float | None]) -> float | None:
    """What an operation makes of two numbers, of which one may be any."""
    if len(sides) != 2 or sides[0] is None or sides[1] is None:
        return None
    left, right = sides[0], sides[1]
    return {"Add": left + right, "Sub": left - right, "Mult": left * right}.get(operation)


def _is_usual(number: float) -> bool:
    """Whether somebody may mean a number: it is not infinite, none at all, or beyond all counting."""
    return abs(number) <= _LARGEST


def _combined(value: Value, sides: Sequence[Value | None]) -> Value | None:
    """The constant that an operation makes of the constants on its two sides, if both are known."""
    numbers = [side.data for side in sides if side is not None and side.kind == "constant"]
    if len(numbers) != 2:
        return None
    left, right = numbers
    if isinstance(left, str) and isinstance(right, str) and value.data == "Add":
        return Value("constant", value.span, (left + right)[:_LONGEST_TEXT])
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        return None
    results = {"Add": left + right, "Sub": left - right, "Mult": left * right}
    result = results.get(str(value.data))
    return Value("constant", value.span, result) if result is not None and _is_usual(result) else None


def _seconds(value: Value, given: Mapping[str, Value | None]) -> Value | None:
    """The seconds of a ``timedelta`` whose keywords are these constants, if all are known."""
    if value.items:
        return None
    total = 0.0
    for name, amount in given.items():
        if name not in _SECONDS or amount is None or not isinstance(amount.data, (int, float)):
            return None
        total += _SECONDS[name] * amount.data
    return Value("constant", value.span, total)

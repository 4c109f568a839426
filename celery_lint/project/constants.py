"""Constants that a project calculates: sums, products and durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from celery_lint.model.facts import Value

_LONGEST_TEXT = 2000
_LARGEST = 1e15  # of numbers that are calculated; also keeps them off the limits of Python
_SECONDS = {"weeks": 604800.0, "days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


def is_usual(number: float) -> bool:
    """Whether somebody may mean a number: it is not infinite, none at all, or beyond all counting."""
    return abs(number) <= _LARGEST


def combined(value: Value, sides: Sequence[Value | None]) -> Value | None:
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
    return Value("constant", value.span, result) if result is not None and is_usual(result) else None


def seconds_of(value: Value, given: Mapping[str, Value | None]) -> Value | None:
    """The seconds of a ``timedelta`` whose keywords are these constants, if all are known."""
    if value.items:
        return None
    total = 0.0
    for name, amount in given.items():
        if name not in _SECONDS or amount is None or not isinstance(amount.data, (int, float)):
            return None
        total += _SECONDS[name] * amount.data
    return Value("constant", value.span, total)

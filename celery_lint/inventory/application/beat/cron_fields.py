"""What Celery makes of one field of a crontab: the moments that it names, or the exception that it raises.

The grammar is that of ``celery.schedules.crontab_parser``; a test compares both.
https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules.crontab
"""

from __future__ import annotations

import re

from celery_lint.model.facts import Value

#: The fields in the order of the constructor: how many moments each has, and the first of them.
FIELDS = {
    "minute": (60, 0),
    "hour": (24, 0),
    "day_of_week": (7, 0),
    "day_of_month": (31, 1),
    "month_of_year": (12, 1),
}
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RANGE_STEPS = re.compile(r"(\w+?)-(\w+)/(\w+)?")
_RANGE = re.compile(r"(\w+?)-(\w+)")
_STAR_STEPS = re.compile(r"\*/(\w+)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# A name is cut to three letters, and means the same in every field: months from 1, weekdays from 0.
_NAMES = {name: number for number, name in enumerate(_WEEKDAYS)} | {
    name: number for number, name in enumerate(_MONTHS, 1)
}
_LONGEST = 200


class InvalidField(Exception):
    """Celery refuses a field; ``error`` is the name of the exception that it raises."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error


def moments(field: str, value: Value) -> frozenset[int] | None:
    """The moments that a literal names in this field; ``None`` where it is no literal.

    Raises :class:`InvalidField` where Celery raises.
    """
    if value.kind == "constant":
        given = value.data
        if isinstance(given, str):
            return frozenset(_parsed(field, given)) if len(given) < _LONGEST else None
        if given is None or isinstance(given, float):
            raise InvalidField("TypeError", f"{field} cannot be {given!r}")
        return _within(field, frozenset({int(given)}))
    if value.kind != "sequence" or not all(item.kind == "constant" for item in value.items):
        return None
    numbers = [item.data for item in value.items]
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise InvalidField("TypeError", f"the items of {field} must be numbers")
    return _within(field, frozenset(int(n) if n == int(n) else n for n in numbers))  # type: ignore[arg-type, misc]


def occurs(days: frozenset[int], months: frozenset[int]) -> bool:
    """Whether any of these months ever has one of these days."""
    return any(day <= _DAYS[month - 1] for month in months for day in days)


def steps(text: str) -> list[int]:
    """The steps of the groups of a field that count through all of it: 15 of ``*/15``."""
    found = [_STAR_STEPS.match(part.strip()) for part in text.split(",")]
    return [int(match[1]) for match in found if match and match[1] and match[1].isdecimal()]


def range_of(field: str) -> str:
    """The numbers that a field may have, as messages show them."""
    count, first = FIELDS[field]
    return f"{first}-{first + count - 1}"


def _within(field: str, numbers: frozenset[int]) -> frozenset[int]:
    count, first = FIELDS[field]
    for number in sorted(numbers):
        if not first <= number < first + count:
            raise InvalidField("ValueError", f"{field} is {range_of(field)}, not {number}")
    return numbers


def _parsed(field: str, text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        if not part:
            raise InvalidField("ParseException", f"a part of {field} is empty")
        found.update(_part(field, part))
    return found


def _part(field: str, part: str) -> list[int]:
    count, first = FIELDS[field]
    every = list(range(first, first + count))
    match = _RANGE_STEPS.match(part)
    if match:
        return _stepped(field, _range(field, match[1], match[2]) if match[3] else every, match[3])
    match = _RANGE.match(part)
    if match:
        return _range(field, match[1], match[2])
    match = _STAR_STEPS.match(part)
    if match:
        return _stepped(field, every, match[1])
    if part in ("*", "*\n"):
        return every
    return [_number(field, part)]


def _stepped(field: str, numbers: list[int], step: str | None) -> list[int]:
    if not step:
        raise InvalidField("ParseException", f"a step of {field} is empty")
    try:
        return numbers[:: int(step)]
    except ValueError:
        raise InvalidField("ValueError", f"the step of {field} is no positive number: {step}") from None


def _range(field: str, first: str, last: str) -> list[int]:
    start, end = _number(field, first), _number(field, last)
    count, lowest = FIELDS[field]
    if end < start:  # Celery goes on at the beginning
        return [*range(start, lowest + count), *range(lowest, end + 1)]
    return list(range(start, end + 1))


def _number(field: str, text: str) -> int:
    if text.startswith("-"):
        raise InvalidField("ParseException", f"{field} takes no negative number")
    try:
        number = int(text)
    except ValueError:
        named = _NAMES.get(text[:3].lower())
        if named is None:
            raise InvalidField("ValueError", f"{field} does not know `{text}`") from None
        number = named
    return next(iter(_within(field, frozenset({number}))))

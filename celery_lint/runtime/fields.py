"""Which fields a job has that can be set, and which values every database and every worker can take."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

#: The largest integer of the databases' columns.
LARGEST = 2**31 - 1
#: The longest arguments, as JSON, and how deep they may be nested.
LONGEST_ARGUMENTS, DEEPEST = 65_536, 32
#: Integers beyond it are not the same in every reader of JSON.
_LARGEST_IN_JSON = 2**53
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_KEY = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")


class InvalidJob(ValueError):
    """A job that could not run, or could not be stored; the text says why."""


def _integer(least: int) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
            raise InvalidJob(f"{name} is a whole number from {least} to {LARGEST}, and not {_shown(value)}")

    return check


def _boolean(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InvalidJob(f"{name} is true or false, and not {_shown(value)}")


def _text(longest: int) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            raise InvalidJob(f"{name} is a text of at most {longest} characters, and not {_shown(value)}")

    return check


def _key(name: str, value: Any) -> None:
    if not isinstance(value, str) or not _KEY.fullmatch(value) or not value.isprintable():
        raise InvalidJob(
            f"{name} is a text of at most 100 characters without blanks, and not {_shown(value)}"
        )


def _names(name: str, value: Any) -> None:
    if not isinstance(value, dict) or len(value) > 50:
        raise InvalidJob(f"{name} is a text for each language, and not {_shown(value)}")
    for language, text in value.items():
        if not isinstance(language, str) or len(language) > 35 or not _LANGUAGE.fullmatch(language):
            raise InvalidJob(f"{_shown(language)} in {name} is no language; write it as in 'en' or 'ar-EG'")
        _text(200)(f"{name}.{language}", text)


def _arguments(name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise InvalidJob(f"{name} is an object of keyword arguments, and not {_shown(value)}")
    waiting: list[tuple[str, Any, int]] = [(name, value, 1)]
    while waiting:
        path, what, depth = waiting.pop()
        if depth > DEEPEST:
            raise InvalidJob(f"{name} is nested more than {DEEPEST} deep")
        if isinstance(what, dict):
            for key, inner in what.items():
                _plain(f"a key of {path}", key)
                waiting.append((f"{path}.{key}", inner, depth + 1))
        elif isinstance(what, (list, tuple)):
            waiting += [(f"{path}[{index}]", inner, depth + 1) for index, inner in enumerate(what)]
        elif isinstance(what, float) and not math.isfinite(what):
            raise InvalidJob(f"{path} is {what}, which JSON has no word for")
        elif isinstance(what, str):
            _plain(path, what)
        elif isinstance(what, int) and not isinstance(what, bool) and abs(what) > _LARGEST_IN_JSON:
            raise InvalidJob(f"{path} is too large for JSON; pass it as a text")
        elif what is not None and not isinstance(what, (bool, int, float)):
            raise InvalidJob(f"{path} is a {type(what).__name__}, which JSON cannot hold")
    if len(json.dumps(value)) > LONGEST_ARGUMENTS:
        raise InvalidJob(f"{name} has more than {LONGEST_ARGUMENTS} characters as JSON")


def _plain(path: str, text: Any) -> None:
    if not isinstance(text, str):
        raise InvalidJob(f"{path} is {_shown(text)}, and must be a text")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidJob(f"{path} holds a character that databases do not store: NUL or half of a pair")


#: What can be set, how it is checked, and whether it may be null.
FIELDS: Mapping[str, tuple[Callable[[str, Any], None], bool]] = {
    "job_key": (_key, False),
    "task_key": (_key, False),
    "names": (_names, False),
    "job_type": (_text(20), False),
    "interval_seconds": (_integer(0), True),
    "interval_minutes": (_integer(0), True),
    "interval_hours": (_integer(0), True),
    "interval_days": (_integer(0), True),
    "cron_expression": (_text(100), True),
    "time_zone": (_text(64), False),
    "arguments": (_arguments, False),
    "max_instances": (_integer(1), False),
    "misfire_grace_time": (_integer(1), True),
    "coalesce": (_boolean, False),
    "is_enabled": (_boolean, False),
}


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values, if a job can have each of them; raises :class:`InvalidJob`."""
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise InvalidJob(f"a job has no field {', '.join(unknown)} that can be set")
    for name, value in values.items():
        check, may_be_null = FIELDS[name]
        if value is None and not may_be_null:
            raise InvalidJob(f"{name} cannot be null")
        if value is not None:
            check(name, value)
    return dict(values)


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:59]}…"


__all__ = ["DEEPEST", "FIELDS", "LARGEST", "LONGEST_ARGUMENTS", "InvalidJob", "checked"]

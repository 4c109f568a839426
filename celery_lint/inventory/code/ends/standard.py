"""What Python's own modules lack, although something in them has it: ``datetime.now()`` of the module."""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

# The modules, and where what is taken from them by mistake is at home.
_AT_HOME: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "datetime": (datetime, (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)),
    "time": (time, (datetime, datetime.datetime, datetime.timedelta)),
    "json": (json, (json.JSONDecoder, json.JSONEncoder)),
}


def is_missing(module: str, name: str) -> bool:
    """Whether one of these modules has no attribute of a name that one of its classes has.

    Asked of the running Python: what a class has in one version and the module in none.
    """
    if module not in _AT_HOME or name.startswith("_"):
        return False
    itself, homes = _AT_HOME[module]
    return any(hasattr(home, name) for home in homes) and not hasattr(itself, name)

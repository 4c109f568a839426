"""How a setting of Celery may be spelled, by the place where it is given.

Tried on Celery 5.7 (``tests/proofs/test_settings.py``): today's lower-case name and the older upper-case one
count everywhere. Below a namespace, and only there, the name counts with the namespace before it, in upper
case if the namespace is. An upper-case name without a namespace (``TASK_TIME_LIMIT``) counts nowhere.

Before Celery 5.7 the name below a namespace comes first, wherever it is given, and what is loaded below one
has no older names (tried on 5.3 and 5.6).
"""

from __future__ import annotations

import re

from celery_lint.libraries.celery_settings import SETTINGS

#: Today's names by the older ones. https://docs.celeryq.dev/en/stable/userguide/configuration.html
OLD_NAMES = {row[0]: name for name, row in SETTINGS.items()}

#: Variables of the environment that win over the settings of these names: Celery asks for them itself.
ENVIRONMENT = {
    "CELERY_BROKER_READ_URL": "broker_read_url",
    "CELERY_BROKER_URL": "broker_url",
    "CELERY_BROKER_WRITE_URL": "broker_write_url",
    "CELERY_RESULT_BACKEND": "result_backend",
}
# What has settings below a namespace, and what looks for them as for others.
_FIRST, _NEW = (4, 0), (5, 7)
# The broker that is asked where none is set, as parts of a URL that may be left out.
_DEFAULT_BROKER = re.compile(
    r"(?:py)?amqp://(?:guest(?::guest)?@)?(?:(?:localhost|127\.0\.0\.1)(?::5672)?)?/{0,2}"
)


def is_default_broker(url: str) -> bool:
    """Whether a URL means the broker that an application has without one."""
    return _DEFAULT_BROKER.fullmatch(url) is not None


def old_name(name: str) -> str:
    """The older upper-case name of a setting."""
    row = SETTINGS.get(name)
    return row[0] if row is not None else f"CELERY_{name.upper()}"


def spellings(name: str, namespace: str | None, before_57: bool = False) -> tuple[str, ...]:
    """What a setting may be called in a source that is loaded below this namespace, or without one."""
    plain = (name, old_name(name))
    if not namespace:
        return plain
    below = below_namespace(name, namespace)
    return (below, name) if before_57 else (below, *plain)


def below_namespace(name: str, namespace: str) -> str:
    """What a setting is called below a namespace."""
    prefix = namespace if namespace.endswith("_") else f"{namespace}_"
    return prefix + (name.upper() if prefix.isupper() else name)


def is_before_57(newest: tuple[int, int] | None, target: str) -> bool:
    """Whether a project runs on no Celery of 5.7 or later, as its lists and the option for its oldest say."""
    oldest = target.split(".")
    new = (
        len(oldest) > 1
        and all(part.isdigit() for part in oldest[:2])
        and (int(oldest[0]), int(oldest[1])) >= _NEW
    )
    return newest is not None and _FIRST <= newest < _NEW and not new

"""How a setting of Celery may be spelled, by the place where it is given.

Tried on Celery 5.7 (``tests/proofs/test_settings.py``): today's lower-case name and the older upper-case one
count everywhere. Below a namespace, and only there, the name counts with the namespace before it, in upper
case if the namespace is. An upper-case name without a namespace (``TASK_TIME_LIMIT``) counts nowhere.
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


def spellings(name: str, namespace: str | None) -> tuple[str, ...]:
    """What a setting may be called in a source that is loaded below this namespace, or without one."""
    plain = (name, old_name(name))
    if not namespace:
        return plain
    prefix = namespace if namespace.endswith("_") else f"{namespace}_"
    return (prefix + (name.upper() if prefix.isupper() else name), *plain)

"""What a name in a configuration was meant for: a setting of Celery, an option of tasks or of a command."""

from __future__ import annotations

from celery_lint.inventory.application.spelling import OLD_NAMES, spellings
from celery_lint.libraries.celery import OPTIONS_OF_TASKS, OPTIONS_OF_WORKERS
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Value

#: How the names of settings begin.
FAMILIES = ("task_", "worker_", "beat_", "result_", "broker_")
# What settings are often called, by analogy with others, and are not.
_OTHERWISE = {"result_backend_use_ssl": "redis_backend_use_ssl"}
_SCALARS = frozenset({"bool", "int", "float", "string", "str"})
# Settings of one text that take several of it, or keywords.
_OF_SEVERAL = frozenset({"backend", "kwargs", "url"})


def may_be_meant(key: str, namespace: str | None) -> bool:
    """Whether a name is so much like those of Celery that nothing else can be meant."""
    if namespace is None and meant_by(key):
        return False  # it is spelled well, for another place
    if namespace is None:
        return key.startswith(FAMILIES) or key.startswith(("CELERY", "BROKER_")) or key.islower()
    return key.startswith((namespace, "CELERY")) or (key.startswith("BROKER_") and key in OLD_NAMES)


def called_otherwise(key: str, namespace: str | None) -> str:
    """The setting that people call otherwise: `CELERY_RESULT_BACKEND_USE_SSL`, like `BROKER_USE_SSL`."""
    meant = _OTHERWISE.get(key.removeprefix(f"{namespace}_" if namespace else "CELERY_").lower(), "")
    if not meant or namespace:
        return spellings(meant, namespace)[0] if meant else ""
    return meant if key.islower() else next(old for old, name in OLD_NAMES.items() if name == meant)


def name_of(name: str) -> str:
    """The setting of today behind one of its spellings."""
    return OLD_NAMES.get(name, name.lower().removeprefix("celery_") if name.isupper() else name)


def option_of_workers(key: str) -> str:
    """The option of the worker's command that a name is made of, and that has no setting."""
    name = key.lower().removeprefix("celery_").removeprefix("celeryd_").removeprefix("worker_")
    return name if name in OPTIONS_OF_WORKERS and name != key.lower() else ""


def option_of_tasks(key: str) -> str:
    """A name that is made of an option of tasks and is no setting, as ``task_max_retries``, in lower case."""
    name = key.removeprefix("CELERY_").lower()
    return name if name in OPTIONS_OF_TASKS and (key.islower() or key.isupper()) else ""


def meant_by(key: str) -> str:
    """The setting that an upper-case name would be below a namespace, or nothing."""
    if not key.isupper():
        return ""
    name = key.removeprefix("CELERY_").lower()
    return name if name in SETTINGS and (key != name.upper() or name.startswith(FAMILIES)) else ""


def spelled_today(guess: str, namespace: str | None) -> str:
    """The name below a namespace, in place of the old one; without a namespace both may not be mixed."""
    name = OLD_NAMES.get(guess)
    return guess if name is None or not namespace else spellings(name, namespace)[0]


def may_take(name: str, known: Value | None) -> bool:
    """Whether a value may be one of a setting: no pair of numbers is a class, no number a dictionary."""
    of = SETTINGS[name][1] if name in SETTINGS else ""
    if known is None or not of:
        return True
    if known.kind in ("sequence", "mapping"):
        return of not in _SCALARS or name.rpartition("_")[2] in _OF_SEVERAL
    is_number = known.kind == "constant" and isinstance(known.data, int | float)
    return not (is_number and of in ("dict", "list", "tuple"))

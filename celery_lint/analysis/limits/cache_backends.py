"""Whose locks the caches of Django hand out: their backends, where settings name them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.model.facts import Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once

_SETTING = "CACHES"
_DEFAULT = "default"


class LockMethod(NamedTuple):
    """What a method takes that makes a lock: the place of the parameter that ends it, and its name."""

    position: int
    ending: str


# These have no locks.
_OF_DJANGO = "django.core.cache."
#: The parameters are (key, expire) and (key, version, timeout).
BACKENDS = {
    "redis_lock.django_cache.RedisCache": LockMethod(1, "expire"),
    "django_redis.cache.RedisCache": LockMethod(2, "timeout"),
}


class CacheBackends:
    """The backends of ``CACHES`` that have locks, of all settings together."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    def locking(self, of_default: bool) -> LockMethod | None:
        """How a lock of a cache is made, of the default one or of any, where all that have locks agree."""
        found = {method for alias, method in self._methods if not of_default or alias == _DEFAULT}
        return found.pop() if len(found) == 1 else None

    @once
    def _methods(self) -> list[tuple[str, LockMethod | None]]:
        """The aliases of caches, and how their locks are made; none for one that only the run knows."""
        found = []
        for module in self.project.modules.product:
            for alias, value in self._caches(module):
                backend = value.keyword("BACKEND") if value.kind == "mapping" else None
                name = self.project.text(module, backend) if backend is not None else None
                if not name or not name.startswith(_OF_DJANGO):
                    found.append((alias, BACKENDS.get(name or "")))
        return found

    def _caches(self, module: Module) -> Iterator[tuple[str, Value]]:
        for value in module.bindings.get(_SETTING, ()):
            if value.kind == "mapping":
                yield from value.keywords
        for item in module.assignments:
            if item.target == f":{_SETTING}" and item.subscript:
                yield item.key, item.value

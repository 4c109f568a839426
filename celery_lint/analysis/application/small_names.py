"""Settings in small letters among those of Django, which takes names in capitals alone."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.read_names import ReadNames
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.loaded import Loaded, Source
from celery_lint.inventory.application.spelling import spellings
from celery_lint.inventory.application.statements import Configuring, Load
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# Of other families there are variables as well, which settings in capitals are made of: `broker_url`.
_FAMILIES = ("task_", "worker_", "beat_")
_OF_REDBEAT = ("redbeat_redis_url", "redbeat_key_prefix", "redbeat_lock_key", "redbeat_lock_timeout")


class SmallName(NamedTuple):
    """A setting in small letters that Django leaves out, and the name that counts."""

    place: Place
    spelled: str
    name: str


class SmallNames:
    """The settings of Django's modules that nobody reads for their spelling."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.configuring = known.of(Configuring)
        self.loaded = known.of(Loaded)
        self.read_names = known.of(ReadNames)

    @facts
    def unread(self) -> list[SmallName]:
        """Those settings, by path and line."""
        found: dict[Place, SmallName] = {}
        for application in self.applications.product:
            for load in self.configuring.of(application).loads:
                source = self.loaded.source(load.module, load.value)
                for each in self._in(source, load) if load.namespace != "?" else ():
                    found.setdefault(each.place, each)
        return sorted(found.values(), key=lambda each: (each.place.path, each.place.span.start))

    def _in(self, source: Source, load: Load) -> Iterator[SmallName]:
        for path in source.capitals:
            module = self.project.modules.find(path)
            for key, values in module.bindings.items() if module is not None else ():
                if module is None or not (
                    (key in SETTINGS and key.startswith(_FAMILIES)) or key in _OF_REDBEAT
                ):
                    continue
                name, *others = spellings(key, load.namespace)
                counting = [each for each in (name, *others) if each.isupper()]
                if self.loaded.lookup(source, tuple(counting)) or self.read_names.is_read(key):
                    continue
                for value in values if self._differs(module, key, values) else ():
                    yield SmallName(module.place(value.span), key, counting[0])

    def _differs(self, module: Module, key: str, values: tuple[Value, ...]) -> bool:
        """Whether one of these values is another than the default."""
        default = SETTINGS[key][2] if key in SETTINGS else ""
        known = [self.project.constant(module, value) for value in values]
        return any(each is None or each.kind != "constant" or repr(each.data) != default for each in known)

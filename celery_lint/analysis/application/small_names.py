"""Settings in small letters among those of Django, which takes names in capitals alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.analysis.application.read_names import ReadNames
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.loaded import Loaded, Source
from celery_lint.inventory.application.spelling import spellings
from celery_lint.inventory.application.statements import Configuring, Load
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

_FAMILIES = ("task_", "worker_", "beat_", "broker_", "result_")
# What has the broker's address where nothing else is set.
_OF_BROKER = ("redbeat_redis_url",)
# Code that takes names as only the run knows them, of its own module and of another.
# An `eval` of a variable, as of `DEBUG`, is none.
_TAKES_OWN = re.compile(
    rb"\b(?:globals|locals|vars|dir)\(|\b(?:exec|eval)\((?!\s*(?:os\.)?(?:environ\b|getenv\b|env\())"
)
_TAKES_ANY = re.compile(
    rb"\b(?:vars|dir|getmembers|run_path|run_module)\(|__dict__"
    rb"|\bgetattr\(\s*[\w.]+\s*,\s*[^\"'\s]"
)
# What chooses the settings, which is no use of them: `setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")`.
_CHOOSES = re.compile(rb"DJANGO_SETTINGS_MODULE[\"']\s*(?:,|\]\s*=)\s*[\"'][\w.]+[\"']")
_OF_REDBEAT = ("redbeat_redis_url", "redbeat_key_prefix", "redbeat_lock_key", "redbeat_lock_timeout")
# Of an import in brackets: without a bound, many that are never closed take forever.
_LONGEST_LIST = 1_500
_PART = re.compile(rb"\w")
_BOUND = re.compile(rb"\s*=(?!=)|[\"'](?:\s*:|\]\s*=(?!=))")


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
            if module is None:
                continue
            for key, values in module.bindings.items():
                if not (key in SETTINGS and key.startswith(_FAMILIES)) and key not in _OF_REDBEAT:
                    continue
                name, *others = spellings(key, load.namespace)
                counting = [each for each in (name, *others) if each.isupper()]
                if self.loaded.lookup(source, tuple(counting)) or not self._differs(module, key, values):
                    continue
                if key in _OF_BROKER and all(self._is_broker(module, load, value) for value in values):
                    continue
                if self._is_read(module, key):
                    continue
                for value in values:
                    yield SmallName(module.place(value.span), key, counting[0])

    # ------------------------------------------------------------------ who reads it

    def _is_read(self, module: Module, key: str) -> bool:
        """Whether anything may read a name of a module of settings, also in files that nobody has read."""
        if self.read_names.is_read(key) or module.path in self._loaded_whole:
            return True
        texts = self.project.deployment.written
        naming = _naming(self.project.imports.module_name(module.path), module.path)
        own = texts.texts.get(module.path, b"")
        if _TAKES_OWN.search(own) is not None:
            return True
        return any(
            _reads(key.encode(), text)
            or (_TAKES_ANY.search(text) is not None and naming.search(_CHOOSES.sub(b"", text)) is not None)
            for path, text in texts.texts.items()
            if path.endswith(".py")
        )

    @once
    def _loaded_whole(self) -> frozenset[str]:
        """The modules that an application loads by themselves, not as Django has them: all names count."""
        found: set[str] = set()
        for application in self.applications.product:
            for load in self.configuring.of(application).loads:
                source = self.loaded.source(load.module, load.value)
                found.update(path for path in source.modules if path not in source.capitals)
        pending = sorted(found)
        for path in pending:  # which grows meanwhile
            module = self.project.modules.find(path)
            taken = self.project.star_paths(module) if module is not None and module.star_imports else ()
            pending += [each for each in taken if each not in found]
            found.update(taken)
        return frozenset(found)

    def _is_broker(self, module: Module, load: Load, value: Value) -> bool:
        """Whether a value is that of the broker's address: redbeat takes it by itself."""
        for name in spellings("broker_url", load.namespace):
            if value.kind == "name" and value.chain.rpartition(".")[2].lstrip(":") == name:
                return True
            for broker in module.bindings.get(name, ()):
                if broker.shape() == value.shape():
                    return True
        return False

    def _differs(self, module: Module, key: str, values: tuple[Value, ...]) -> bool:
        """Whether one of these values is another than the default."""
        default = SETTINGS[key][2] if key in SETTINGS else ""
        known = [self.project.constant(module, value) for value in values]
        return any(each is None or each.kind != "constant" or repr(each.data) != default for each in known)


def _naming(dotted: str, path: str) -> re.Pattern[bytes]:
    """What imports a module, says its path as a text, or takes it from the variable that names it."""
    package, _, leaf = dotted.rpartition(".")
    ways = [
        rf"(?:import|from)\s+{re.escape(dotted)}\b",
        rf"[\"'/]{re.escape(dotted)}[\"']",
        rf"[\"'/]{re.escape(path.rpartition('/')[2])}[\"']",
        r"(?:environ\[|environ\.get\(|getenv\()\s*[\"']DJANGO_SETTINGS_MODULE",
    ]
    if package:
        ways.append(
            rf"from\s+(?:{re.escape(package)}|\.+)\s+import\b"
            rf"(?:[^#\n(]*|\s*\([^)]{{0,{_LONGEST_LIST}}})\b{leaf}\b"
        )
    return re.compile("|".join(ways).encode())


def _reads(key: bytes, text: bytes) -> bool:
    """Whether a text says a name that it does not bind there, other than in a comment or as a key."""
    at = text.find(key)
    while at >= 0:
        end = at + len(key)
        before = text[text.rfind(b"\n", 0, at) + 1 : at]
        is_part = _PART.search(before[-1:]) is not None or _PART.match(text[end : end + 1]) is not None
        is_bound = _BOUND.match(text, end) is not None or (not before.strip() and text[end : end + 1] == b":")
        if not is_part and not is_bound and b"#" not in before:
            return True
        at = text.find(key, end)
    return False

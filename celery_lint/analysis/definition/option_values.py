"""Values of task options that Celery cannot work with."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

_PER = ("", "s", "m", "h")
# Names and types of content that kombu knows: kombu/serialization.py and kombu/compression.py.
_SERIALIZERS = frozenset(
    {
        *("json", "pickle", "yaml", "msgpack"),
        *("application/json", "application/x-yaml", "application/x-msgpack"),
        *("application/x-python-serialize", "application/data"),
    }
)
_COMPRESSIONS = frozenset(
    {
        *("gzip", "zlib", "bzip2", "bzip", "brotli", "lzma", "xz", "zstd", "zstandard"),
        *("application/x-gzip", "application/x-bz2", "application/x-brotli", "application/x-lzma"),
        "application/zstd",
    }
)
_LISTS = ("autoretry_for", "dont_autoretry_for")
_OPTIONS = (
    "max_retries",
    "default_retry_delay",
    "expires",
    "serializer",
    "compression",
    "retry_backoff",
    "bind",
)
_EXCEPTIONS = ("Error", "Exception", "Warning", "Timeout")
# Packages whose modules of exceptions hold nothing else, whatever these are called: `SoftTimeLimitExceeded`.
_OF_EXCEPTIONS = frozenset({"errors", "exc", "exceptions"})
_PACKAGES = frozenset(
    {
        *("amqp", "asyncpg", "billiard", "boto3", "botocore", "celery", "django", "elasticsearch", "kombu"),
        *("psycopg", "psycopg2", "pymongo", "redis", "requests", "rest_framework", "sqlalchemy", "urllib3"),
    }
)
# What the pool offers beside its module of exceptions.
_OF_THE_POOL = frozenset({"billiard.SoftTimeLimitExceeded", "billiard.TimeLimitExceeded"})

Effect = Literal["at_retry", "lost", "at_send", "no_serializer", "no_compression", "no_number", "is_true"]


class BadRate(NamedTuple):
    """A rate limit that is none."""

    text: str
    place: Place


class BareException(NamedTuple):
    """A class in the place of a tuple of classes. ``name``: the option."""

    name: str
    spelled: str
    place: Place


class BadValue(NamedTuple):
    """A value of an option and what becomes of it. ``text``: the value, as it is spelled."""

    task: Task
    option: str
    text: str
    effect: Effect
    place: Place


class OptionValues:
    """The options of tasks whose values fail when Celery needs them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.settings = known.of(Settings)
        self.task_options = known.of(TaskOptions)

    def _given(self, task: Task, name: str) -> Iterator[tuple[Module, Value]]:
        given = self.task_options.get(task, name)
        if given is not None:
            yield given

    # ------------------------------------------------------------------ CEL326

    @facts
    def bad_rates(self) -> list[BadRate]:
        """The rate limits of tasks and annotations that no worker can read."""
        found: dict[Place, BadRate] = {}
        for module, value in [*self._rates_of_tasks(), *self._annotated_rates()]:
            text = self.project.text(module, value)
            if text is not None and text and not _is_rate(text):
                place = module.place(value.span)
                found.setdefault(place, BadRate(text, place))
        return list(found.values())

    def _rates_of_tasks(self) -> Iterator[tuple[Module, Value]]:
        for task in self.tasks.product:
            yield from self._given(task, "rate_limit")

    def _annotated_rates(self) -> Iterator[tuple[Module, Value]]:
        """The rates of entries that are for a task: nobody reads any other."""
        names = {task.name for task in self.tasks.product}
        for setting in self.settings.named("task_annotations"):
            known = self.project.constant(setting.module, setting.value)
            every = known.keyword("*") if known is not None else None
            over = every is not None and (every.kind != "mapping" or every.keyword("rate_limit") is not None)
            for name, options in known.keywords if known is not None and known.kind == "mapping" else ():
                given = options.keyword("rate_limit") if options.kind == "mapping" else None
                if given is not None and (name == "*" or (name in names and not over)):
                    yield setting.module, given

    # ------------------------------------------------------------------ CEL327

    @facts
    def bare_exceptions(self) -> list[BareException]:
        """The classes that stand where Celery goes through a tuple of them."""
        found: dict[Place, BareException] = {}
        for task in self.tasks.product:
            for name in _LISTS:
                for module, value in self._given(task, name):
                    spelled = self._exception(module, value)
                    if spelled:
                        place = module.place(value.span)
                        found.setdefault(place, BareException(name, spelled, place))
        return list(found.values())

    def _exception(self, module: Module, value: Value) -> str:
        """The name of the class that a value certainly is."""
        if value.kind != "name":
            return ""
        entity = self.project.value_entity(module, value)
        leaf = value.chain.rpartition(".")[2].lstrip(":~")
        is_class = entity.kind == "class" or (entity.kind == "external" and _is_exception(entity.name))
        return leaf if is_class and "()" not in leaf and not leaf.isupper() else ""

    # ------------------------------------------------------------------ CEL328

    @facts
    def bad_values(self) -> list[BadValue]:
        """The values of other options, each place once."""
        found: dict[Place, BadValue] = {}
        for task in self.tasks.product:
            for name in _OPTIONS:
                for module, value in self._given(task, name):
                    effect = self._effect(module, name, value)
                    if effect is not None:
                        text = self.project.text(module, value)
                        place = module.place(value.span)
                        shown = "timedelta(…)" if text is None else repr(text)
                        found.setdefault(place, BadValue(task, name, shown, effect, place))
        return list(found.values())

    def _effect(self, module: Module, name: str, value: Value) -> Effect | None:
        text = self.project.text(module, value)
        duration = value.kind == "call" and value.chain == "datetime.timedelta"
        if name == "default_retry_delay" and (duration or text is not None):
            return "lost"
        if name == "expires" and duration:
            return "at_send"
        if text is None:
            return None
        if name == "max_retries":
            return "at_retry"
        if name == "bind":
            return "is_true" if text.lower() in ("false", "no", "off", "0") else None
        if name == "retry_backoff":
            return None if _is_number(text) else "no_number"
        if name == "serializer" and text not in _SERIALIZERS and not self._registers:
            return "no_serializer"
        if name == "compression" and text not in _COMPRESSIONS and not self._registers:
            return "no_compression"
        return None

    @once
    def _registers(self) -> bool:
        """Whether the project may make serializers or compressions of its own known to kombu."""
        return any(
            any("kombu" in target for target in module.imports.values())
            for module, _ in self.project.holding("register")
        )


def _is_exception(name: str) -> bool:
    """Whether a dotted name outside of the project certainly is the class of an exception."""
    module, _, leaf = name.rpartition(".")
    if module == "builtins":
        found = getattr(builtins, leaf, None)
        return isinstance(found, type) and issubclass(found, BaseException)
    if leaf.endswith(_EXCEPTIONS) or name in _OF_THE_POOL:
        return True
    if leaf.isupper() or not leaf[:1].isupper():
        return False
    return module.partition(".")[0] in _PACKAGES and module.rpartition(".")[2] in _OF_EXCEPTIONS


def _is_rate(text: str) -> bool:
    """Whether Celery can read a rate: ``celery.utils.time.rate``."""
    number, _, per = text.partition("/")
    return per in _PER and _is_number(number)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True

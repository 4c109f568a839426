"""What the settings of the applications say about brokers and deliveries, and whether they can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.in_force import EffectiveOptions
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.known import Known

# https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout
_DEFAULT_VISIBILITY = {"redis": 3600.0, "sqs": 1800.0}
_KINDS = {
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "sentinel": "redis",
    "sqs": "sqs",
    "amqp": "amqp",
    "amqps": "amqp",
    "pyamqp": "amqp",
    "librabbitmq": "amqp",
}
_VISIBILITY = "visibility_timeout"


class Broker(NamedTuple):
    """The broker. ``kind`` is ``redis``, ``sqs``, ``amqp``, ``other``, or empty where nobody can tell.

    ``visibility`` is how long a message may stay without acknowledgement before it is delivered again, in
    seconds; ``None`` if that is unknown or does not apply. ``place`` is the setting that says so.
    """

    kind: str
    visibility: float | None
    place: Place | None

    @property
    def redelivers(self) -> bool:
        """Whether the broker certainly delivers again what is not acknowledged in a known time."""
        return self.kind in _DEFAULT_VISIBILITY and self.visibility is not None

    @property
    def title(self) -> str:
        """How messages call the broker."""
        return {"redis": "Redis", "sqs": "SQS", "amqp": "RabbitMQ"}.get(self.kind, "the broker")


class DeliverySettings:
    """Questions about settings that hold for all tasks."""

    def __init__(self, known: Known) -> None:
        self.effective = known.of(EffectiveOptions)
        self.project = known.project
        self.settings = known.of(Settings)
        self.applications = known.of(Applications)
        self.task_options = known.of(TaskOptions)

    @cached_property
    def hidden(self) -> bool:
        """Whether an application may get settings from where nobody can look."""
        with self.project.asking("quiet"):
            for module in self.project.product_modules():
                for function in module.functions.values():
                    if "config_from_envvar" in function.packed_calls:
                        return True
                    for _, value in function.values:
                        if value.chain.endswith(".config_from_object"):
                            if not self._is_readable(module, value):
                                return True
                        elif value.chain.endswith(".conf.update") and not self._is_plain(module, value):
                            return True
        return False

    def _is_readable(self, module: Module, value: Value) -> bool:
        given = value.first() or value.keyword("obj")
        if given is None:
            return False
        text = self.project.text(module, given)
        if text is not None:
            dotted = text.partition(":")[0]
            return dotted == "django.conf" or self.project.imports.locate(dotted, module.path) is not None
        entity = self.project.value_entity(module, given)
        return entity.kind in ("module", "class", "instance", "value")

    def _is_plain(self, module: Module, value: Value) -> bool:
        spread = [given for key, given in value.keywords if key in ("*", "**")]
        for given in (*value.items, *spread):
            known = self.project.constant(module, given)
            if known is None and given.kind == "call" and given.chain in ("~dict", "builtins.dict"):
                known = None if given.open_ended() else given
            if known is None or known.open_ended():
                return False
        return True

    def visible(self, task: Task) -> bool:
        """Whether all settings that hold for a task can be seen."""
        return bool(self.applications.product) and self.effective.own_application(task) and not self.hidden

    def number(self, name: str) -> tuple[float, Setting] | None:
        """A number that the project sets exactly once, for its only application."""
        found = self.settings.named(name)
        if len(found) != 1 or len(self.applications.product) > 1:
            return None
        known = self.project.number(found[0].module, found[0].value)
        return (known, found[0]) if known is not None else None

    def switch(self, name: str) -> bool | None:
        """Whether a setting is on: ``None`` where that depends on the application or the environment."""
        found = self.settings.named(name)
        if not found:
            return False
        values = {self._truth(setting.module, setting.value) for setting in found}
        if len(values) == 1 and (values == {False} or len(self.applications.product) <= 1):
            return values.pop()
        return None

    def _truth(self, module: Module, value: Value) -> bool | None:
        known = self.project.constant(module, value)
        return bool(known.data) if known is not None and known.kind == "constant" else None

    def option(self, task: Task, name: str, setting: str) -> bool | None:
        """Whether a switch is on for a task, by its own option or by the setting; ``None``: nobody knows."""
        given = self.task_options.get(task, name)
        if given is not None and not (given[1].kind == "constant" and given[1].data is None):
            return self._truth(*given)
        if not self.effective.known(task, frozenset({name})):
            return None
        global_ = self.switch(setting)
        if global_ is False and not self.visible(task):
            return None
        return global_

    # ------------------------------------------------------------------ broker

    @cached_property
    def broker(self) -> Broker:
        """The broker, as the option `broker` or the settings name it."""
        kind = self._kind
        times = list(self._visibility_times)
        if any(seconds is None for seconds, _ in times):
            return Broker(kind, None, None)
        if times:
            seconds, place = max(times, key=lambda time: time[0] or 0.0)
            return Broker(kind, seconds, place)
        return Broker(kind, _DEFAULT_VISIBILITY.get(kind), None)

    @cached_property
    def _kind(self) -> str:
        configured = self.project.configuration.broker
        if configured:
            return _KINDS.get(configured, "other")
        found = {self._scheme(setting) for setting in self.settings.named("broker_url")}
        return found.pop() if len(found) == 1 else ""

    def _scheme(self, setting: Setting) -> str:
        value = setting.value
        text = value.data if value.kind == "text" else self.project.text(setting.module, value)
        if not isinstance(text, str) or not text:
            return ""
        scheme, colon, _ = text.partition("://")
        if not colon:
            scheme = text if text.isidentifier() else ""
        return _KINDS.get(scheme.lower(), "other" if scheme else "")

    @property
    def _visibility_times(self) -> Iterator[tuple[float | None, Place]]:
        for setting in self.settings.named("broker_transport_options"):
            known = self.project.constant(setting.module, setting.value)
            if known is None and setting.value.kind == "call" and setting.value.chain == "~dict":
                known = setting.value
            if known is None or known.open_ended() or any(key == "?" for key, _ in known.keywords):
                yield None, setting.place
                continue
            given = known.keyword(_VISIBILITY)
            if given is not None:
                yield self.project.number(setting.module, given), setting.module.place(given.span)
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key == _VISIBILITY:
                    seconds = self.project.number(module, assignment.value)
                    yield seconds, module.place(assignment.value.span)
            for function in module.functions.values():
                if _VISIBILITY in function.packed_calls:  # `options.update(visibility_timeout=...)`
                    for _, value in function.values:
                        given = value.keyword(_VISIBILITY)
                        if given is not None and value.chain.endswith(".update"):
                            yield self.project.number(module, given), module.place(given.span)

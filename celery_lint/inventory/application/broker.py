"""What the settings of the applications say about brokers and deliveries, and whether they can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.constants import ENVIRONMENT
from celery_lint.project.functions import by_path
from celery_lint.project.known import Known, once
from celery_lint.project.project import Project

# https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html#visibility-timeout
_DEFAULTVISIBILITY = {"redis": 3600.0, "sqs": 1800.0}
Kind = Literal["redis", "sqs", "amqp", "other", ""]
_KINDS: dict[str, Kind] = {
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
VISIBILITY = "visibility_timeout"


class Broker(NamedTuple):
    """The broker. ``kind`` is ``redis``, ``sqs``, ``amqp``, ``other``, or empty where nobody can tell.

    ``visibility`` is how long a message may stay without acknowledgement before it is delivered again, in
    seconds; ``None`` if that is unknown or does not apply. ``place`` is the setting that says so.
    """

    kind: Kind
    visibility: float | None
    place: Place | None

    @property
    def redelivers(self) -> bool:
        """Whether the broker certainly delivers again what is not acknowledged in a known time."""
        return self.kind in _DEFAULTVISIBILITY and self.visibility is not None

    @property
    def title(self) -> str:
        """How messages call the broker."""
        return {"redis": "Redis", "sqs": "SQS", "amqp": "RabbitMQ"}.get(self.kind, "the broker")


class BrokerSettings:
    """Questions about settings that hold for all tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)

    # ------------------------------------------------------------------ broker

    @once
    def broker(self) -> Broker:
        """The broker, as the option `broker` or the settings name it."""
        kind = self._kind
        times = list(self._visibility_times)
        if any(seconds is None for seconds, _ in times):
            return Broker(kind, None, None)
        if times:
            seconds, place = max(times, key=lambda time: time[0] or 0.0)
            return Broker(kind, seconds, place)
        return Broker(kind, _DEFAULTVISIBILITY.get(kind), None)

    @once
    def _kind(self) -> Kind:
        configured = self.project.configuration.broker
        if configured:
            return _KINDS.get(configured, "other")
        found = {self._scheme(setting) for setting in self.settings.named("broker_url")}
        return found.pop() if len(found) == 1 else ""

    def may_be(self, kind: Kind) -> bool:
        """Whether the broker is of this kind, for certain or where no environment names another."""
        return self._kind == kind or (not self._kind and kind in self._usual_kinds)

    @once
    def likely(self) -> Kind:
        """The kind that it is, or that defaults or all that launch files give to variables speak of alone.

        Enough for a remedy to leave out what other brokers have.
        """
        if self._kind:
            return self._kind
        kinds = self._usual_kinds or {_KINDS.get(each, "other") for each in self._given if each}
        return next(iter(kinds)) if len(kinds) == 1 else ""

    @property
    def _given(self) -> frozenset[str]:
        """The schemes that launch files give to variables: those of brokers, if any is called so."""
        schemes = self.project.deployment.schemes
        own = [name for name in schemes if "BROKER" in name]
        others = [name for name in schemes if "RESULT" not in name and "CACHE" not in name]
        return frozenset().union(*(schemes[name] for name in own or others))

    @once
    def _usual_kinds(self) -> set[Kind]:
        """The kinds that stand beside the names of environment variables: ``getenv("BROKER", "sqs://")``."""
        values = [setting.value for setting in self.settings.named("broker_url")]
        asked = [value for value in values if value.kind == "call" and value.chain in ENVIRONMENT]
        given = [value.items[1] if len(value.items) > 1 else value.keyword("default") for value in asked]
        texts = [value.data for value in given if value is not None and isinstance(value.data, str)]
        return {_KINDS.get(text.partition("://")[0].lower(), "other") for text in texts}

    def _scheme(self, setting: Setting) -> Kind:
        value = setting.value
        if value.kind == "name":  # a text that only begins with what is known has no constant behind it
            bound = self.project.value_entity(setting.module, value).value
            value = bound if bound is not None and bound.kind == "text" else value
        text = value.data if value.kind == "text" else self.project.text(setting.module, value)
        if not isinstance(text, str) or not text:
            return self._of_environment(setting)
        scheme, colon, _ = text.partition("://")
        if not colon:
            scheme = text if text.isidentifier() else ""
        return _KINDS.get(scheme.lower(), "other" if scheme else "")

    def _of_environment(self, setting: Setting) -> Kind:
        kinds = {_KINDS.get(each, "other") for each in schemes_of_environment(self.project, setting)}
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def _visibility_times(self) -> Iterator[tuple[float | None, Place]]:
        for setting in self.settings.named("broker_transport_options"):
            written = list(self._written(setting))
            for module, known in written:
                if known is None or known.open_ended() or any(key == "?" for key, _ in known.keywords):
                    yield None, setting.place
                    continue
                given = known.keyword(VISIBILITY)
                if given is not None:
                    yield self.project.number(module, given), module.place(given.span)
                elif len(written) > 1 and self._kind in _DEFAULTVISIBILITY:
                    yield _DEFAULTVISIBILITY[self._kind], setting.place
        holding = by_path(self.project.holding(VISIBILITY))
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key == VISIBILITY and "result_backend" not in assignment.target:
                    seconds = self.project.number(module, assignment.value)
                    yield seconds, module.place(assignment.value.span)
            for function in holding.get(module.path, ()):  # `options.update(visibility_timeout=...)`
                for _, value in function.values:
                    given = value.keyword(VISIBILITY)
                    if given is not None and value.chain.endswith(".update") and "result" not in value.chain:
                        yield self.project.number(module, given), module.place(given.span)

    def _written(self, setting: Setting) -> Iterator[tuple[Module, Value | None]]:
        """The mappings that a setting may be: all that a function returns which makes it."""
        module, value = setting.module, setting.value
        made = self.project.resolve(module, value.chain) if value.kind == "call" else None
        function = made.function() if made is not None else None
        if made is None or made.module is None or function is None:
            known = self.project.constant(module, value)
            if known is None and value.kind == "call" and value.chain == "~dict":
                known = value
            yield module, known
            return
        flow = self.project.functions.of(made.module, function)
        ends = [step for step in flow.steps if step.kind == "return"]
        told = function.returns if len(ends) == len(function.returns) else ()  # others lead nowhere
        yield from [(made.module, self.project.constant(made.module, each)) for each in told or (None,)]
        if told and not flow.ends(flow.body(None)):  # it may give nothing, so that the defaults hold
            yield module, value._replace(kind="constant", data=None, items=(), keywords=())


def schemes_of_environment(project: Project, setting: Setting) -> frozenset[str]:
    """The schemes that a variable of the environment has: by default, and in all launch files that give it.

    None where it has no default, or no file gives it.
    """
    asked = setting.value
    if asked.kind == "name":
        asked = project.value_entity(setting.module, asked).value or asked
    if asked.kind != "call" or asked.chain not in ENVIRONMENT or not asked.items:
        return frozenset()
    default = asked.items[1] if len(asked.items) > 1 else asked.keyword("default")
    given = project.deployment.schemes.get(str(asked.items[0].data), frozenset())
    if default is None or not isinstance(default.data, str) or not given:
        return frozenset()
    return frozenset({default.data.partition("://")[0].lower(), *given})

"""Points in time without a zone, which Celery takes for UTC."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.message_options import MessageOptions, OptionCall
from celery_lint.inventory.tasks.results import only_binding
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

_TIMES = ("eta", "expires")
# Local time without a zone, with the place of the argument that would give one; -1 where there is none.
_LOCAL = {
    "datetime.datetime.now": 0,
    "datetime.datetime.today": -1,
    "datetime.datetime.fromtimestamp": 1,
    "datetime.datetime": 7,
}
_ZONES = ("tz", "tzinfo")
_DURATION = "datetime.timedelta"
_UTC = frozenset({"UTC", "ETC/UTC", "GMT"})
_ZONE_SETTING = "TIME_ZONE"


class NaiveTime(NamedTuple):
    """A point in time without a zone. ``zone``: the one of the project's processes, and where it stands.

    ``task`` is what is sent, if that is known.
    """

    place: Place
    option: str
    made: str
    made_at: Place
    zone: str
    zone_at: Place | None
    task: Task | None


class NaiveTimes:
    """The times at which messages are due or expire."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.message_options = known.of(MessageOptions)

    @once
    def _zones(self) -> list[tuple[str, Place]]:
        """The time zones that Django gives to the processes of the project."""
        return [
            (text, module.place(value.span))
            for module in self.project.product_modules()
            for value in module.bindings.get(_ZONE_SETTING, ())
            if (text := self.project.text(module, value)) is not None
        ]

    @facts
    def all(self) -> list[NaiveTime]:
        """The naive times, unless every zone in sight is UTC anyway."""
        if self._zones and all(name.upper() in _UTC for name, _ in self._zones):
            return []
        return [fact for call in self.message_options.calls for fact in self._naive(call)]

    def _naive(self, call: OptionCall) -> Iterator[NaiveTime]:
        zone, zone_at = next((zone for zone in self._zones if zone[0].upper() not in _UTC), ("", None))
        for option in _TIMES:
            given = call.value.keyword(option)
            made = self._made(call, given) if given is not None else None
            if given is not None and made is not None:
                place = call.module.place(given.span)
                yield NaiveTime(place, option, made[0], made[1], zone, zone_at, call.task)

    def _made(self, call: OptionCall, value: Value) -> tuple[str, Place] | None:
        """What makes a time naive, and where."""
        if value.kind == "arithmetic" and value.data in ("Add", "Sub"):
            return self._made(call, value.items[0])
        if value.kind == "call":
            name = self._local(call.module, value.chain, value)
            return (name, call.module.place(value.span)) if name else None
        if value.kind == "name" and value.chain[:1] == "%" and value.chain[1:].isidentifier():
            return self._bound(call.module, call.function, value.chain[1:])
        if value.kind == "name" and value.chain.endswith("()"):
            return self._called(call.module, call.function, value)
        return None

    def _local(self, module: Module, chain: str, given: Value | Call) -> str:
        """How a call is spelled that gives a local time, or nothing."""
        name = self.project.resolve(module, chain).name
        at = _LOCAL.get(name)
        if at is None:
            return ""
        if isinstance(given, Value):
            zoned = given.open_ended() or len(given.items) > at >= 0 or any(map(given.keyword, _ZONES))
        else:
            zoned = (
                given.is_open_ended
                or (at >= 0 and bool(given.argument(at)))
                or any(map(given.keyword, _ZONES))
            )
        return "" if zoned else f"{name.removeprefix('datetime.')}()"

    def _called(self, module: Module, function: Function, value: Value) -> tuple[str, Place] | None:
        """``start = datetime.now()``, which the model sees through: the last call before the name."""
        made = None
        for call in self.functions.calls(module, function):
            if f"{call.chain}()" == value.chain and (made is None or call.span.start < value.span.start):
                made = call
        name = self._local(module, made.chain, made) if made is not None else ""
        return (name, module.place(made.span)) if made is not None and name else None

    def _bound(self, module: Module, function: Function, name: str) -> tuple[str, Place] | None:
        """``start = datetime.now() + timedelta(hours=1)``: a sum of nothing but such a time and durations."""
        flow = self.functions.of(module, function)
        binding = only_binding(flow, name)
        if binding is None or binding.value != "?":
            return None
        calls = self.functions.calls(module, function)
        made = None
        for call in (calls[number] for number in binding.calls):
            local = self._local(module, call.chain, call)
            if local and made is None:
                made = local, module.place(call.span)
            elif self.project.resolve(module, call.chain).name != _DURATION:
                return None
        return made

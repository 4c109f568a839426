"""When messages are due: two times at once, and what is no time."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.calls.message_options import MessageOptions, OptionCall
from celery_lint.model.facts import Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_DURATION = "datetime.timedelta"
_MOMENTS = frozenset({"datetime.datetime.now", "datetime.datetime.utcnow", "django.utils.timezone.now"})
_SECONDS = "time.time"


class TwoTimes(NamedTuple):
    """A message with a ``countdown`` and an ``eta``."""

    place: Place
    method: str
    eta: Place


class NoTime(NamedTuple):
    """A value of ``option`` that Celery cannot calculate with. ``what`` it is."""

    place: Place
    method: str
    option: str
    what: str


class MessageTimes:
    """The times that calls set."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.options = known.of(MessageOptions)

    @facts
    def two(self) -> list[TwoTimes]:
        """The messages whose ``eta`` is never looked at."""
        found = []
        for call in self.options.calls:
            countdown, eta = call.value.keyword("countdown"), call.value.keyword("eta")
            if countdown is None or eta is None or call.value.open_ended():
                continue
            if self.project.number(call.module, countdown) is not None and self._type(call, eta):
                place = call.module.place(countdown.span)
                found.append(TwoTimes(place, call.method, call.module.place(eta.span)))
        return found

    @facts
    def wrong(self) -> list[NoTime]:
        """The times of a type that fails."""
        return list(self._wrong())

    def _wrong(self) -> Iterator[NoTime]:
        for call in self.options.calls:
            for option, value in call.value.keywords:
                if option not in ("countdown", "eta", "expires"):
                    continue
                what = self._type(call, value)
                wrong = {
                    "countdown": what in ("a `timedelta`", "a text", "a `datetime`"),
                    "eta": what in ("a `timedelta`", "a number"),
                    "expires": what == "a `timedelta`",
                }
                if wrong[option]:
                    yield NoTime(call.module.place(value.span), call.method, option, what)

    def _type(self, call: OptionCall, value: Value) -> str:
        """What a value certainly is, or nothing."""
        if value.kind == "constant":
            if isinstance(value.data, str):
                return "a text"
            plain = value.data is None or isinstance(value.data, bool)
            return "" if plain else "a number"
        if value.kind == "arithmetic":
            return self._sum(call, value)
        chain = value.chain if value.kind == "call" else ""
        if value.kind == "name" and value.chain.endswith("()"):
            chain = value.chain[:-2]
        name = self.project.resolve(call.module, chain).name if chain else ""
        if name == _DURATION:
            return "a `timedelta`"
        if name == _SECONDS:
            return "a number"
        return "a `datetime`" if name in _MOMENTS else ""

    def _sum(self, call: OptionCall, value: Value) -> str:
        """``datetime.now() + timedelta(hours=1)``, ``time.time() + 60``."""
        if value.data not in ("Add", "Sub"):
            return ""
        left, right = (self._type(call, side) for side in value.items)
        if value.data == "Add" and left == "a `timedelta`":
            left, right = right, left
        if left == "a `datetime`" and right == "a `timedelta`":
            return left
        return left if left == right and left in ("a `timedelta`", "a number") else ""

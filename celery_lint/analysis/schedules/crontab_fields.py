"""Crontabs that fire more often than anybody means, never, or cannot even be made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeVar

from celery_lint.inventory.application.beat.cron_fields import FIELDS, InvalidField, moments, occurs, steps
from celery_lint.inventory.application.beat.crontabs import Crontab, Crontabs
from celery_lint.inventory.application.beat.unread import UnreadSchedules
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_LONGEST_SHOWN = 12
# Calls whose result is one moment or some, and never `*`.
_NUMBERS = frozenset({"~int", "builtins.int", "~range", "builtins.range", "~list", "~set"})


class MissingMinute(NamedTuple):
    """A crontab without a minute. ``all_day``: without an hour, too."""

    place: Place
    call: str
    all_day: bool


Why = Literal["", "keyword", "whole", "cut", "parts", "many", "never"]


class Refused(NamedTuple):
    """A crontab that cannot be made: as it is written, the exception, and why.

    ``field`` does not take its value; or there is a ``keyword`` that is none, the ``whole`` text stands in
    one field, it has not five ``parts``, there are too ``many``, or the date ``never`` comes. ``cut``: the
    whole text stands in one field, and Celery reads what it understands and nothing of the rest.
    """

    place: Place
    written: str
    error: str
    why: Why = ""
    field: str = ""
    text: str = ""


class WideStep(NamedTuple):
    """A step that is longer than the field, so that only the first moment is left."""

    place: Place
    field: str
    step: int
    most: int


_Fact = TypeVar("_Fact", MissingMinute, WideStep)


class CrontabFields:
    """The fields of a project's crontabs."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.crontabs = known.of(Crontabs)
        self.schedules = known.of(Schedules)
        self.unread = known.of(UnreadSchedules)

    # ------------------------------------------------------------------ no minute

    @facts
    def without_minute(self) -> list[MissingMinute]:
        """The crontabs that say which hour or day, and not which minute."""
        return self._worked_off(list(self._without_minute()))

    def _without_minute(self) -> Iterator[MissingMinute]:
        for crontab in self.crontabs.all:
            if "minute" in crontab.fields or crontab.unknown or crontab.too_many or crontab.text is not None:
                continue
            chosen = [field for field in FIELDS if self._chooses(crontab, field)]
            if chosen and not self._means_minutes(crontab):
                call = f"{crontab.written}({chosen[0]}={self._shown(crontab, chosen[0])})"
                yield MissingMinute(crontab.place, call, "hour" not in chosen)

    def _chooses(self, crontab: Crontab, field: str) -> bool:
        """Whether this field says for certain that not every moment is meant."""
        value = crontab.fields.get(field)
        return value is not None and self._is_chosen(crontab.module, value)

    def _is_chosen(self, module: Module, value: Value) -> bool:
        if value.kind == "call":
            return value.chain in _NUMBERS
        known = self.project.constant(module, value)
        if known is None:
            return False
        if known.kind == "constant":
            return known.data is not None and str(known.data).strip() != "*"
        return known.kind == "sequence"

    def _shown(self, crontab: Crontab, field: str) -> str:
        known = self.project.constant(crontab.module, crontab.fields[field])
        shown = repr(known.data) if known is not None and known.kind == "constant" else "…"
        return shown if len(shown) <= _LONGEST_SHOWN else "…"

    def _means_minutes(self, crontab: Crontab) -> bool:
        """Whether the entry around a crontab says that each minute is meant."""
        span = crontab.span
        return any(
            entry.module is crontab.module
            and entry.value.span.line <= span.line <= entry.value.span.end_line
            and "minute" in f"{entry.key} {self.project.text(entry.module, entry.given.get('task'))}".lower()
            for entry in self.schedules.all
        )

    # ------------------------------------------------------------------ what cannot be

    @facts
    def refused(self) -> list[Refused]:
        """The crontabs that Celery refuses to make, or that never fire."""
        return [found for crontab in self.crontabs.all if (found := self._refusal(crontab)) is not None]

    def _refusal(self, crontab: Crontab) -> Refused | None:
        if crontab.written == "CrontabSchedule":
            return None
        place = crontab.place
        if crontab.text is not None and not crontab.fields:
            return Refused(place, f"from_string({crontab.text!r})", "ValueError", "parts")
        for name, value in crontab.unknown:
            return Refused(crontab.module.place(value.span), f"crontab({name}=…)", "TypeError", "keyword")
        if crontab.too_many:
            return Refused(place, "crontab(…)", "TypeError", "many")
        known: dict[str, frozenset[int]] = {}
        for field, value in crontab.fields.items():
            given = self.project.constant(crontab.module, value) if value.kind != "unknown" else None
            try:
                found = moments(field, given) if given is not None else None
            except InvalidField as invalid:
                return self._invalid(crontab, field, value, given, invalid)
            if found is not None:
                if given is not None and _is_whole(given.data):
                    return self._cut(crontab, field, value, str(given.data))
                known[field] = found
        days, months = known.get("day_of_month"), known.get("month_of_year")
        if days and months and not occurs(days, months):
            return Refused(place, f"{crontab.written}(…)", "ValueError", "never")
        return None

    def _invalid(
        self, crontab: Crontab, field: str, value: Value, given: Value | None, invalid: InvalidField
    ) -> Refused:
        data = given.data if given is not None and given.kind == "constant" else None
        place = crontab.module.place(value.span)
        if _is_whole(data):
            return Refused(place, f"crontab({data!r})", invalid.error, "whole", "", str(data))
        shown = repr(data) if given is not None and given.kind == "constant" else "…"
        if len(shown) > _LONGEST_SHOWN:
            shown = "…"
        return Refused(place, f"{crontab.written}({field}={shown})", invalid.error, "", field)

    def _cut(self, crontab: Crontab, field: str, value: Value, text: str) -> Refused:
        place = crontab.module.place(value.span)
        return Refused(place, f"crontab({text!r})", "", "cut", field, text)

    # ------------------------------------------------------------------ steps

    @facts
    def wide_steps(self) -> list[WideStep]:
        """The steps that are longer than their field."""
        found = [
            WideStep(crontab.module.place(value.span), field, step, FIELDS[field][0])
            for crontab in self.crontabs.all
            for field, value in crontab.fields.items()
            for step in steps(self.project.text(crontab.module, value) or "")
            if step > FIELDS[field][0]
        ]
        return self._worked_off(found)

    def _worked_off(self, found: list[_Fact]) -> list[_Fact]:
        """Those of schedules that some beat works off, as far as anybody can tell."""
        return self.schedules.unless_by_nobody([each for each in found if not self.unread.holds(each.place)])


def _is_whole(data: object) -> bool:
    """Whether it is a line of cron, with all of its fields."""
    return isinstance(data, str) and len(data.split()) == len(FIELDS)

"""The crontabs of a project: what each of their fields is given, wherever they are written."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.beat.cron_fields import FIELDS
from celery_lint.libraries.celery import CRONTAB, CRONTAB_FROM_STRING, CRONTAB_ROWS
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.defined import at_the_end
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.functions import by_path
from celery_lint.project.known import Known, once

# The fields of `crontab.from_string`: the order that cron has, and not that of the constructor.
_IN_STRINGS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
# What the constructor takes beside its fields.
_OTHERS = frozenset({"app", "nowfun"})


_LEAVES = ("crontab", "from_string")
_DEEPEST = 4


class Crontab(NamedTuple):
    """A crontab: ``fields`` as far as they are given, ``unknown`` keywords, ``text`` of ``from_string``.

    ``written`` is the name that it is made by: ``crontab``, ``crontab.from_string``, ``CrontabSchedule``.
    """

    module: Module
    span: Span
    written: str
    fields: dict[str, Value]
    unknown: tuple[tuple[str, Value], ...]
    too_many: bool
    text: str | None

    @property
    def place(self) -> Place:
        """The call."""
        return self.module.place(self.span)


class Crontabs:
    """The crontabs of a project whose fields are all written out."""

    def __init__(self, known: Known) -> None:
        self.project = known.project

    @once
    def all(self) -> list[Crontab]:
        """All of the product, in the order of the source."""
        found: list[Crontab] = []
        calling = *at_the_end(_LEAVES), "CrontabSchedule.objects."
        holding = by_path(self.project.holding(*calling))
        for module in self.project.product_modules():
            for function in holding.get(module.path, ()):
                found += self._within(module, function)
            for class_ in module.classes.values():
                for values in class_.attributes.values():
                    for value in values:
                        found += self._in_class(module, value)
        return found

    def _within(self, module: Module, function: Function) -> Iterator[Crontab]:
        for call in self.project.functions.calls(module, function):
            if call.leaf() in _LEAVES:
                value = function.value_of(call)
                if value is not None:
                    yield from self._made(module, value)
            elif "CrontabSchedule.objects." in call.chain and not call.is_open_ended:
                name = self.project.resolve(module, call.chain).name
                if name in CRONTAB_ROWS and not call.keyword("defaults"):
                    yield Crontab(module, call.span, "CrontabSchedule", _row(call), (), False, None)

    def _in_class(self, module: Module, value: Value, depth: int = 0) -> Iterator[Crontab]:
        """The crontabs in what the body of a class binds: a call itself, or one in mappings."""
        if value.kind == "call" and leaf_of_chain(value.chain) in _LEAVES:
            yield from self._made(module, value)
        elif value.kind == "mapping" and depth < _DEEPEST:
            for _, item in value.keywords:
                yield from self._in_class(module, item, depth + 1)

    def _made(self, module: Module, value: Value) -> Iterator[Crontab]:
        name = self.project.resolve(module, value.chain).name
        if name == CRONTAB and not value.open_ended():
            fields = dict(zip(FIELDS, value.items, strict=False))
            fields.update((key, item) for key, item in value.keywords if key in FIELDS)
            unknown = tuple([(k, v) for k, v in value.keywords if k not in FIELDS and k not in _OTHERS])
            too_many = len(value.items) > len(FIELDS)
            yield Crontab(module, value.span, "crontab", fields, unknown, too_many, None)
        elif name == CRONTAB_FROM_STRING:
            text = self.project.text(module, value.first() or value.keyword("crontab"))
            if text is not None:
                parts = text.split(" ")
                given = [Value("constant", value.span, part) for part in parts]
                fields = dict(zip(_IN_STRINGS, given, strict=False)) if len(parts) == len(FIELDS) else {}
                yield Crontab(module, value.span, "crontab.from_string", fields, (), False, text)


def _row(call: Call) -> dict[str, Value]:
    """The fields of a row of the database, which are texts."""
    found = {}
    for given in call.takes:
        if given.keyword in FIELDS:
            kind, data = ("constant", given.data) if given.kind in ("text", "constant") else ("unknown", None)
            found[given.keyword] = Value(kind, call.span, data)  # type: ignore[arg-type]
    return found

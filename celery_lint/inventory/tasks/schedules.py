"""The entries of schedules, wherever they are written: which task, when, and with what.

An entry stands in a mapping that an application loads (``beat_schedule``), is set or updated there, is
given to ``add_periodic_task``, or is a row of django-celery-beat or an entry that code makes for redbeat.
https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeVar

from celery_lint.inventory.application.beat.unread import SCHEDULE, UnreadSchedules
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.loaded import Loaded
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import (
    PERIODIC_TASK,
    PERIODIC_TASK_MANAGER,
    PERIODIC_TASK_ROWS,
    REDBEAT_ENTRIES,
    REDBEAT_PARAMETERS,
)
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.tables import written_mapping
from celery_lint.project.unseen.unparsed import UnparsedTexts

PERIODIC = "add_periodic_task"
_OF_PERIODIC = ("schedule", "sig", "args", "kwargs", "name")
_DEEPEST = 6
_Fact = TypeVar("_Fact")
_ROW = f".{PERIODIC_TASK.rpartition('.')[2]}"
_REDBEAT = ".RedBeatSchedulerEntry"

Written = Literal["mapping", "call", "row", "entry"]


class Entry(NamedTuple):
    """An entry: ``given`` holds what is written in it by name, of a call its options too.

    ``module`` is the one that writes what is given. ``key`` is the name of the entry where it is a text.
    ``hidden``: there may be more than is written. ``certain``: an application certainly loads it.
    ``function`` and ``call`` are those of ``add_periodic_task``, of the row, or of redbeat's entry.
    """

    module: Module
    place: Place
    written: Written
    key: str
    given: dict[str, Value]
    hidden: bool
    value: Value
    certain: bool
    function: Function | None = None
    call: Call | None = None


class Listed(NamedTuple):
    """A mapping whose values are entries, as one place writes it.

    ``certain``: an application certainly loads it, and nothing shows that no beat runs for that.
    """

    module: Module
    value: Value
    certain: bool


class Schedules:
    """The entries of a project's schedules."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.unparsed = known.of(UnparsedTexts)
        self.unread = known.of(UnreadSchedules)
        self.commands = known.of(Commands)
        self.loaded = known.of(Loaded)
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)

    @once
    def all(self) -> list[Entry]:
        """All of the product, each place once."""
        found: dict[Place, Entry] = {}
        for entry in (*self._listed(), *self._set(), *self._called()):
            found.setdefault(entry.place, entry)
        return list(found.values())

    @once
    def mappings(self) -> list[Listed]:
        """The mappings that schedules are made of: what is loaded, what it unpacks, what updates it."""
        found: dict[Place, Listed] = {}
        for listed in self._written():
            place = listed.module.place(listed.value.span)
            if place not in found or listed.certain:
                found[place] = listed
        return list(found.values())

    def _written(self) -> Iterator[Listed]:
        for setting in self.settings.named(SCHEDULE):
            certain = setting.certain and setting.module.place(setting.value.span) not in self.unread.places
            yield from self._parts(setting.module, setting.value, certain)
        for module, function in self.project.calling(".update"):
            for _, value in function.values:
                owner, _, leaf = value.chain.rpartition(".")
                if leaf == "update" and is_schedule(owner):
                    for item in (*value.items, *_keywords(value)):
                        yield from self._parts(module, item, is_in_force(owner))

    def _parts(self, module: Module, value: Value, certain: bool, depth: int = 0) -> Iterator[Listed]:
        """The mappings that an expression is made of: alternatives, unions, and what they unpack."""
        if depth > _DEEPEST:
            return
        if value.kind == "either":
            for side in value.items:
                yield from self._parts(module, side, certain and value.data == "|", depth + 1)
            return
        owner, mapping = written_mapping(self.project, module, value)
        if mapping is None:
            if isinstance(value.data, str) and value.chain.endswith("[]"):  # `web.config["SCHEDULE"]`
                yield from self._by_key(module, value, certain)
            entity = self.project.value_entity(module, value)
            if entity.module is not None and entity.value is not None and entity.value.kind == "either":
                yield from self._parts(entity.module, entity.value, certain, depth + 1)
            return
        yield Listed(owner, mapping, certain)
        for key, item in mapping.keywords:
            if key == "**":
                yield from self._parts(owner, item, certain, depth + 1)

    def is_written(self, module: Module, value: Value, depth: int = 0) -> bool:
        """Whether all entries of a schedule stand in mappings that are written down."""
        if depth > _DEEPEST:
            return False
        if value.kind == "either":
            return all(self.is_written(module, side, depth + 1) for side in value.items)
        owner, mapping = written_mapping(self.project, module, value)
        if mapping is not None:
            unpacked = [item for key, item in mapping.keywords if key == "**"]
            return all(self.is_written(owner, item, depth + 1) for item in unpacked)
        if isinstance(value.data, str) and value.chain.endswith("[]"):
            source = self.loaded.source(module, value)
            return bool(source.mappings) and not source.hidden
        entity = self.project.value_entity(module, value)
        if entity.module is None or entity.value is None or entity.value.kind != "either":
            return False
        return self.is_written(entity.module, entity.value, depth + 1)

    def _by_key(self, module: Module, value: Value, certain: bool) -> Iterator[Listed]:
        """What the project keeps under a name, in settings that something else has loaded."""
        source = self.loaded.source(module, value)
        only = certain and len(source.mappings) == 1 and not source.hidden
        for owner, mapping in source.mappings:
            yield Listed(owner, mapping, only)

    @once
    def named(self) -> list[tuple[Entry, str, Place]]:
        """The entries in force that name their task by a text, with that text and its place."""
        found = []
        for entry in self.all:
            given = entry.given.get("task") if entry.certain and entry.written != "call" else None
            name = self.project.text(entry.module, given)
            if given is not None and name is not None:
                found.append((entry, name, entry.module.place(given.span)))
        return found

    def unless_by_nobody(self, found: list[_Fact]) -> list[_Fact]:
        """What is found in schedules, unless nothing starts beat, or all that is only meant to come."""
        return self.unread.unless_by_nobody(found) if found and not self.is_sketch else []

    @once
    def is_sketch(self) -> bool:
        """Whether the project has no task at all, and starts everything but workers and beat."""
        return (
            not self.tasks.all
            and not self.unparsed.defining
            and bool(self.project.deployment.idle)
            and not self.commands.are_any
        )

    # ------------------------------------------------------------------ what is written where

    def _listed(self) -> Iterator[Entry]:
        for listed in self.mappings:
            value = listed.value
            last = {key: number for number, (key, _) in enumerate(value.keywords)}  # of several it counts
            for number, (name, (key, item)) in enumerate(zip(value.items, value.keywords, strict=False)):
                if key != "**" and (key == "?" or last[key] == number):
                    known = "" if key == "?" else key
                    yield self._entry(listed.module, known, name, item, listed.certain)

    def _set(self) -> Iterator[Entry]:
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if not assignment.subscript or not assignment.target:
                    continue
                certain = is_in_force(assignment.target) or self._is_loaded(module, assignment.target)
                if certain or is_schedule(assignment.target):
                    key = Value("constant", assignment.key_span, assignment.key)
                    yield self._entry(module, assignment.key, key, assignment.value, certain)

    def _is_loaded(self, module: Module, target: str) -> bool:
        """Whether what gets an item is a mapping that an application certainly loads."""
        if target[:1] != ":" or target[1:] not in self._loaded_names:
            return False
        entity = self.project.resolve(module, target)
        if entity.module is None or entity.value is None:
            return False
        return entity.module.place(entity.value.span) in self._loaded_places

    @once
    def _loaded_places(self) -> frozenset[Place]:
        return frozenset(each.module.place(each.value.span) for each in self.mappings if each.certain)

    @once
    def _loaded_names(self) -> frozenset[str]:
        """What the mappings that are loaded are called in the modules that write them."""
        found = set()
        for listed in self.mappings:
            for name, values in listed.module.bindings.items() if listed.certain else ():
                if any(value.span == listed.value.span for value in values):
                    found.add(name)
        return frozenset(found)

    def _entry(self, module: Module, key: str, name: Value, item: Value, certain: bool) -> Entry:
        place = module.place(name.span)
        owner, known = written_mapping(self.project, module, item)
        if known is None:
            return Entry(module, place, "mapping", key, {}, True, item, certain)
        given = {word: value for word, value in known.keywords if word not in ("**", "?")}
        return Entry(owner, place, "mapping", key, given, len(given) < len(known.keywords), known, certain)

    def _called(self) -> Iterator[Entry]:
        made = f".{PERIODIC}\t", PERIODIC_TASK_MANAGER, f"{_ROW}\t", f"{_REDBEAT}\t"
        for module, function in self.project.holding(*made):
            if function.may_call(f".{PERIODIC}"):
                yield from self._periodic(module, function)
            if function.mentions(PERIODIC_TASK_MANAGER) or function.may_call(_ROW):
                yield from self._rows(module, function)
            if function.may_call(_REDBEAT):
                yield from self._of_redbeat(module, function)

    def _periodic(self, module: Module, function: Function) -> Iterator[Entry]:
        for call in self.functions.calls(module, function):
            value = function.value_of(call) if call.leaf() == PERIODIC else None
            if value is None:
                continue
            given = dict(zip(_OF_PERIODIC, value.items, strict=False))
            given.update((word, item) for word, item in value.keywords if word not in ("*", "**", "()"))
            key = self.project.text(module, given.get("name")) or ""
            place = module.place(call.span)
            yield Entry(module, place, "call", key, given, value.open_ended(), value, True, function, call)

    def _rows(self, module: Module, function: Function) -> Iterator[Entry]:
        for call in self.functions.calls(module, function):
            if PERIODIC_TASK_MANAGER not in call.chain and not call.chain.endswith(_ROW):
                continue
            value = function.value_of(call)
            name = self.project.resolve(module, call.chain).name
            if value is None or (name != PERIODIC_TASK and name not in PERIODIC_TASK_ROWS):
                continue
            given = {word: item for word, item in value.keywords if word not in ("*", "**", "()")}
            more = value.open_ended()
            for word in ("defaults", "create_defaults"):
                inner = self.project.constant(module, given.pop(word)) if word in given else None
                if inner is not None and inner.kind == "mapping":
                    given.update((key, item) for key, item in inner.keywords if key not in ("**", "?"))
            key = self.project.text(module, given.get("name")) or ""
            yield Entry(module, module.place(call.span), "row", key, given, more, value, True, function, call)

    def _of_redbeat(self, module: Module, function: Function) -> Iterator[Entry]:
        for call in self.functions.calls(module, function):
            value = function.value_of(call) if call.chain.endswith(_REDBEAT) else None
            if value is None or self.project.resolve(module, call.chain).name not in REDBEAT_ENTRIES:
                continue
            given = dict(zip(REDBEAT_PARAMETERS, value.items, strict=False))
            given.update((word, item) for word, item in value.keywords if word not in ("*", "**", "()"))
            key = self.project.text(module, given.get("name")) or ""
            more, place = value.open_ended(), module.place(call.span)
            yield Entry(module, place, "entry", key, given, more, value, True, function, call)

    # ------------------------------------------------------------------ what it means

    def task(self, entry: Entry) -> Task | None:
        """The task that an entry runs, if the project has exactly one of that name."""
        if entry.written == "call":
            signature = entry.given.get("sig")
            if signature is None:
                return None
            if signature.kind == "name":
                return self.tasks.of(self.project.resolve(entry.module, signature.chain))
            sending = self.signature(entry)
            return sending.task if sending is not None else None
        given = entry.given.get("task")
        if given is None:
            return None
        if given.kind == "name" and given.chain.endswith(".name"):
            task = self.tasks.of(self.project.resolve(entry.module, given.chain.removesuffix(".name")))
            if task is not None:
                return task
        name = self.project.text(entry.module, given)
        return self.sendings.by_name(name) if name is not None else None

    def signature(self, entry: Entry) -> Sending | None:
        """The signature that ``add_periodic_task`` is given, if it is made right there."""
        if entry.call is None or entry.function is None:
            return None
        given = entry.call.argument(1, "sig")
        if given.kind != "call":
            return None
        made = self.functions.calls(entry.module, entry.function)[given.number]
        return self.sendings.of(entry.module, entry.function, made)


def is_schedule(chain: str) -> bool:
    """Whether a chain is named like a schedule: ``app.conf.beat_schedule``, ``CELERYBEAT_SCHEDULE``."""
    return chain.lower().endswith(SCHEDULE)


def is_in_force(chain: str) -> bool:
    """Whether a chain is the schedule of an application's configuration: ``app.conf.beat_schedule``."""
    return chain.endswith(f".conf.{SCHEDULE}")


def _keywords(value: Value) -> Iterator[Value]:
    """The mapping that keywords of ``update`` are, entries by keyword."""
    named = tuple([(key, item) for key, item in value.keywords if key not in ("*", "**", "()")])
    if named:
        names = tuple([Value("constant", item.span, key) for key, item in named])
        yield Value("mapping", value.span, None, "", names, named)

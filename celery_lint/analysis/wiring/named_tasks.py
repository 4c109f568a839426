"""Names of tasks in calls, schedules and routes that no task has."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.workers.routes import Routes
from celery_lint.inventory.workers.task_names import Missing, TaskNames
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

_SCHEDULE = "beat_schedule"
_STORED = frozenset({"create", "get_or_create", "update_or_create"})
_OF_TABLES = "PeriodicTask.objects."
_DEEPEST = 4


Named = tuple[Module, Value, str]
"""A name of a task, and where it is written."""


class UnknownName(NamedTuple):
    """A text that is meant for the name of a task, and is none."""

    place: Place
    name: str
    missing: Missing


class NamedTasks:
    """Where the product names tasks by text."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.names = known.of(TaskNames)
        self.routes = known.of(Routes)

    @facts
    def sent(self) -> list[UnknownName]:
        """The names in ``send_task`` and ``signature`` that no task has."""
        found = []
        for sending in self.sendings.all:
            if sending.through == "application" and sending.task is None:
                name = sending.call.argument(0, "name" if sending.how == "send_task" else "varies").text
                missing = self.names.missing(sending.module, name)
                if missing is not None and missing.why != "module":
                    found.append(UnknownName(sending.place, name, missing))
        return found

    @facts
    def scheduled(self) -> list[UnknownName]:
        """The names in schedules that no task has."""
        return [*self._unknown(self.schedule), *self._stored()]

    @facts
    def routed(self) -> list[UnknownName]:
        """The names in routes and annotations that no task has."""
        return self._unknown([*self._routes(), *self._annotations()])

    def _unknown(self, named: list[Named]) -> list[UnknownName]:
        found: dict[Place, UnknownName] = {}
        for module, value, name in named:
            missing = self.names.missing(module, name)
            if missing is not None:
                place = module.place(value.span)
                found[place] = UnknownName(place, name, missing)
        return list(found.values())

    def explore(self) -> None:
        """Follow the names to the modules that they begin with."""
        for _ in (self.sent, self.scheduled, self.routed):
            pass

    # ------------------------------------------------------------------ where names are written

    @once
    def schedule(self) -> list[Named]:
        """The names of the tasks of schedules, with the entries that they stand in."""
        found: list[Named] = []
        for setting in self.settings.certain(_SCHEDULE):
            found += self._entries(setting.module, setting.value)
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.target.endswith(f".conf.{_SCHEDULE}"):
                    found += self._entry(module, assignment.value)
            for function in module.functions.values():
                if function.may_call(f".{_SCHEDULE}.update"):
                    for _, value in function.values:
                        given = value.first()
                        if value.chain.endswith(f".conf.{_SCHEDULE}.update") and given is not None:
                            found += self._entries(module, given)
        return found

    def _entries(self, module: Module, value: Value, depth: int = 0) -> Iterator[Named]:
        owner, mapping = self._mapping(module, value)
        if mapping is None or depth > _DEEPEST:
            return
        for key, item in mapping.keywords:
            if key == "**":
                yield from self._entries(owner, item, depth + 1)
            else:
                yield from self._entry(owner, item)

    def _entry(self, module: Module, value: Value) -> Iterator[Named]:
        owner, mapping = self._mapping(module, value)
        given = mapping.keyword("task") if mapping is not None else None
        name = self.project.text(owner, given)
        if given is not None and name is not None:
            yield owner, given, name

    def _mapping(self, module: Module, value: Value) -> tuple[Module, Value | None]:
        """The mapping that an expression means, and the module that writes it."""
        if value.kind == "mapping" or (value.kind == "call" and value.chain == "~dict"):
            return module, value
        entity = self.project.value_entity(module, value)
        if entity.module is None or entity.value is None or entity.value.kind != "mapping":
            return module, None
        return entity.module, entity.value

    def _stored(self) -> Iterator[UnknownName]:
        """``PeriodicTask.objects.create(name="nightly", task="shop.tasks.rebuild")``."""
        for module in self.project.product_modules():
            for function in module.functions.values():
                if not function.mentions(_OF_TABLES):
                    continue
                for call in self.functions.calls(module, function):
                    if call.leaf() in _STORED and f".{call.chain}".endswith(f"{_OF_TABLES}{call.leaf()}"):
                        name = call.keyword("task").text
                        missing = self.names.missing(module, name)
                        if missing is not None:
                            place = module.place(call.span)
                            yield UnknownName(place, name, missing)

    def _routes(self) -> Iterator[Named]:
        for setting in self.settings.certain("task_routes"):
            for table in self.routes.tables(setting) or ():
                for entry in table:
                    if entry.kind == "name":
                        yield entry.module, entry.key, entry.pattern

    def _annotations(self) -> Iterator[Named]:
        for setting in self.settings.certain("task_annotations"):
            yield from self._annotated(setting)

    def _annotated(self, setting: Setting) -> Iterator[Named]:
        owner, mapping = self._mapping(setting.module, setting.value)
        if mapping is not None:
            for key in mapping.items:
                name = self.project.text(owner, key)
                if name is not None and "*" not in name:
                    yield owner, key, name

"""What does not fit in registries of tasks: keys, tasks, parameters."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.registries import (
    Dispatcher,
    Entry,
    Registries,
    Registry,
)
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts


class UnregisteredTask(NamedTuple):
    """A task with a tracking parameter that no registry holds."""

    task: Task
    parameter: str
    registry: Registry


class UnknownKey(NamedTuple):
    """A dispatch with a literal key that its registry does not hold."""

    key: str
    place: Place
    registry: Registry
    nearest: str


class DuplicateKey(NamedTuple):
    """A key that is registered again, for another task."""

    entry: Entry
    first: Entry


class MissingParameter(NamedTuple):
    """A registered task that does not accept a keyword that its dispatcher passes."""

    entry: Entry
    task: Task
    keyword: str
    dispatcher: Dispatcher


class NotATask(NamedTuple):
    """A registered value that is no task."""

    entry: Entry
    label: str


class Registrations:
    """What does not fit in the registries of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.registries = known.of(Registries)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._configured = frozenset(self.project.configuration.bridge_registries)

    @facts
    def unregistered(self) -> list[UnregisteredTask]:
        """The tasks that ask to be tracked by a scheduler and are in no registry."""
        tracking = self.project.configuration.tracking_parameters
        bridges = [r for r in self.registries.all if self.registries.is_bridge(r)]
        if not bridges:
            return []
        registered = {
            (entry.task.module.path, entry.task.qualname)
            for registry in self.registries.all
            for entry in registry.entries
            if entry.task is not None
        }
        if any(not registry.complete for registry in bridges):
            return []
        found = []
        for task in self.tasks.all:
            if task.function is None or not self.project.modules.is_product(task.module.path):
                continue
            if (task.module.path, task.qualname) in registered or self.registries.is_exempt(task):
                continue
            parameter = next((p.name for p in task.function.parameters if p.name in tracking), None)
            if parameter is not None:
                found.append(UnregisteredTask(task, parameter, self._nearest(task, bridges)))
        return found

    def _nearest(self, task: Task, bridges: list[Registry]) -> Registry:
        root = self.project.imports.home(task.module.path)
        for registry in bridges:
            if self.project.imports.home(registry.module.path) == root:
                return registry
        return bridges[0]

    @facts
    def unknown_keys(self) -> list[UnknownKey]:
        """The dispatches whose literal key is in no registry."""
        by_function = {
            (dispatcher.module.path, dispatcher.function.qualname): (dispatcher, registry)
            for registry in self.registries.all
            if registry.complete
            for dispatcher in registry.dispatchers
            if not dispatcher.fallback
        }
        if not by_function:
            return []
        names = {qualname.rpartition(".")[2] for _, qualname in by_function}
        found: list[UnknownKey] = []
        for module, function in self.project.calling(*sorted(names)):
            for call in self.functions.calls(module, function):
                if call.leaf() in names:
                    found.extend(self._unknown(module, call, by_function))
        return found

    def _unknown(
        self, module: Module, call: Call, by_function: dict[Key, tuple[Dispatcher, Registry]]
    ) -> Iterator[UnknownKey]:
        target = self.graph.target(module, call.chain)
        if target is None:
            return
        known = by_function.get((target[0].path, target[1].qualname))
        if known is None:
            return
        dispatcher, registry = known
        name = (
            dispatcher.function.parameters[dispatcher.parameter].name
            if dispatcher.function.parameters
            else ""
        )
        given = call.argument(dispatcher.parameter, name)
        if given.kind != "text":
            return
        keys = [entry.key for entry in registry.entries]
        if given.text not in keys:
            from difflib import get_close_matches

            nearest = get_close_matches(given.text, keys, 1, 0.6)
            yield UnknownKey(given.text, module.place(call.span), registry, nearest[0] if nearest else "")

    @facts
    def duplicates(self) -> list[DuplicateKey]:
        """The keys that a registry gets more than once, for different tasks."""
        found: list[DuplicateKey] = []
        for registry in self.registries.all:
            first: dict[str, Entry] = {}
            for entry in registry.entries:
                known = first.setdefault(entry.key, entry)
                if known is not entry and not _same(known, entry):
                    found.append(DuplicateKey(entry, known))
        return found

    @facts
    def missing_parameters(self) -> list[MissingParameter]:
        """The registered tasks that their dispatcher's keywords do not fit."""
        found = []
        for registry in self.registries.all:
            for dispatcher in registry.dispatchers:
                for entry in registry.entries:
                    task = entry.task
                    if (
                        task is None
                        or task.function is None
                        or task.inner_decorators
                        or task.wrapper is not None
                    ):
                        continue
                    accepted = {parameter.name for parameter in task.function.parameters}
                    if any(parameter.kind == "**" for parameter in task.function.parameters):
                        continue
                    for keyword in dispatcher.keywords:
                        if keyword not in accepted:
                            found.append(MissingParameter(entry, task, keyword, dispatcher))
        return found

    @facts
    def strangers(self) -> list[NotATask]:
        """The values in a registry of tasks that cannot be dispatched."""
        found = []
        for registry in self.registries.all:
            if not registry.dispatchers and registry.name not in self._configured:
                continue
            for entry in registry.entries:
                if entry.task is None:
                    label = self._stranger(entry)
                    if label:
                        found.append(NotATask(entry, label))
        return found

    def _stranger(self, entry: Entry) -> str:
        if entry.entity.kind == "function":
            function = entry.entity.function()
            # A decorator that nobody can see through may have made a task of it.
            return (
                entry.entity.name.rpartition(".")[2]
                if function is not None and not function.decorators
                else ""
            )
        if entry.value.kind == "call" and entry.value.chain.rpartition(".")[2] in SENDING:
            return f"{entry.value.chain.rpartition(':')[2].rpartition('/')[2]}()"
        return ""


def _same(one: Entry, other: Entry) -> bool:
    if one.task is not None and other.task is not None:
        return one.task.place == other.task.place
    return one.value.chain == other.value.chain and one.value.kind == "name" and one.module is other.module

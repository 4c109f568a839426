"""Registries of tracked tasks: tasks that take no id, and keys that are unknown in silence."""

from __future__ import annotations

from celery_lint.inventory.tasks.registries import Dispatcher, Registries, Registry
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import SENDING
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts


class UntrackedTask(NamedTuple):
    """A task in a registry for tracked tasks that takes no id of an execution."""

    task: Task
    parameter: str
    entry_place: Place
    registry: Registry


class SilentFallback(NamedTuple):
    """A dispatching function that returns nothing when it does not know a key."""

    dispatcher: Dispatcher
    registry: Registry
    place: Place


class TrackedRegistries:
    """The registries of a project as those see them who track executions."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.registries = known.of(Registries)
        self.functions = known.project.functions
        self.parameters = self.project.configuration.tracking_parameters

    @facts
    def untracked(self) -> list[UntrackedTask]:
        """The tasks in a registry of tracked tasks that take no id, where none is passed on by name."""
        found: dict[Key, UntrackedTask] = {}
        wanted = next(iter(self.parameters), "")
        for registry in self.registries.all:
            if not wanted or not self.registries.is_bridge(registry):
                continue
            if any(set(d.keywords) & set(self.parameters) for d in registry.dispatchers):
                continue
            for entry in registry.entries:
                task = entry.task
                if task is None or task.function is None or task.inner_decorators or task.wrapper is not None:
                    continue
                if not self.project.modules.is_product(task.module.path) or self.registries.is_exempt(task):
                    continue
                if not any(p.kind == "**" or p.name in self.parameters for p in task.function.parameters):
                    fact = UntrackedTask(task, wanted, entry.key_place, registry)
                    found.setdefault((task.module.path, task.qualname), fact)
        return list(found.values())

    @facts
    def silent_fallbacks(self) -> list[SilentFallback]:
        """The dispatching functions that answer an unknown key with ``None`` or ``False``."""
        found = []
        for registry in self.registries.all:
            for dispatcher in registry.dispatchers:
                if dispatcher.fallback:
                    continue
                step = self._silent_return(dispatcher)
                if step is not None:
                    place = dispatcher.module.place(step.span)
                    found.append(SilentFallback(dispatcher, registry, place))
        return found

    def _silent_return(self, dispatcher: Dispatcher) -> Step | None:
        """The ``if`` or ``return`` by which a function says nothing about a key that it does not know."""
        flow = self.functions.of(dispatcher.module, dispatcher.function)
        calls = self.functions.calls(dispatcher.module, dispatcher.function)
        looked_up: set[str] = set()
        for step in flow.steps:
            if any(calls[n].leaf() == "get" and len(calls[n].takes) == 1 for n in step.calls):
                looked_up.update(step.stores)
            if step.kind != "if" or looked_up.isdisjoint((*step.loads, *step.stores)):
                continue
            body, other = flow.body(step), flow.body(step, "else")
            sends = any(calls[n].leaf() in SENDING for inner in flow.below(step) for n in inner.calls)
            if not sends and not other and len(body) == 1 and _says_nothing(body[0]):
                return body[0]
            if sends and not other and flow.ends(body):
                siblings = [s for s in flow.body() if s.number > step.number]
                if step.parent < 0 and (not siblings or (len(siblings) == 1 and _says_nothing(siblings[0]))):
                    return siblings[0] if siblings else step
        return None


def _says_nothing(step: Step) -> bool:
    return step.kind == "return" and step.chains in (("#None",), ("#False",), ())

"""Everything that is known once a project is linked, made lazily and at most once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from celery_lint.project.bridges import Bridges
from celery_lint.project.event_loops import EventLoops
from celery_lint.project.index import Project
from celery_lint.project.limits import Limits
from celery_lint.project.pools import DEFAULT_QUEUE, Pools, find_pools
from celery_lint.project.relays import leaf_of, name_of
from celery_lint.project.settings import Settings
from celery_lint.project.task import Task
from celery_lint.project.tasks import Tasks


class Analysis:
    """The facts of a whole project, by type, for the rules."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks, applications and wrappers."""
        return Tasks(self.project)

    @cached_property
    def settings(self) -> Settings:
        """The settings of Celery that the project gives."""
        return Settings(self.project)

    @cached_property
    def pools(self) -> Pools:
        """The worker pools of the project."""
        return find_pools(self.project, self.settings)

    def queues(self, tasks: Iterable[Task]) -> set[str] | None:
        """The queues that tasks are sent to, or ``None`` where routes decide that."""
        if self.settings.named("task_routes"):
            return None
        found = set()
        for task in tasks:
            option = self.tasks.options.get(task, "queue")
            if option is None:
                found.add(DEFAULT_QUEUE)
            else:
                name = self.project.text(*option)
                if name is None:
                    return None
                found.add(name)
        return found

    @cached_property
    def event_loops(self) -> EventLoops:
        """Coroutine runs, disposals and awaits."""
        return EventLoops(self.project, self.tasks)

    @cached_property
    def limits(self) -> Limits:
        """The time limits of tasks and applications."""
        return Limits(self.project, self.tasks, self.settings, self.pools, self.event_loops.calls)

    @cached_property
    def bridges(self) -> Bridges:
        """The registries that schedulers dispatch from."""
        return Bridges(self.project, self.tasks, self.event_loops.calls)

    def sinks(self) -> set[tuple[str, str]]:
        """Names that make another file worth reading: (name, leaf of the module that defines it).

        They are the project's own words for what the filter looks for: its task wrappers, functions that run
        event loops, functions that register and dispatch tasks, objects that belong to a loop.
        """
        found = {(name.rpartition(".")[2], leaf_of(path)) for path, name in self.tasks.makers.wrappers}
        found.update((name, leaf_of(path)) for path, name in self.tasks.makers.possible_wrappers())
        for path, qualname in self.event_loops.relays.to_loops:
            found.add((name_of(qualname), leaf_of(path)))
        for path, module in self.project.modules.items():
            for name, values in module.bindings.items():
                if any(value.chain.endswith(("create_async_engine", "sessionmaker")) for value in values):
                    found.add((name, leaf_of(path)))
        for path, name in self.bridges.register_functions:
            found.add((name.rpartition(".")[2], leaf_of(path)))
        for registry in self.bridges.registries:
            found.add((registry.name, leaf_of(registry.origin[0])))
            for dispatcher in registry.dispatchers:
                found.add((dispatcher.function.name, leaf_of(dispatcher.module.path)))
        return found

    def explore(self) -> None:
        """Follow every chain that may lead to a file that has not been read, and nothing more."""
        _ = self.tasks.all, self.pools
        self.limits.explore()
        _ = self.bridges.registries, self.bridges.unknown_keys
        if self.event_loops.relays.to_resources:
            _ = self.event_loops.runs

    def facts(self) -> Iterator[Any]:
        """Every fact that a rule may ask for."""
        loops, limits, bridges = self.event_loops, self.limits, self.bridges
        yield from self.tasks.all
        yield from loops.runs
        yield from loops.disposals
        yield from loops.stray_awaits
        yield from limits.applications
        yield from limits.lonely_tasks
        yield from limits.pairs
        yield from bridges.unregistered
        yield from bridges.unknown_keys
        yield from bridges.duplicates
        yield from bridges.missing_parameters
        yield from bridges.strangers

"""Time limits that do not do what they are there for: alone, or in pools that enforce none."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import DEFAULT_QUEUE, Pool, Pools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SOFT, _HARD = "soft_time_limit", "time_limit"
# What enforces neither, and what enforces no soft one.
_IGNORING = {_HARD: ("threads", "solo", "eventlet"), _SOFT: ("threads", "solo", "eventlet", "gevent")}


class LoneLimit(NamedTuple):
    """A time limit of one kind (``name``) without the other. ``task`` is ``None`` for the application's."""

    place: Place
    name: str
    task: Task | None


class IgnoredLimit(NamedTuple):
    """Time limits that no pool enforces that can run the task (or any task, where ``task`` is ``None``)."""

    place: Place
    names: tuple[str, ...]
    task: Task | None
    pool: Pool


class LimitGaps:
    """The time limits of tasks and applications that leave a gap."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.pools = known.of(Pools)
        self.queues = known.of(Queues)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.product = known.of(Tasks).product

    # ------------------------------------------------------------------ one without the other

    @facts
    def lone(self) -> list[LoneLimit]:
        """The limits of one kind without the other."""
        if self.project.configuration.time_limits == "worker" or self.settings.hidden:
            return []
        return [*self._lone(_HARD, _SOFT), *self._lone(_SOFT, _HARD)]

    def _lone(self, name: str, other: str) -> Iterator[LoneLimit]:
        if self.pools.only(*_IGNORING[_SOFT]) or self.settings.named(f"task_{other}"):
            return
        if any(getattr(command, other) for command in self.project.commands):
            return
        effective, seen = self.in_force, set()
        for task in self.product:
            option = self._own(task, name)
            if option is None or self._own(task, other) is not None or not self.in_force.visible(task):
                continue
            place = option[0].place(option[1].span)
            if effective.known(task, frozenset({other})) and place not in seen:
                seen.add(place)
                yield LoneLimit(place, name, task)
        if not self.settings.named("task_annotations"):
            for setting in self.settings.named(f"task_{name}"):
                yield LoneLimit(setting.place, name, None)

    def _own(self, task: Task, name: str) -> Option | None:
        given = self.task_options.get(task, name)
        absent = given is None or (given[1].kind == "constant" and given[1].data is None)
        return None if absent else given

    # ------------------------------------------------------------------ pools that enforce none

    @facts
    def ignored(self) -> list[IgnoredLimit]:
        """The limits that nothing enforces."""
        stated = bool(self.project.configuration.pool)
        if not stated and any(not command.pool for command in self.project.commands):
            return []
        if self.pools.first(*_IGNORING[_SOFT]) is None:
            return []
        found = list(self._of_applications())
        seen: set[Place] = set()
        for task in self.product:
            fact = self._of_task(task)
            if fact is not None and fact.place not in seen:
                seen.add(fact.place)
                found.append(fact)
        return found

    def _of_applications(self) -> Iterator[IgnoredLimit]:
        """One fact for every module that sets limits."""
        places: dict[str, dict[str, Place]] = {}
        for name in (_SOFT, _HARD):
            if self.pools.only(*_IGNORING[name]):
                for setting in self.settings.named(f"task_{name}"):
                    places.setdefault(setting.module.path, {}).setdefault(name, setting.place)
        for path in sorted(places):
            first = min(places[path].values())
            yield IgnoredLimit(first, tuple(places[path]), None, self.pools.known[0])

    def _of_task(self, task: Task) -> IgnoredLimit | None:
        places: dict[str, Place] = {}
        pool: Pool | None = None
        for name in (_SOFT, _HARD):
            option = self._own(task, name)
            if option is not None:
                runs = self._ignoring(task, _IGNORING[name])
                if runs is not None:
                    places[name], pool = option[0].place(option[1].span), pool or runs
        if pool is None:
            return None
        return IgnoredLimit(min(places.values()), tuple(places), task, pool)

    def _ignoring(self, task: Task, names: tuple[str, ...]) -> Pool | None:
        """A pool that runs the task, if all that may run it are among these names."""
        if self.pools.only(*names):
            return self.pools.known[0]
        queues = self.queues.of([task])
        if not queues or self.project.configuration.pool:
            return None
        running = [pool for pool in self.pools.known if queues & set(pool.queues or (DEFAULT_QUEUE,))]
        return running[0] if running and all(pool.name in names for pool in running) else None

"""Time limits that do not do what they are there for: alone, or in pools that enforce none."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.lost.unloadable import LostCommands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SOFT, _HARD = "soft_time_limit", "time_limit"
_EXCEPTION = "SoftTimeLimitExceeded"
# What enforces neither, and what enforces no soft one.
_IGNORING = {_HARD: ("threads", "solo", "eventlet"), _SOFT: ("threads", "solo", "eventlet", "gevent")}


class LoneLimit(NamedTuple):
    """A time limit of one kind (``name``) without the other. ``task`` is ``None`` for the application's."""

    place: Place
    name: str
    task: Task | None


class IgnoredLimit(NamedTuple):
    """Time limits that no pool enforces that can run the task (or any task, where ``task`` is ``None``).

    ``others`` are the places of other limits that the same pool ignores.
    """

    place: Place
    names: tuple[str, ...]
    task: Task | None
    pool: Pool
    others: tuple[Place, ...] = ()


class LimitGaps:
    """The time limits of tasks and applications that leave a gap."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.unsent = known.of(Unsent)
        self.belonging = known.of(Belonging)
        self.commands = known.of(Commands)
        self.applications = known.of(Applications)
        self.lost_commands = known.of(LostCommands)

    # ------------------------------------------------------------------ one without the other

    @facts
    def lone(self) -> list[LoneLimit]:
        """The limits of one kind without the other."""
        if self.project.configuration.time_limits == "worker":
            return []
        return [*self._lone(_HARD, _SOFT), *self._lone(_SOFT, _HARD)]

    def _lone(self, name: str, other: str) -> Iterator[LoneLimit]:
        seen = set()
        for task in self.unsent.product:
            option = self._own(task, name)
            if option is None or self._own(task, other) is not None or not self.in_force.visible(task):
                continue
            place = option[0].place(option[1].span)
            if place in seen or self._has_other(self.belonging.of(task), other):
                continue
            if self.in_force.known(task, frozenset({other})):
                seen.add(place)
                yield LoneLimit(place, name, task)
        for application in self.applications.product:
            setting, certain = self.settings.setting(application, f"task_{name}")
            if setting is None or not certain or setting.place in seen or self.settings.hides(application):
                continue
            if self._has_other([application], other):
                continue
            if not self.settings.of_some([application], "task_annotations"):
                seen.add(setting.place)
                yield LoneLimit(setting.place, name, None)

    def _has_other(self, applications: list[Application], other: str, enforced: bool = False) -> bool:
        """Whether the other limit may be set for all tasks of some applications, or cannot be enforced."""
        if self.settings.of_some(applications, f"task_{other}"):
            return True
        if any(getattr(command, other) for command in self.commands.of(applications)):
            return True
        return not enforced and self.pools.of_applications(applications).only(*_IGNORING[_SOFT])

    def _own(self, task: Task, name: str) -> Option | None:
        given = self.task_options.get(task, name)
        absent = given is None or (given[1].kind == "constant" and given[1].data is None)
        return None if absent else given

    # ------------------------------------------------------------------ pools that enforce none

    @facts
    def ignored(self) -> list[IgnoredLimit]:
        """The limits that nothing enforces, once for each kind of pool: that is what is changed."""
        found: dict[str, IgnoredLimit] = {}
        for fact in (*self._of_applications(), *self._of_tasks()):
            if self.lost_commands.ends(fact.pool.place):
                continue  # no worker of this command ever starts
            first = found.setdefault(fact.pool.name, fact)
            if fact.place != first.place and fact.place not in first.others:
                found[fact.pool.name] = first._replace(others=(*first.others, fact.place))
        return list(found.values())

    def _of_applications(self) -> Iterator[IgnoredLimit]:
        """One fact for every module that sets limits."""
        places: dict[str, dict[str, Place]] = {}
        pools: dict[str, Pool] = {}
        for application in self.applications.product:
            workers = self.pools.of_applications([application])
            if any(pool.is_aside for pool in workers.known):
                continue
            for name in (_SOFT, _HARD):
                setting, certain = self.settings.setting(application, f"task_{name}")
                if name == _SOFT and self._ended_all_the_same(workers.first("gevent"), [application]):
                    continue
                if setting is not None and certain and workers.only(*_IGNORING[name]):
                    places.setdefault(setting.module.path, {}).setdefault(name, setting.place)
                    pools.setdefault(setting.module.path, workers.known[0])
        for path in sorted(places):
            first = min(places[path].values())
            yield IgnoredLimit(first, tuple(places[path]), None, pools[path])

    def _ended_all_the_same(
        self, pool: Pool | None, applications: list[Application], task: Task | None = None
    ) -> bool:
        """Whether gevent ends tasks by a hard limit, and nothing handles the exception of a soft one."""
        if pool is None or pool.name != "gevent":
            return False
        own = task is not None and self._own(task, _HARD) is not None
        if not own and not self._has_other(applications, _HARD, enforced=True):
            return False
        modules = [task.module] if task is not None else self.project.product_modules()
        return not any(self._handles(module) for module in modules)

    def _handles(self, module: Module) -> bool:
        """Whether a module knows the exception by which a soft limit ends a task."""
        return any(name.endswith(_EXCEPTION) for name in module.imports.values()) or bool(
            module.functions.stating(_EXCEPTION)
        )

    def _of_tasks(self) -> Iterator[IgnoredLimit]:
        """One fact for every task that runs: what nothing sends must not be told in place of the others."""
        for task in self.unsent.product:
            places: dict[str, Place] = {}
            pool: Pool | None = None
            for name in (_SOFT, _HARD):
                option = self._own(task, name)
                runs = self.workers.only(_IGNORING[name], [task]) if option is not None else None
                if runs is not None and runs.is_aside:
                    continue
                if name == _SOFT and self._ended_all_the_same(runs, self.belonging.of(task), task):
                    continue
                if option is not None and runs is not None:
                    places[name], pool = option[0].place(option[1].span), pool or runs
            if pool is not None:
                yield IgnoredLimit(min(places.values()), tuple(places), task, pool)

"""Time limits: what a task's effective limits are, and whether it does anything that can hang."""

from __future__ import annotations

from collections.abc import Hashable

from celery_lint.analysis.limits.hangs import Hang, Hangs
from celery_lint.analysis.limits.io_timeouts import IoTimeouts
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.eager import EagerSettings
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.application.spelling import spellings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.inventory.workers.running import UNFORKED, Workers
from celery_lint.inventory.workers.sent import Sent
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import TIME_LIMITS
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once

_SOFT, _HARD = _SETTINGS = ("task_soft_time_limit", "task_time_limit")
_ENFORCING_NONE = ("threads", "solo", "eventlet")


class AppWithoutLimits(NamedTuple):
    """An application that sets no time limit, and its tasks that may wait forever and have none of their own.

    ``waits`` are the places where they wait, if that is why they are told. ``names`` are those of the soft
    and the hard limit where the application takes its settings from, and ``sources`` is where that is.
    """

    application: Application
    tasks: tuple[Task, ...]
    waits: tuple[Place, ...]
    names: tuple[str, str]
    sources: Hashable
    pool: Pool | None


class TaskWithoutLimit(NamedTuple):
    """A task without a time limit whose application is not part of the project, and ``others`` like it."""

    task: Task
    evidence: Place | None
    pool: Pool | None
    others: tuple[Task, ...] = ()


class LimitPair(NamedTuple):
    """A soft and a hard limit that hold for the same work: numbers, or the one expression that both are.

    ``place`` is the soft one.
    """

    owner: str
    soft: float | str
    hard: float | str
    place: Place
    hard_place: Place


class HardBelowSoft(NamedTuple):
    """A task with a hard limit alone, which the application's soft limit keeps from striking."""

    task: Task
    hard: float
    soft: float
    place: Place
    soft_place: Place


class Limits:
    """The time limits of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.settings = known.of(Settings)
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)
        self.hangs = known.of(Hangs)
        self.timeouts = known.of(IoTimeouts)
        self.unsent = known.of(Unsent)
        self.task_options = known.of(TaskOptions)
        self.all_applications = known.of(Applications)
        self.time_limits = known.of(TimeLimits)
        self.seen = known.of(Sent)
        self.belonging = known.of(Belonging)
        self.commands = known.of(Commands)
        self.eager = known.of(EagerSettings)

    # ------------------------------------------------------------------ CEL510

    def _silent(self, applications: list[Application]) -> bool:
        """Whether no limit could be asked for: set elsewhere, or by pools that enforce none."""
        if self.project.configuration.time_limits == "worker":
            return True
        commands = self.commands.of(applications) if applications else self.commands.all
        if any(command.time_limit or command.soft_time_limit for command in commands):
            return True
        if commands and all(map(_is_computed, commands)):
            return True
        known = self.pools.of_applications(applications).known or self.pools.all.known
        return bool(known) and all(pool.name in _ENFORCING_NONE for pool in known)

    @once
    def _without_limit(self) -> list[Task]:
        found = []
        for task in self.tasks.all:
            if not self.project.modules.is_product(task.module.path) or task.function is None:
                continue
            if any(
                self.time_limits.limited(task, name) for name in TIME_LIMITS
            ) or self.task_options.open_ended(task):
                continue
            if self.time_limits.given_elsewhere(task) or self.time_limits.annotated(task):
                continue
            if self.timeouts.ends_itself(task):
                continue
            found.append(task)
        return found

    def explore(self) -> None:
        """Follow the chains that decide about limits, without looking for what the tasks do."""
        _ = self._without_limit, self.pairs
        for application in self.all_applications.product:
            self.all_applications.is_plain(application)
            self._has_global_limit(application)

    @facts
    def applications(self) -> list[AppWithoutLimits]:
        """The applications that leave some of their tasks without a limit."""
        found = []
        for application in self.all_applications.product:
            if self._has_global_limit(application) or not self.all_applications.is_plain(application):
                continue
            if self._is_bare(application) or self._silent([application]):
                continue
            if self.settings.is_foreign(application) or self._is_declined(application):
                continue
            if self.eager.has_no_workers(application):
                continue
            tasks = [task for task in self._without_limit if self._owner(task) == application.origin]
            lacking = self._hanging(tasks)
            if not lacking:
                continue
            told = tuple([task for task, _ in lacking])
            waits = tuple([hang.place for _, hang in lacking if hang is not None])
            names = self.settings.spelled(application, _SOFT), self.settings.spelled(application, _HARD)
            sources = self.settings.sources(application) or application.origin
            pool = self.pools.of_applications([application]).first("gevent")
            found.append(AppWithoutLimits(application, told, waits, names, sources, pool))
        return found

    def _hanging(self, tasks: list[Task]) -> list[tuple[Task, Hang | None]]:
        """Those of some tasks that may wait forever, the most certain first; all, if so configured."""
        if self.project.configuration.time_limits == "always":
            return [(task, self.hangs.of(task)) for task in tasks]
        started = [task for task in tasks if not self.unsent.is_left_out(task)]
        hangs = [(t, self.hangs.of(t)) for t in started if not self.unsent.is_only_called(t)]
        known = [(task, hang) for task, hang in hangs if hang is not None]
        return [*sorted(known, key=lambda pair: (pair[1].doubt, self.seen.rank([pair[0]])))]

    @facts
    def lonely_tasks(self) -> list[TaskWithoutLimit]:
        """The tasks without a limit in projects that show no application; once, unless each is asked for."""
        if self._silent([]) or any(self.settings.named(name) for name in _SETTINGS):
            return []
        if self.all_applications.product or self._foreign_applications:
            return []
        tasks = [task for task in self._without_limit if task.application is None]
        gevent = self.pools.all.first("gevent")
        found = [
            TaskWithoutLimit(task, hang.place if hang is not None else None, gevent)
            for task, hang in self._hanging(tasks)
        ]
        if self.project.configuration.time_limits == "always" or not found:
            return found
        return [found[0]._replace(others=tuple([fact.task for fact in found[1:]]))]

    @once
    def _foreign_applications(self) -> bool:
        """Whether tasks belong to an application that is made where nobody can look."""
        known = set(self.all_applications.by_origin)
        return any(t.application is not None and t.application not in known for t in self.tasks.all)

    def _has_global_limit(self, application: Application) -> bool:
        """Whether a setting may limit every task of an application."""
        if any(self.settings.of_some([application], name) for name in _SETTINGS):
            return True
        annotations = self.settings.of_some([application], "task_annotations")
        known = [self.project.constant(setting.module, setting.value) for setting in annotations]
        return any(mapping is None or mapping.keyword("*") is not None for mapping in known)

    def _is_declined(self, application: Application) -> bool:
        """Whether an application is meant to have none: one is ``None``, or commented out."""
        if any(self.settings.candidates(application, name) for name in _SETTINGS):
            return True
        paths = {application.place.path, *self.settings.modules(application)}
        modules = [self.project.modules.find(path) for path in paths]
        names = {spelling.lower() for name in _SETTINGS for spelling in spellings(name, "CELERY")}
        return any(
            commented.lower() in names
            for module in modules
            if module is not None
            for commented in module.commented_out
        )

    def _is_bare(self, application: Application) -> bool:
        """Whether nothing configures an application, and something does another: workers run that one.

        Where commands show the workers and none of them names it, its name alone configures nothing.
        """
        started = self.commands.started
        if application in started:
            return False
        value = application.value
        told = value.items[1:] or any(name != "main" for name, _ in value.keywords)
        if self.settings.is_configured(application) or (told if started else value.items or value.keywords):
            return False
        return any(self._is_configured(other) for other in started or self.all_applications.product)

    def _is_configured(self, application: Application) -> bool:
        value = application.value
        return bool(value.items or value.keywords) or self.settings.is_configured(application)

    def _owner(self, task: Task) -> Key | None:
        """The application that a task is told at: the first of those that may run it, all without a limit."""
        applications = [a for a in self.belonging.of(task) if not self._is_bare(a)]
        own = self.all_applications.get(task.application) if task.application is not None else None
        if own is not None and own not in applications and not self._is_bare(own):
            return None  # of its workers, which are started out of sight, nobody knows what they are told
        if not applications or any(self._has_global_limit(application) for application in applications):
            return None
        return applications[0].origin

    # ------------------------------------------------------------------ CEL511

    @facts
    def pairs(self) -> list[LimitPair]:
        """The soft and hard limits that meet in a task, or for an application in its settings.

        Where all workers run pools that raise no soft limit, it is not the hard one that keeps it away.
        """
        found: dict[Place, LimitPair] = {}
        for task in self.tasks.product:
            pair = self._task_pair(task)
            if pair is not None and self.workers.only(UNFORKED, [task]) is None:
                found.setdefault(pair.place, pair)
        for application in self.all_applications.product:
            if self.pools.of_applications([application]).only(*UNFORKED):
                continue
            limits = [self.settings.setting(application, name) for name in (_SOFT, _HARD)]
            settings = [limit.setting for limit in limits if limit.certain and limit.setting is not None]
            if len(settings) == 2:
                pair = self._pair("the application", *[(s.module, s.value) for s in settings])
                if pair is not None:
                    found.setdefault(pair.place, pair)
        return list(found.values())

    def _pair(self, owner: str, soft: Option, hard: Option) -> LimitPair | None:
        """Two limits as numbers, or as the one expression that both of them are."""
        places = soft[0].place(soft[1].span), hard[0].place(hard[1].span)
        numbers = self.time_limits.number(soft), self.time_limits.number(hard)
        if numbers[0] is not None and numbers[1] is not None:
            return LimitPair(owner, numbers[0], numbers[1], *places)
        chain = soft[1].chain
        same = soft[1].kind == hard[1].kind == "name" and chain == hard[1].chain and soft[0] is hard[0]
        if same and chain and chain[:1] != "%" and soft[1].data == hard[1].data:
            return LimitPair(owner, chain.lstrip(":.~"), chain.lstrip(":.~"), *places)
        return None

    def _task_pair(self, task: Task) -> LimitPair | None:
        soft = self.task_options.get(task, "soft_time_limit")
        hard = self.task_options.get(task, "time_limit")
        if soft is None:
            return None
        owner = f"task `{task.label}`"
        if hard is not None:
            return self._pair(owner, soft, hard)
        general = self.time_limits.general(task, "time_limit")
        number = self.time_limits.number(soft)
        if general is None or number is None or self.task_options.open_ended(task):
            return None
        return LimitPair(owner, number, general[0], soft[0].place(soft[1].span), general[1])

    # ------------------------------------------------------------------ CEL534

    @facts
    def below_the_application(self) -> list[HardBelowSoft]:
        """The hard limits of tasks that are shorter than the soft limit of their application.

        At equal limits prefork kills the task as it gives the exception: late for it, but in time.
        """
        found = []
        for task in self.tasks.product:
            if self.task_options.open_ended(task):
                continue
            hard = self.task_options.get(task, "time_limit")
            number = self.time_limits.number(hard)
            if hard is None or number is None or self.task_options.get(task, "soft_time_limit") is not None:
                continue
            soft = self.time_limits.general(task, "soft_time_limit")
            if soft is None or not 0 < number < soft[0]:
                continue
            if self.workers.only(UNFORKED, [task]) is None:
                place = hard[0].place(hard[1].span)
                found.append(HardBelowSoft(task, number, soft[0], place, soft[1]))
        return found


def _is_computed(command: WorkerCommand) -> bool:
    """Whether code starts the worker, with options that only the run knows."""
    return command.open_ended and command.path.endswith(".py")

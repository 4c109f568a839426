"""Time limits: what a task's effective limits are, and whether it does anything that can hang."""

from __future__ import annotations

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.code.waiting import Waiting
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.libraries.celery import TIME_LIMITS
from celery_lint.model.facts import Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once


class AppWithoutLimits(NamedTuple):
    """An application that sets no time limit, and its tasks that do I/O and have none of their own."""

    application: Application
    tasks: tuple[Task, ...]
    pool: Pool | None


class TaskWithoutLimit(NamedTuple):
    """A task without a time limit whose application is not part of the project."""

    task: Task
    evidence: Place | None
    pool: Pool | None


class LimitPair(NamedTuple):
    """A soft and a hard limit that hold for the same work. ``place`` is the soft one."""

    owner: str
    soft: float
    hard: float
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
        self.waiting = known.of(Waiting)
        self.task_options = known.of(TaskOptions)
        self.all_applications = known.of(Applications)
        self.time_limits = known.of(TimeLimits)

    # ------------------------------------------------------------------ CEL510

    @once
    def _silent(self) -> bool:
        """Whether no limit could be asked for: set elsewhere, or by pools that enforce none."""
        if self.project.configuration.time_limits == "worker":
            return True
        if any(command.time_limit or command.soft_time_limit for command in self.project.commands):
            return True
        return self.pools.only("threads", "solo", "eventlet")

    @once
    def _without_limit(self) -> list[Task]:
        found = []
        for task in self.tasks.all:
            if not is_product_path(task.module.path) or task.function is None:
                continue
            if any(
                self.time_limits.limited(task, name) for name in TIME_LIMITS
            ) or self.task_options.open_ended(task):
                continue
            if self.time_limits.may_be_sent_with_limit(task):
                continue
            if self.time_limits.annotated(task) or _has_timeout(task):
                continue
            found.append(task)
        return found

    def explore(self) -> None:
        """Follow the chains that decide about limits, without looking for what the tasks do."""
        _ = self._without_limit, self.pairs, self._global_limits
        for application in self.all_applications.product:
            self.all_applications.is_plain(application)

    @facts
    def applications(self) -> list[AppWithoutLimits]:
        """The applications that leave some of their tasks without a limit."""
        if self._silent:
            return []
        found = []
        for application in self.all_applications.product:
            if self._has_global_limit(application) or not self.all_applications.is_plain(application):
                continue
            lacking = tuple(
                task
                for task in self._without_limit
                if self._owner(task) == application.origin
                and (self.project.configuration.time_limits == "always" or self.waiting.evidence(task))
            )
            if lacking:
                found.append(AppWithoutLimits(application, lacking, self.pools.first("gevent")))
        return found

    @facts
    def lonely_tasks(self) -> list[TaskWithoutLimit]:
        """The tasks without a limit in projects that show no application."""
        if self._silent or self._global_limits:
            return []
        found = []
        for task in self._without_limit:
            if task.application is not None or self.all_applications.product or self._foreign_applications:
                continue
            evidence = self.waiting.evidence(task)
            if evidence is not None or self.project.configuration.time_limits == "always":
                found.append(TaskWithoutLimit(task, evidence, self.pools.first("gevent")))
        return found

    @once
    def _foreign_applications(self) -> bool:
        """Whether tasks belong to an application that is made where nobody can look."""
        known = set(self.all_applications.by_origin)
        return any(t.application is not None and t.application not in known for t in self.tasks.all)

    @once
    def _global_limits(self) -> list[Setting]:
        found = self.settings.named("task_time_limit") + self.settings.named("task_soft_time_limit")
        for setting in self.settings.named("task_annotations"):
            if setting.value.kind == "mapping" and setting.value.keyword("*") is not None:
                found.append(setting)
        return found

    def _has_global_limit(self, application: Application) -> bool:
        if not self._global_limits:
            return False
        if len(self.all_applications.product) == 1:
            return True
        root = self.project.imports.import_root(application.module.path)
        roots = {self.project.imports.import_root(setting.module.path) for setting in self._global_limits}
        return any(_nested(root, other) for other in roots)

    def _owner(self, task: Task) -> Key | None:
        """The application that a task is told at: its own, or for a shared task the nearest one."""
        if task.application is not None:
            return task.application
        root = self.project.imports.import_root(task.module.path)
        near = [
            application
            for application in self.all_applications.product
            if self.project.imports.import_root(application.module.path) == root
        ]
        candidates = near or self.all_applications.product
        return candidates[0].origin if candidates else None

    # ------------------------------------------------------------------ CEL511

    @facts
    def pairs(self) -> list[LimitPair]:
        """The soft and hard limits that meet in a task or an application."""
        found = []
        for task in self.tasks.all:
            if is_product_path(task.module.path):
                pair = self._task_pair(task)
                if pair is not None:
                    found.append(pair)
        soft, hard = (
            self.time_limits.single("task_soft_time_limit"),
            self.time_limits.single("task_time_limit"),
        )
        if soft is not None and hard is not None:
            found.append(LimitPair("the application", soft[0], hard[0], soft[1].place, hard[1].place))
        return found

    def _task_pair(self, task: Task) -> LimitPair | None:
        soft, hard = (
            self.task_options.get(task, "soft_time_limit"),
            self.task_options.get(task, "time_limit"),
        )
        soft_number, hard_number = self.time_limits.number(soft), self.time_limits.number(hard)
        if soft is not None and hard is not None and soft_number is not None and hard_number is not None:
            places = soft[0].place(soft[1].span), hard[0].place(hard[1].span)
            return LimitPair(f"task `{task.label}`", soft_number, hard_number, *places)
        if (
            soft is not None
            and hard is None
            and soft_number is not None
            and not self.task_options.open_ended(task)
        ):
            single = self.time_limits.single("task_time_limit")
            if single is not None and len(self.all_applications.product) <= 1:
                place = soft[0].place(soft[1].span)
                return LimitPair(f"task `{task.label}`", soft_number, single[0], place, single[1].place)
        return None

    # ------------------------------------------------------------------ CEL534

    @facts
    def below_the_application(self) -> list[HardBelowSoft]:
        """The hard limits of tasks that are no longer than the soft limit of the only application."""
        soft = self.time_limits.single("task_soft_time_limit")
        if soft is None or len(self.all_applications.product) > 1:
            return []
        if self.pools.only("gevent", "eventlet", "threads", "solo"):
            return []
        found = []
        for task in self.tasks.all:
            if not is_product_path(task.module.path) or self.task_options.open_ended(task):
                continue
            hard = self.task_options.get(task, "time_limit")
            number = self.time_limits.number(hard)
            if hard is None or number is None or self.task_options.get(task, "soft_time_limit") is not None:
                continue
            if 0 < number <= soft[0]:
                place = hard[0].place(hard[1].span)
                found.append(HardBelowSoft(task, number, soft[0], place, soft[1].place))
        return found


def _nested(one: str, other: str) -> bool:
    return one == other or not one or not other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _has_timeout(task: Task) -> bool:
    """Whether a decorator of its own ends the task: under gevent that works better than Celery's limits."""
    leaves = (decorator.chain.rpartition(".")[2].lower() for decorator in task.inner_decorators)
    return any("timeout" in leaf or "time_limit" in leaf for leaf in leaves)

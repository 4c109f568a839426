"""Time limits of tasks: where they are set, and whether anything out of sight may set one."""

from __future__ import annotations

from math import isnan

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.sent_limits import SentLimits
from celery_lint.inventory.workers.set_limits import SetLimits
from celery_lint.model.facts import Place
from celery_lint.project.known import Known

_LIMITS = ("time_limit", "soft_time_limit")


class TimeLimits:
    """The time limits that a project sets for its tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)
        self.belonging = known.of(Belonging)
        self.sent = known.of(SentLimits)
        self.set = known.of(SetLimits)
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.in_force = known.of(OptionsInForce)

    def annotated(self, task: Task) -> bool:
        """Whether `task_annotations` name the task, or are more than a mapping can show."""
        for setting in self.in_force.settings_of(task, "task_annotations"):
            known = self.project.constant(setting.module, setting.value)
            if known is None or known.kind != "mapping" or known.keyword(task.name) is not None:
                return True
        return False

    def given_elsewhere(self, task: Task) -> bool:
        """Whether a task may get a limit where it is sent, or from who does not name it."""
        return self.sent.may_be(task) or self.set.may_be(task)

    def limited(self, task: Task, name: str) -> bool:
        """Whether the task has this limit by its own options."""
        given = self.task_options.get(task, name)
        return given is not None and not (given[1].kind == "constant" and given[1].data is None)

    def may_hold(self, task: Task) -> bool:
        """Whether anything in sight may set a limit for the task, or anything that is out of sight."""
        if not self.in_force.visible(task):
            return True
        if any(
            self.limited(task, name) or self.in_force.settings_of(task, f"task_{name}") for name in _LIMITS
        ):
            return True
        commands = self.commands.of(self.belonging.of(task))
        if any(each.time_limit or each.soft_time_limit or each.open_ended for each in commands):
            return True
        return self.task_options.open_ended(task) or self.annotated(task) or self.given_elsewhere(task)

    def soft_limit(self, task: Task) -> Place | None:
        """Where the soft time limit that is certain to hold for a task is set, whatever its number."""
        given, known_to_be = self._own(task, "soft_time_limit")
        if given is not None:
            return given[0].place(given[1].span) if self.project.sets_number(*given) else None
        if not known_to_be:
            return None
        general = self.general(task, "soft_time_limit")
        if general is not None:
            return general[1] if general[0] else None
        # Which of several holds need not be known where each of them is one.
        settings = self.in_force.settings_of(task, "task_soft_time_limit")
        known = [s.certain and self.project.sets_number(s.module, s.value) for s in settings]
        return settings[0].place if known and all(known) else None

    def seconds(self, task: Task, name: str) -> float | None:
        """The longest that a limit of this name certainly lets a task run; ``None``: none is known."""
        given, known_to_be = self._own(task, name)
        sent = self.sent.longest(task, name)
        if given is not None:
            number = self.number(given)
            return max(number, sent or 0) if number else None
        if not known_to_be or sent is None or self.set.may_be(task):
            return None
        general = self._longest_general(task, name)
        return max(general, sent) if general else None

    def _longest_general(self, task: Task, name: str) -> float | None:
        """The longest that a limit lets tasks run which have none of their own; ``None``: none is known."""
        general = self.general(task, name)
        if general is not None:
            return general[0]
        settings = self.in_force.settings_of(task, f"task_{name}")
        known = [self.project.number(s.module, s.value) if s.certain else None for s in settings]
        numbers = [number for number in known if number]
        return max(numbers) if numbers and len(numbers) == len(known) else None

    def _own(self, task: Task, name: str) -> tuple[Option | None, bool]:
        """The limit of this name that a task has for itself, and whether it is known to have it, or none."""
        annotated, certain = self.in_force.annotation(task, name)
        if annotated is not None or not certain:
            return (annotated if certain else None), certain
        given = self.task_options.get(task, name)
        return given, given is not None or not self.task_options.open_ended(task)

    def general(self, task: Task, name: str) -> tuple[float, Place] | None:
        """The limit of this name that certainly holds for a task which has none of its own, and its place.

        That of the worker's command wins over the application's.
        """
        commands = self.commands.of(self.belonging.of(task))
        stated = [seconds for command in commands if (seconds := getattr(command, name)) is not None]
        if stated:
            alike = len(stated) == len(commands) and len(set(stated)) == 1 and not isnan(stated[0])
            return (stated[0], commands[0].place) if alike else None
        setting, certain = self.in_force.setting(task, f"task_{name}")
        if setting is None or not certain:
            return None
        number = self.project.number(setting.module, setting.value)
        return (number, setting.place) if number is not None else None

    def number(self, option: Option | None) -> float | None:
        """The number that an option gives."""
        return self.project.number(*option) if option is not None else None

    def soft_limit_possible(self, task: Task) -> bool:
        """Whether anything in sight, or anything out of sight, may set a soft time limit for the task."""
        names = frozenset({"soft_time_limit"})
        given = self.task_options.get(task, "soft_time_limit")
        if given is not None and not (given[1].kind == "constant" and given[1].data is None):
            return True
        if (
            not self.applications.product
            or not self.in_force.own_application(task)
            or not self.in_force.known(task, names)
        ):
            return True
        if self.project.configuration.time_limits == "worker" or not self.in_force.visible(task):
            return True
        if self.in_force.settings_of(task, "task_soft_time_limit"):
            return True
        if any(c.soft_time_limit or c.open_ended for c in self.commands.of(self.belonging.of(task))):
            return True
        return self.given_elsewhere(task)

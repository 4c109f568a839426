"""What is in force for a task beyond what it says itself: annotations, applications, limits of the worker."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.settings import InForce, Setting, Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Module, Value
from celery_lint.project.known import Known

_OPEN = ("**", "?")


class OptionsInForce:
    """Questions whose answer depends on more than a task's own options."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.belonging = known.of(Belonging)

    def setting(self, task: Task, name: str) -> InForce:
        """The setting of this name that is in force for a task, whichever of its applications runs it."""
        found = [self.settings.setting(application, name) for application in self.belonging.of(task)]
        if not found:
            return InForce(None, False)
        alike = len({in_force.setting.place if in_force.setting else None for in_force in found}) == 1
        first = next((in_force for in_force in found if in_force.setting is not None), found[0])
        return InForce(first.setting, alike and all(in_force.certain for in_force in found))

    def settings_of(self, task: Task, name: str) -> list[Setting]:
        """Everything that may set this name for a task, to something other than ``None``."""
        applications = self.belonging.of(task)
        if not applications:
            return self.settings.named(name)
        return self.settings.of_some(applications, name)

    def options(self, task: Task, names: Iterable[str]) -> dict[str, Option]:
        """Those of the named options that the task has, whoever gives them."""
        found = {}
        for name in names:
            given = self.task_options.get(task, name)
            if given is not None:
                found[name] = given
        return found

    def known(self, task: Task, names: frozenset[str]) -> bool:
        """Whether nothing can add one of these options where nobody can look."""
        return (
            not self.task_options.open_ended(task)
            and self.task_options.bases_known(task)
            and not self.annotated(task, names)
        )

    def annotated(self, task: Task, names: frozenset[str]) -> bool:
        """Whether `task_annotations` may set one of these options for the task."""
        for setting in self.settings_of(task, "task_annotations"):
            known = self.project.constant(setting.module, setting.value)
            if known is None or known.kind != "mapping" or any(key in _OPEN for key, _ in known.keywords):
                return True
            for key in ("*", task.name):
                given = known.keyword(key)
                if given is not None and self._may_hold(setting.module, given, names):
                    return True
        return False

    def annotation(self, task: Task, name: str) -> tuple[Option | None, bool]:
        """What `task_annotations` set an option of the task to, and whether that is certain.

        They win over what the task says itself; and of two entries for one task ``"*"``, which Celery goes
        through last (``celery.app.annotations.resolve_all``).
        """
        if not self.annotated(task, frozenset({name})):
            return None, True
        settings = self.settings_of(task, "task_annotations")
        known = self.project.constant(settings[0].module, settings[0].value)
        if len(settings) > 1 or not settings[0].certain or known is None or known.kind != "mapping":
            return None, False
        if any(key in _OPEN for key, _ in known.keywords):
            return None, False
        for key in ("*", task.name):
            given = known.keyword(key)
            options = self.project.constant(settings[0].module, given) if given is not None else None
            if given is not None and (options is None or options.kind != "mapping"):
                return None, False
            value = options.keyword(name) if options is not None else None
            if value is not None:
                return (settings[0].module, value), True
            if options is not None and any(word in _OPEN for word, _ in options.keywords):
                return None, False
        return None, False

    def _may_hold(self, module: Module, given: Value, names: frozenset[str]) -> bool:
        known = self.project.constant(module, given)
        if known is None or known.kind != "mapping":
            return True
        return any(key in names or key in _OPEN for key, _ in known.keywords)

    def results_ignored(self, task: Task) -> bool:
        """Whether a setting says, or may say, that results are not stored."""
        given = self.settings_of(task, "task_ignore_result")
        return any(self.settings.truth(setting.module, setting.value) is not False for setting in given)

    def own_application(self, task: Task) -> bool:
        """Whether every application that the task can belong to is Celery's class or one of the project's."""
        if task.application is not None and self.applications.get(task.application) is None:
            return False
        return all(self.applications.is_plain(application) for application in self.belonging.of(task))

    def is_bound(self, task: Task) -> bool:
        """Whether the task's function gets the task as its first argument by ``bind``."""
        given = self.task_options.get(task, "bind")
        known = self.project.constant(*given) if given is not None else None
        return known is not None and known.data is True

    def visible(self, task: Task) -> bool:
        """Whether all settings that hold for a task can be seen."""
        applications = self.belonging.of(task)
        return (
            bool(applications)
            and self.own_application(task)
            and not any(self.settings.hides(application) for application in applications)
        )

    def option(self, task: Task, name: str, setting: str) -> bool | None:
        """Whether a switch is on for a task, by its own option or by the setting; ``None``: nobody knows."""
        given = self.task_options.get(task, name)
        if given is not None and not (given[1].kind == "constant" and given[1].data is None):
            return self.settings.truth(*given)
        if not self.known(task, frozenset({name})):
            return None
        states = {self.settings.switch(application, setting) for application in self.belonging.of(task)}
        state = states.pop() if len(states) == 1 else None
        return None if state is False and not self.visible(task) else state

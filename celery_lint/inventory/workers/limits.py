"""Time limits of tasks: where they are set, and whether anything out of sight may set one."""

from __future__ import annotations

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sendings, without_signature
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import TIME_LIMITS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# What sends a task with options, or makes a signature that has them.
_SENDERS = frozenset({"apply_async", "send_task", "signature", "subtask", "set"})


class TimeLimits:
    """The time limits that a project sets for its tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.in_force = known.of(OptionsInForce)

    @once
    def _limits_written(self) -> set[Key]:
        """The functions that write a limit into a mapping of options that they hand on."""
        found: set[Key] = set()
        for module in self.project.product_modules():
            found.update(
                (module.path, a.function) for a in module.assignments if a.key in TIME_LIMITS and a.function
            )
            for function in module.functions.values():
                if function.mentions(".setdefault"):
                    for call in self.functions.calls(module, function):
                        if call.leaf() == "setdefault" and call.argument(0).text in TIME_LIMITS:
                            found.add((module.path, function.qualname))
        return found

    def annotated(self, task: Task) -> bool:
        """Whether `task_annotations` name the task, or are more than a mapping can show."""
        for setting in self.settings.named("task_annotations"):
            known = self.project.constant(setting.module, setting.value)
            if known is None or known.kind != "mapping" or known.keyword(task.name) is not None:
                return True
        return False

    @once
    def _sent_with_limit(self) -> set[Key] | None:
        """The tasks that get a limit where they are sent; ``None`` where nobody can tell which task it is."""
        found: set[Key] = set()
        for module in self.project.product_modules():
            for function in module.functions.values():
                written = (module.path, function.qualname) in self._limits_written
                if not written and not function.mentions("time_limit:"):
                    continue
                for call in self.functions.calls(module, function):
                    if call.leaf() in _SENDERS and _passes_limit(call, written):
                        chain = without_signature(call.chain.rpartition(".")[0])
                        task = self.tasks.of(self.project.resolve(module, chain)) or self.sendings.named(call)
                        if task is None:
                            return None
                        found.add((task.module.path, task.qualname))
        return found

    def may_be_sent_with_limit(self, task: Task) -> bool:
        """Whether a call that sends the task may give it a limit."""
        sent = self._sent_with_limit
        return sent is None or (task.module.path, task.qualname) in sent

    def limited(self, task: Task, name: str) -> bool:
        """Whether the task has this limit by its own options."""
        given = self.task_options.get(task, name)
        return given is not None and not (given[1].kind == "constant" and given[1].data is None)

    def soft_limit(self, task: Task) -> Place | None:
        """Where the soft time limit that is certain to hold for a task is set."""
        given = self.task_options.get(task, "soft_time_limit")
        if given is not None:
            return given[0].place(given[1].span) if self.number(given) else None
        if self.task_options.open_ended(task) or self.annotated(task):
            return None
        single = self.single("task_soft_time_limit")
        if single is not None and single[0] and len(self.applications.product) == 1:
            return single[1].place
        return None

    def single(self, name: str) -> tuple[float, Setting] | None:
        """A setting's number, if the project gives it exactly once."""
        settings = self.settings.named(name)
        if len(settings) != 1:
            return None
        number = self.project.number(settings[0].module, settings[0].value)
        return (number, settings[0]) if number is not None else None

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
        if self.project.configuration.time_limits == "worker" or self.settings.named("task_soft_time_limit"):
            return True
        if any(command.soft_time_limit for command in self.project.commands):
            return True
        return self.may_be_sent_with_limit(task)


def _passes_limit(call: Call, written: bool) -> bool:
    return any(given.keyword in TIME_LIMITS or (written and given.keyword == "**") for given in call.takes)

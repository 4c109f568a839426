"""Whether a project shows what it sends, so that what it does not show is not sent."""

from __future__ import annotations

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.beat.unread import SCHEDULE
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.senders.hidden import HiddenSenders
from celery_lint.libraries.celery import SENDING
from celery_lint.libraries.views import VIEW_CLASSES, VIEW_DECORATORS
from celery_lint.model.facts import Class, Function, Module
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once

# So many tasks that are sent show how a project sends them, or so many functions that send one; a sketch that
# sends one at one place shows nothing.
SEVERAL = 2
# What sends tasks, or makes signatures of them for others to send, whatever it is called of.
_SIGNED = ("s", "si", "signature", "subtask", "send_task", "delay_on_commit", "apply_async_on_commit")
_SENDING = tuple(f".{leaf}" for leaf in (*sorted(SENDING), *_SIGNED))


class Shown:
    """What a project shows of its senders and of its workers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.hidden = known.of(HiddenSenders)
        self.applications = known.of(Applications)

    @once
    def is_deployed(self) -> bool:
        """Whether the project is more than a library, whose tasks others send: it runs workers of its own."""
        return bool(self.applications.product or self.project.deployment.commands or self._makes_application)

    @once
    def _makes_application(self) -> bool:
        """Whether a function makes an application, and something of the project asks for that."""
        return any(
            self.applications.class_of(self.project.resolve(module, f"{call.chain}()")) is not None
            for module, function in self.project.calling(".Celery")
            if function.name and self._is_asked_for(module, function)
            for call in self.functions.calls(module, function)
            if call.leaf() == "Celery"
        )

    def _is_asked_for(self, module: Module, function: Function) -> bool:
        return any(
            call.leaf() == function.name
            and (found := self.project.resolve(other, call.chain)).function() is function
            and found.module is module
            for other, caller in self.project.calling(function.name)
            if caller is not function
            for call in self.functions.calls(other, caller)
        )

    def sends(self, several: int = SEVERAL) -> bool:
        """Whether the project shows what it sends: it does so itself, or has a schedule that can be read."""
        if self.hidden.may_send_anything:
            return False
        if self.hidden.sends_names_of_the_run:
            return len(self._sent() | self._scheduled()) >= max(several, SEVERAL)
        if self.has_idle_views:
            return True
        if self.settings.named(SCHEDULE) and not self.hides_schedule:
            return True
        shown = self._sent() | self._scheduled()  # rows that code makes are in no settings
        return len(shown) >= several or (several == SEVERAL and self._sends_from_several())

    def _sends_from_several(self) -> bool:
        """Whether several functions send tasks, be it one task alone: a sketch tries it at one place.

        Tasks do not count, which may send themselves again.
        """
        found = {
            (sending.module.path, sending.function.qualname)
            for sending in self.sendings.all
            if sending.sends
            and sending.task is not None
            and sending.function.name
            and self.sendings.task_around(sending) is None
        }
        return len(found) >= SEVERAL

    def _sent(self) -> set[Key]:
        return {s.task.key for s in self.sendings.all if s.sends and s.task is not None}

    @once
    def has_idle_views(self) -> bool:
        """Whether a module of views imports tasks, where nothing of the project is sent, nor might be.

        The project is an application that would send them, and does the work itself; a worker whose tasks
        another project sends has no views that import them.
        """
        if not self.sends_nothing or next(self.project.calling(*_SENDING), None) is not None:
            return False
        return any(map(self._imports_for_views, self.project.product_modules()))

    @once
    def sends_nothing(self) -> bool:
        """Whether no task is seen to be sent or scheduled, nor might be out of sight."""
        if self.hidden.may_send_anything or self.hidden.may_schedule or self.settings.named(SCHEDULE):
            return False
        return not self.sendings.all and not self.schedules.all

    def _imports_for_views(self, module: Module) -> bool:
        if not any(self.tasks.of(self.project.resolve(module, each)) for each in module.imports.values()):
            return False
        decorated = sum(self._is_view(module, function) for function in module.functions.decorated())
        return decorated + sum(self._has_views(module, each) for each in module.classes.values()) >= SEVERAL

    def _is_view(self, module: Module, function: Function) -> bool:
        return any(
            self.project.resolve(module, decorator.chain).name.startswith(VIEW_DECORATORS)
            for decorator in function.decorators
        )

    def _has_views(self, module: Module, class_: Class) -> bool:
        """Whether a class is one of views: a framework calls its methods, and nothing else does."""
        own = Entity("class", class_.qualname, module)
        return any(base.name.startswith(VIEW_CLASSES) for base in self.project.bases(own))

    @once
    def hides_schedule(self) -> bool:
        """Whether entries that nobody can look at may run tasks: those of a database, or of a machine.

        A project that writes a schedule down has its tasks in it: a database gets those entries from there.
        """
        return self.hidden.may_schedule and len(self._scheduled()) < SEVERAL

    def _scheduled(self) -> set[Key]:
        tasks = [self.schedules.task(entry) for entry in self.schedules.all if entry.certain]
        return {task.key for task in tasks if task is not None}

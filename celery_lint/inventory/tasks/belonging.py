"""Which applications run a task.

A task is made for one application, or shared by all; but Celery gives each task to every application of the
process (``@app.task`` says ``shared=True`` by itself, tried on Celery 5.7), so that it runs in the workers of
whatever application their command names.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import Module, Value
from celery_lint.project.known import Known


class Belonging:
    """The applications of the product that run a task."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.commands = known.of(Commands)
        self._of_module: dict[str, list[Application]] = {}

    def of(self, task: Task) -> list[Application]:
        """The applications of a task; none where they are made out of sight."""
        if task.application is not None:
            own = self.applications.get(task.application)
            started = self.commands.started
            if own is None or not started or own in started:
                return [own] if own is not None else []
        found = self._of_module.get(task.module.path)
        if found is None:
            found = self._of_module[task.module.path] = self._sharing(task.module)
        return found

    def _sharing(self, module: Module) -> list[Application]:
        """The applications that run the shared tasks of a module.

        Those that name it, and any beside them that finds modules by itself; where nobody names it, those of
        its import root, else all.
        """
        product = self.commands.started or self.applications.product
        naming = [application for application in product if self._names(application, module)]
        if naming:
            return [a for a in product if a in naming or self._discovers(a)]
        root = self.project.imports.home(module.path)
        near = [a for a in product if self.project.imports.home(a.module.path) == root]
        return near or product

    def _names(self, application: Application, module: Module) -> bool:
        for name in IMPORT_LISTS:
            for setting in self.settings.candidates(application, name):
                for text in self._texts(setting.module, setting.value):
                    located = self.project.imports.locate(text, application.module.path)
                    if located is not None and located.path == module.path and not located.rest:
                        return True
        return False

    def _texts(self, module: Module, value: Value) -> Iterator[str]:
        """The names in a sequence, through names and sums of sequences."""
        known = self.project.constant(module, value)
        for item in known.items if known is not None and known.kind == "sequence" else ():
            text = self.project.text(module, item)
            if text is not None:
                yield text

    def _discovers(self, application: Application) -> bool:
        """Whether an application searches for modules of tasks by itself, as far as its module tells."""
        return bool(application.module.functions.calling(".autodiscover_tasks"))

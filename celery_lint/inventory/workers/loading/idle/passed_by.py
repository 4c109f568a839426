"""Tasks that the workers of the only application pass by, where nothing says how they are started."""

from __future__ import annotations

import re

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.sent import Sent
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# Files for people, and the commands that these tell them to type.
_FOR_PEOPLE = (".md", ".rst", ".txt")
_COMMAND = re.compile(rb"celery +-|python +-m")


class PassedBy:
    """The tasks of modules that no worker imports, and that nothing else says the name of.

    What the application is told to load leads to tasks in other modules: so workers get them, and hardly
    anybody names one of those that are left by ``-A``, though that would do.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sent = known.of(Sent)
        self.applications = known.of(Applications)
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.worker_imports = known.of(WorkerImports)

    @once
    def keys(self) -> frozenset[Key]:
        """Those that nothing sends or schedules from elsewhere."""
        tasks = self.tasks.product
        passed = [task for task in tasks if self.worker_imports.is_passed_by(task.module.path)]
        left = {task.module.path for task in passed}
        homes = {application.module.path for application in self.applications.product}
        if not passed or {task.module.path for task in tasks} <= left | homes:
            return frozenset()
        sent = {
            sending.task.key
            for sending in self.sendings.all
            if sending.task is not None and sending.module.path != sending.task.module.path
        }
        unsaid = {path for path in left if not self._is_said(path)}
        return frozenset(
            task.key
            for task in passed
            if task.module.path in unsaid and task.key not in sent and not self.sent.is_scheduled(task)
        )

    def _is_said(self, path: str) -> bool:
        """Whether other code says the name of a module, a launch file, or a command that people type."""
        written = self.project.deployment.written
        for other, numbers in written.lines(leaf_of(path)).items():
            if other == path:
                continue
            if not other.endswith(_FOR_PEOPLE):
                return True
            lines = written.text(other).split(b"\n")
            if any(_COMMAND.search(lines[number - 1]) for number in numbers):
                return True
        return False

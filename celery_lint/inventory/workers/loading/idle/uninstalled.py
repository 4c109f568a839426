"""Applications that nothing could start: the project does not install Celery, and nothing has them in use.

They were left behind, or never were in use. It answers *yes* only where the lists of what is installed name
nothing of Celery, no other file says that it is installed, no launch file and no code starts a worker or
beat, and nothing but modules of tasks imports the application, which nothing else imports: a package that is
installed may bring Celery along, for whoever has it in use.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.orphans import Orphans
from celery_lint.inventory.workers.loading.unimported import Unimported
from celery_lint.model.facts import Module
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

# Packages that bring Celery along, by parts of their names: `django-celery-beat`, `flower`.
_BRINGING = ("celery", "flower", "kombu", "redbeat")
# What is installed by hand, in an image, or by a list that has another form. A list behind the name is what a
# package has to offer: those of a lock file do so, `celery = ["celery (>=5)"]` of `sentry-sdk`.
_INSTALLED = re.compile(
    rb"\b(?:add|install)\b[^\n]{0,200}?\bcelery\b"
    rb"|^[ \t]*(?:-[ \t]*)?[\"']?celery[\"']?[ \t]*(?:[\[<>~!]|=(?![ \t]*\[)|\r?$)",
    re.IGNORECASE | re.MULTILINE,
)


class Uninstalled:
    """The applications of a project that does not install what they are made of."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.commands = known.of(Commands)
        self.orphans = known.of(Orphans)
        self.tasks = known.of(Tasks)
        self.unparsed = known.of(UnparsedTexts)
        self.unimported = known.of(Unimported)

    @once
    @asking("quiet")
    def all(self) -> frozenset[str]:
        """The paths of their modules, and of all that import these."""
        installs = self.project.deployment.unlisted.may_install
        if any(map(installs, _BRINGING)) or self.commands.are_any:
            return frozenset()
        left = [self._left(each.module.path) for each in self.applications.product]
        if not left or None in left or self._is_installed():
            return frozenset()
        return frozenset(path for paths in left for path in paths or ())

    def words(self) -> set[Pair]:
        """What other files must hold to import one of them."""
        return {(leaf_of(path), path.rpartition("/")[0].rpartition("/")[2]) for path in self.all}

    def _left(self, path: str) -> Collection[str] | None:
        """A module and those that import it, however far that goes; ``None`` where one of these may run."""
        found, line = {path}, [path]
        for each in line:  # which grows meanwhile
            if self.unparsed.may_import(each):
                return None
            above = self.unimported.importers.get(each, set()) - found
            if not all(self._has_tasks_alone(self.project.modules[other]) for other in above):
                return None
            found |= above
            line += above
        return found

    def _has_tasks_alone(self, module: Module) -> bool:
        """Whether a module defines tasks, and nothing starts it for anything else."""
        return module.path in self._of_tasks and not self.orphans.may_be_started(module)

    @once
    def _of_tasks(self) -> frozenset[str]:
        return frozenset(task.module.path for task in self.tasks.product)

    def _is_installed(self) -> bool:
        """Whether any other file says that Celery is installed, or tells people to do it."""
        return any(_INSTALLED.search(text) for text in self.project.deployment.written.beside_code.values())

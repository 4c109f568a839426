"""Modules that no worker imports for one reason: one edit lets workers have them all."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import NamedTuple

from celery_lint.inventory.application.applications import Application
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.project.known import Known, once


class Reason(NamedTuple):
    """Why no worker has a module, for all that have the same.

    ``key`` is the module whose import brings it along, its own path if none does, or the application that has
    no list of modules at all. ``rank`` is 0 for a module that must be listed, and 1 for what that imports.
    """

    key: Hashable
    rank: int


class LoadedTogether:
    """What workers would have together."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.unimportable = known.of(Unimportable)
        self.worker_imports = known.of(WorkerImports)

    def reasons(self, paths: Collection[str]) -> dict[str, Reason]:
        """The reason of each of these modules."""
        brought: dict[str, str] = {}
        for path in sorted(paths):
            for other in sorted(self._along_with(path) & set(paths)):
                if brought.get(path) != other:
                    brought.setdefault(other, path)
        found: dict[str, Reason] = {}
        for path in paths:
            first = path
            while first in brought:
                first = brought[first]
            found[path] = Reason(self._without_lists or first, int(first != path))
        return found

    def _along_with(self, path: str) -> set[str]:
        """The other modules that an import of one brings along, whatever functions may import later."""
        line, seen = [path], {path}
        for each in line:  # which grows meanwhile
            module = self.project.modules.find(each)
            for target in self.unimportable.imported(module) if module is not None else ():
                if target not in seen:
                    seen.add(target)
                    line.append(target)
        return seen - {path}

    @once
    def _without_lists(self) -> Hashable:
        """The only application that is started, if nothing of the project lists modules for it."""
        started = self.commands.started
        if len(started) != 1 or self.worker_imports.discoveries or self._has_list(started[0]):
            return None
        return started[0].place

    def _has_list(self, application: Application) -> bool:
        return any(command.include for command in self.commands.all) or any(
            self.settings.candidates(application, name) for name in IMPORT_LISTS
        )

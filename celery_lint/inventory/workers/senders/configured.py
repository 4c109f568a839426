"""What modules bind that frameworks may read as settings, so that nobody need say its name."""

from __future__ import annotations

import re

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.beat.unread import SCHEDULE
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.workers.senders.mentions import modules_that_count
from celery_lint.model.facts import Module, Value
from celery_lint.model.words import said_by
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# Folders of settings, of which one module may take what others hold.
_OF_SETTINGS = re.compile(r"settings|conf")
# What takes all names of a module, or of what a text names, for settings.
_CONFIGURING = frozenset({"config_from_object", "from_object", "from_pyfile", "from_file"})


class Configured:
    """Which of the values of modules may be settings."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.applications = known.of(Applications)

    def may_read(self, module: Module, value: Value) -> bool:
        """Whether something may read a value of a module without saying the name that it has there.

        Who loads settings reads them so, and who takes all names of a module. A schedule counts where one
        application may have it in force.
        """
        *folders, _ = module.path.split("/")
        return (
            any(map(_OF_SETTINGS.search, folders))
            or module.path in self._modules
            or leaf_of(module.path) in self._loaded
            or any(
                setting.module is module and value.span.holds(setting.value.span)
                for setting in self.settings.named(SCHEDULE)
            )
        )

    @once
    def _modules(self) -> frozenset[str]:
        """The modules that applications load, and those of which others take all names."""
        found = {path for each in self.applications.product for path in self.settings.modules(each)}
        for module in modules_that_count(self.project):
            if module.star_imports:
                found.update(self.project.star_paths(module))
        return frozenset(found)

    @once
    def _loaded(self) -> frozenset[str]:
        """The words of functions that load settings: names of modules among them."""
        modules = modules_that_count(self.project)
        words = {leaf_of(module.path) for module in modules} | _CONFIGURING
        loading = self.functions.saying(modules, _CONFIGURING)
        return frozenset(word for _, function, _ in loading for word in said_by(function) if word in words)

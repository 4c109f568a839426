"""Commands that Celery refuses: words that are none of its options, schedulers that it does not have."""

from __future__ import annotations

import re

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.libraries.celery import SCHEDULERS
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_OF_CELERY = re.compile(r"celery(?:\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*")

# Since this version of Celery only the program takes `-A`, and none of its sub-commands.
_WITHOUT_LATE = (5, 0)
# Files in which each command is that of another service.
_OF_SERVICES = (".conf", ".ini", ".json", ".toml", ".yaml", ".yml", "Procfile")


class Refused(NamedTuple):
    """An application whose workers do not start, and the commands that are to start them."""

    place: Place
    first: WorkerCommand
    others: tuple[WorkerCommand, ...]

    @property
    def word(self) -> str:
        """The first of the words that belong to nothing."""
        return self.first.refused.partition(" ")[0]

    @property
    def queues(self) -> str:
        """The queues as the option takes them."""
        words = f"{self.first.queues} {self.first.refused}".replace(",", " ").split()
        return ",".join(words)


class NoScheduler(NamedTuple):
    """A scheduler that Celery does not have, at the setting or the application whose commands name it."""

    place: Place
    name: str
    commands: tuple[WorkerCommand, ...] = ()


class RefusedCommands:
    """The commands of launch files that end with an error of usage."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)

    @facts
    def refused(self) -> list[Refused]:
        """The commands that are refused, once for the application that they name."""
        found: dict[tuple[Place, bool], list[WorkerCommand]] = {}
        for command in self.project.deployment.refused:
            for application in self._meant(command):
                found.setdefault((application.place, command.misplaced), []).append(command)
        return [Refused(place, wrong[0], tuple(wrong[1:])) for (place, _), wrong in found.items()]

    @facts
    def late(self) -> list[Refused]:
        """The commands that name the application behind the sub-command, where Celery 5 is installed.

        Once for the application. Celery 4 takes the option there, too: a script that has both forms starts
        what the version at hand takes, by a condition or behind a `||`.
        """
        found: dict[Place, list[WorkerCommand]] = {}
        installed = self.project.deployment.celery
        if installed is None or installed < _WITHOUT_LATE:
            return []
        commands = (*self.project.deployment.commands, *self.project.deployment.others)
        early = {
            (each.path, each.program)
            for each in commands
            if not each.late and not each.path.endswith(_OF_SERVICES)
        }
        for command in commands:
            has_both = (command.path, command.program) in early
            for application in self._meant(command) if command.late and not has_both else ():
                found.setdefault(application.place, []).append(command)
        return [Refused(place, wrong[0], tuple(wrong[1:])) for place, wrong in found.items()]

    @facts
    def without_scheduler(self) -> list[NoScheduler]:
        """What makes beat end at once: the settings, and the commands by the application and the name."""
        found: dict[tuple[Place, str], list[WorkerCommand]] = {}
        for command in self.project.deployment.others:
            if self._lacks(command.scheduler):
                for application in self._meant(command):
                    found.setdefault((application.place, command.scheduler), []).append(command)
        told = [NoScheduler(*where, tuple(commands)) for where, commands in found.items()]
        for setting in self.settings.certain("beat_scheduler"):
            name = self.project.text(setting.module, setting.value) or ""
            if self._lacks(name):
                told.append(NoScheduler(setting.place, name))
        return told

    def _lacks(self, name: str) -> bool:
        """Whether a scheduler is one of Celery by its name, and Celery has none of that name."""
        dotted = name.replace(":", ".")
        if not _OF_CELERY.fullmatch(name) or dotted in SCHEDULERS:
            return False
        return not self.project.imports.files_of(dotted.rpartition(".")[0])

    def _meant(self, command: WorkerCommand) -> list[Application]:
        """The application that a command names, or the only one there is."""
        named = self.commands.naming(command)
        return named[:1] or (self.applications.product if len(self.applications.product) == 1 else [])

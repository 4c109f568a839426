"""Commands of workers that Celery refuses: words that are none of its options."""

from __future__ import annotations

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


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


class RefusedCommands:
    """The commands of launch files that end with an error of usage."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)
        self.applications = known.of(Applications)

    @facts
    def refused(self) -> list[Refused]:
        """The commands that are refused, once for the application that they name."""
        found: dict[Place, list[WorkerCommand]] = {}
        for command in self.project.deployment.refused:
            for application in self._meant(command):
                found.setdefault(application.place, []).append(command)
        return [Refused(place, wrong[0], tuple(wrong[1:])) for place, wrong in found.items()]

    def _meant(self, command: WorkerCommand) -> list[Application]:
        """The application that a command names, or the only one there is."""
        named = self.commands.naming(command)
        return named[:1] or (self.applications.product if len(self.applications.product) == 1 else [])

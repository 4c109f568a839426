"""The queues that all workers of a project consume together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.workers.queues import Queues
from celery_lint.model.commands import ANY_QUEUE, WorkerCommand
from celery_lint.model.purpose import is_development_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

# What makes a running worker consume other queues.
_ADDING = (".add_consumer", ".queues.select")
# How a text tells workers their queues, before they start or after it.
_QUEUES = re.compile(rb"(?<![\w-])(?:-Q|--queues)|\badd_consumer\b|\bqueues\.select\b")
# Files that list all processes of a deployment; any other may start one of several workers.
_WHOLE = ("procfile", "compose")


class Consumed(NamedTuple):
    """The queues that workers consume, and the commands that start them.

    ``in_development``: all of these are for it, and some queues may be left out there on purpose.
    """

    queues: frozenset[str]
    commands: tuple[WorkerCommand, ...]
    in_development: bool = False


class Deployed(NamedTuple):
    """A whole deployment: its file, what its workers consume, whose they are, and whether it has a beat."""

    path: str
    consumed: Consumed
    applications: tuple[Application, ...]
    beats: bool


class Consumers:
    """Which queues the workers of launch files consume."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.queues = known.of(Queues)
        self.unparsed = known.of(UnparsedTexts)

    @once
    def all(self) -> Consumed | None:
        """All of them together; ``None`` where there may be others.

        Workers that are told their queues say nothing of those that another file may start, unless theirs
        lists all processes, and workers of development say nothing of deployed ones. One that is told none is
        meant for everything. To what workers consume belongs what code tells those that it starts.
        """
        known = self.even_in_development
        return known if known is not None and not known.in_development else None

    @once
    def even_in_development(self) -> Consumed | None:
        """The same, also where each file that starts workers says in a comment that it is for development."""
        started = self.commands.started
        if not started or self._more_in_code:
            return None
        found = {queue for module in self.project.product_modules() for queue in module.told_queues}
        if ANY_QUEUE in found:
            return None
        commands: dict[WorkerCommand, None] = {}
        for application in started:
            defaults = self._defaults(application)
            for command in self.commands.of([application]):
                names = command.queues.split(",") if command.queues else defaults
                if names is None or ANY_QUEUE in names or command.open_ended:
                    return None
                found.update(name.strip() for name in names)
                commands[command] = None
        if all(command.queues and not _is_whole(command) for command in commands):
            return None
        in_development = all(map(self.commands.is_for_development, commands))
        if in_development and not all(_is_only_said(command) for command in self.commands.all):
            return None
        return Consumed(frozenset(found), tuple(commands), in_development)

    @once
    def apart(self) -> list[Deployed]:
        """What the workers of each file consume that is a whole deployment, and those started beside it."""
        return [] if self._more_in_code else list(self._apart())

    def _apart(self) -> Iterator[Deployed]:
        deployment = self.project.deployment
        told = {queue for module in self.project.product_modules() for queue in module.told_queues}
        given = [command for command in self.commands.all if command not in deployment.commands]
        for path, beside, images in deployment.apart:
            own = [command for command in deployment.commands if command.path in (path, *images)]
            others = [command for command in deployment.commands if command.path in beside]
            names = [self._names(command) for command in (*own, *others, *given)]
            applications = [self.commands.naming(command) for command in own]
            if None in names or not all(applications) or any(map(self.commands.is_for_development, own)):
                continue
            queues = told.union(*[each for each in names if each is not None])
            if ANY_QUEUE not in queues:
                yield Deployed(
                    path,
                    Consumed(frozenset(queues), tuple(own)),
                    tuple({each.origin: each for found in applications for each in found}.values()),
                    any(command.path == path and command.program == "beat" for command in deployment.others),
                )

    def _names(self, command: WorkerCommand) -> list[str] | None:
        """The queues of one command; ``None`` where only the run knows."""
        if command.open_ended:
            return None
        if command.queues:
            return [name.strip() for name in command.queues.split(",")]
        found: list[str] = []
        for application in self.commands.naming(command) or self.applications.product:
            defaults = self._defaults(application)
            if defaults is None:
                return None
            found += defaults
        return found

    def _defaults(self, application: Application) -> tuple[str, ...] | None:
        """The queues of a worker that is told none; ``None`` where only the run knows."""
        if not self.applications.is_plain(application) or self.settings.hides(application):
            return None
        given = self.settings.of_some([application], "task_queues")
        if len(given) > 1 or any(not setting.certain for setting in given):
            return None
        return self.queues.consumed([application])

    @once
    def _more_in_code(self) -> bool:
        """Whether code may give workers further queues."""
        return any(self.project.calling(*_ADDING)) or self.unparsed.speak(_QUEUES.search)


def _is_only_said(command: WorkerCommand) -> bool:
    """Whether a file that lists all processes is for development by its comment alone, and for all queues."""
    return not is_development_path(command.path) and _is_whole(command) and not command.queues


def _is_whole(command: WorkerCommand) -> bool:
    name = command.path.rpartition("/")[2].lower()
    return any(word in name for word in _WHOLE)

"""Commands of workers whose ``-A`` leads to no application, once for the application that they mean."""

from __future__ import annotations

from celery_lint.inventory.application.lost.unloadable import LostCommands, Wrong
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class Unloadable(NamedTuple):
    """What workers mean and do not reach, and their commands."""

    place: Place
    meant: str
    first: Wrong
    others: tuple[Wrong, ...]


class UnloadableCommands:
    """The applications that commands mean and do not reach."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.lost = known.of(LostCommands)

    @facts
    def unloadable(self) -> list[Unloadable]:
        """The commands without an application, once for the application that is nearest to them."""
        return [Unloadable(*meant, wrong[0], tuple(wrong[1:])) for meant, wrong in self.lost.all.items()]

    def explore(self) -> None:
        """Look into the modules that commands name."""
        _ = self.unloadable

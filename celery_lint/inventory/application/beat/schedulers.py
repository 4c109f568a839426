"""Which scheduler beat runs with, and what says so.

What becomes of an entry that is wrong is up to the scheduler: with those of Celery beat ends, others write
the error down and leave the entry out. A command of beat names one, else the setting ``beat_scheduler`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.beat.unread import UnreadSchedules
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.libraries.celery import (
    DATABASE_SCHEDULERS,
    OTHER_SCHEDULERS,
    REDBEAT_SCHEDULERS,
    SCHEDULERS,
)
from celery_lint.model.commands import UNREADABLE
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once

SCHEDULER = "beat_scheduler"

Kind = Literal["file", "memory", "redbeat", "database", "unknown"]
"""How schedulers are told apart: Celery's own keep entries in a file or in memory, redbeat's in Redis.

``database`` is that of django-celery-beat, ``unknown`` any other, and what only the run knows.
"""


class Scheduler(NamedTuple):
    """A scheduler of the project, as something names it.

    ``place`` is the setting or the command of beat; of a command that names none, it is Celery's own, as the
    ``name`` tells, which is empty. There is no place where the project shows neither.
    """

    kind: Kind
    name: str = ""
    place: Place | None = None

    @property
    def is_celerys(self) -> bool:
        """Whether it is one of those that Celery itself has."""
        return self.kind in ("file", "memory")

    @property
    def label(self) -> str:
        """The name of its class, as far as it is known."""
        return {"redbeat": "RedBeatScheduler", "database": "DatabaseScheduler"}.get(self.kind, "beat")

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The place that names it, for messages about what it does."""
        return ((self.place, f"this is beat's scheduler: {self.name}"),) if self.place and self.name else ()


class Schedulers:
    """The schedulers that a project runs its schedules with."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.commands = known.of(Commands)
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.unread = known.of(UnreadSchedules)

    @once
    def only(self) -> Scheduler:
        """The scheduler of all schedules; an unknown one where there are several kinds."""
        first, *others = self.all or (self._assumed,)
        alike = all(each.kind == first.kind or (each.is_celerys and first.is_celerys) for each in others)
        return first if alike else Scheduler("unknown")

    @once
    def all(self) -> tuple[Scheduler, ...]:
        """Those of all applications whose schedules beat may work off."""
        idle = self.unread.without_beat
        found = [each for app in self.applications.product if app not in idle for each in self.of(app)]
        if not self.applications.product:
            found = [self._set(setting) for setting in self.settings.named(SCHEDULER)]
        return tuple(dict.fromkeys(found))

    @once
    def named(self) -> tuple[Scheduler, ...]:
        """Those that settings and commands name, for whatever application."""
        commands = [self._told(command.scheduler, command.place) for command in self.commands.beats]
        settings = [self._set(setting) for setting in self.settings.named(SCHEDULER)]
        return tuple([each for each in (*settings, *commands) if each.name])

    def of(self, application: Application) -> list[Scheduler]:
        """Those that may work off the schedule of an application."""
        beats = self.commands.beats
        own = [command for command in beats if application in self.commands.naming(command)]
        own = own or [command for command in beats if not self.commands.naming(command)]
        given = [self._set(setting) for setting in self.settings.of_some([application], SCHEDULER)]
        if not own:
            return given or [self._assumed]
        found: list[Scheduler] = []
        for command in own:
            told = self._told(command.scheduler, command.place)
            found += [told] if told.name or not given else given
        return found

    # ------------------------------------------------------------------ what a name means

    def _set(self, setting: Setting) -> Scheduler:
        """The scheduler of a setting, which is a text or the class itself."""
        text = self.project.text(setting.module, setting.value)
        if text is None and setting.value.kind == "name":
            text = self.project.resolve(setting.module, setting.value.chain).name
        return self._told(text or UNREADABLE, setting.place)

    def _told(self, name: str, place: Place) -> Scheduler:
        return Scheduler(_kind_of(name.replace(":", ".")), name, place)

    @once
    def _assumed(self) -> Scheduler:
        """Celery's own, unless the project has another one and does not show how beat is started."""
        return Scheduler("unknown" if any(self._others()) else "file")

    def _others(self) -> Iterator[bool]:
        """Whether modules import the package of another scheduler, or Django has it installed."""
        for module in self.project.product_modules():
            yield any(target.startswith(OTHER_SCHEDULERS) for target in module.imports.values())
            for value in module.bindings.get("INSTALLED_APPS", ()):
                known = self.project.constant(module, value)
                yield known is None or any(
                    isinstance(item.data, str) and item.data.startswith(OTHER_SCHEDULERS)
                    for item in known.items
                )


def _kind_of(name: str) -> Kind:
    if not name or name in SCHEDULERS:
        return "memory" if name.endswith(".Scheduler") else "file"
    if name in DATABASE_SCHEDULERS:
        return "database"
    return "redbeat" if name in REDBEAT_SCHEDULERS else "unknown"

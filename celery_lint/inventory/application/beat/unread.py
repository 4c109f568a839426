"""The schedules that no beat works off: of an application that none is started for, or of all.

And those that an application is given by hand beside one that it loads, and that wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.loaded import Loaded
from celery_lint.inventory.application.settings import CONFIGURING, Settings
from celery_lint.inventory.application.statements import Configuring
from celery_lint.libraries.celery import CLOCKS
from celery_lint.model.facts import Place
from celery_lint.model.reading.started import starts_beat
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

SCHEDULE = "beat_schedule"
_Fact = TypeVar("_Fact")


class UnreadSchedules:
    """Which schedules nobody reads, as far as all that starts something tells."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.configuring = known.of(Configuring)
        self.loaded = known.of(Loaded)
        self.unparsed = known.of(UnparsedTexts)

    # ------------------------------------------------------------------ applications without a beat

    @once
    def without_beat(self) -> list[Application]:
        """The applications that no beat runs the schedules of, since each runs those of others.

        Commands start workers of them alone, or nothing.
        """
        given = self._beaten
        if not given:
            return []
        homes = {self.commands.home(application) for application in given}
        origins = {application.origin for application in given}
        unstarted = [each for each in self.commands.unstarted if each.origin not in origins]
        idle = [*self._unnamed(unstarted), *self._not_handing_over(self._only_workers(origins))]
        return [each for each in idle if self.commands.home(each) in homes]

    def _unnamed(self, unstarted: list[Application]) -> Iterator[Application]:
        """Those that only their own package imports: others may start them by what they import."""
        imported: dict[str, set[str]] = {each.module.path: set() for each in unstarted}
        for module in self.project.product_modules() if unstarted else ():
            for path in imported.keys() & self.project.imports.targets(module):
                imported[path].add(module.path)
        for each in unstarted:
            path = each.module.path
            if imported[path] <= {path, f"{path.rpartition('/')[0]}/__init__.py"}:
                yield each

    def _not_handing_over(self, workers: list[Application]) -> list[Application]:
        """Those that no module imports which makes or configures an application."""
        handing = {each.module.path for each in self.applications.by_origin.values()} if workers else set()
        handing.update(module.path for module, _ in self.project.calling(*CONFIGURING) if workers)
        imported = {
            path
            for module in self.project.product_modules()
            if module.path in handing
            for path in self.project.imports.targets(module)
            if path != module.path
        }
        return [each for each in workers if each.module.path not in imported]

    def _only_workers(self, beaten: set[Key]) -> list[Application]:
        """The applications that commands start workers of, and no beat."""
        named = {origin for command in self.commands.all for origin in self.commands.meant(command)}
        return [each for each in self.applications.product if each.origin in named - beaten]

    @once
    def _beaten(self) -> list[Application]:
        """The applications that beat is started for; none where one of them may be any."""
        found: list[Application] = []
        for command in self.commands.beats:
            if self.commands.lost.ends(command.place):
                continue
            named = self.commands.naming(command)
            if not named and not self._is_strange(command.app):
                return []
            found += named
        return found

    def _is_strange(self, app: str) -> bool:
        """Whether what ``-A`` says is plainly the name of a module that is not there."""
        dotted = app.partition(":")[0]
        if not all(part.isidentifier() for part in dotted.split(".")):
            return False
        return not self.project.imports.holding_application(app)

    @once
    def places(self) -> frozenset[Place]:
        """The schedules of such applications alone, and those that are lost, as settings hold them."""
        idle = self.without_beat
        given: dict[bool, set[Place]] = {True: set(), False: set()}
        for application in self.applications.product if idle else ():
            for setting in self.settings.candidates(application, SCHEDULE):
                given[application in idle].add(setting.module.place(setting.value.span))
        return frozenset(given[True] - given[False]) | self._lost_by_hand

    @once
    def _lost_by_hand(self) -> frozenset[Place]:
        """What applications are given by hand and do not have: before Celery 5.7 those of a namespace win."""
        lost: set[Place] = set()
        kept: set[Place] = set()
        for application in self.applications.product if self.settings.before_57 else ():
            keys = self.settings.by_hand(application, SCHEDULE)
            given = self.configuring.of(application).given
            lost.update(each.place for each in given if each.key in keys)
            kept.update(each.place for each in self.settings.candidates(application, SCHEDULE))
        return frozenset(lost - kept)

    def holds(self, place: Place) -> bool:
        """Whether a place is within such a schedule, or in settings that no process takes."""
        if place.path in self.loaded.passed_over:
            return True
        return any(
            each.path == place.path and each.span.line <= place.span.line <= each.span.end_line
            for each in self.places
        )

    # ------------------------------------------------------------------ no beat at all

    def unless_by_nobody(self, found: list[_Fact]) -> list[_Fact]:
        """What is found in schedules, unless nothing starts beat: that alone is the cause."""
        return [] if found and self.by_nobody else found

    @once
    def by_nobody(self) -> bool:
        """Whether a deployment starts all but beat, and nothing in the project starts that or speaks of it.

        Files that start workers and nothing else say nothing: beat may be started by hand, or elsewhere.
        """
        deployment = self.project.deployment
        if not deployment.without_beat or all(map(self.commands.is_aside, deployment.commands)):
            return False
        return not (self.commands.beats or self.starts_in_code or self.commands.elsewhere)

    @once
    def starts_in_code(self) -> bool:
        """Whether code may start beat, or keeps time by other means, or starts workers nobody knows how."""
        if any(command.open_ended for command in self.commands.all):
            return True
        if self.unparsed.speak(_starts_beat) or self.unparsed.hold((clock, "") for clock in CLOCKS):
            return True
        modules = self.project.modules
        if any(modules[path].starts_beat for path in modules):
            return True
        return any(
            dotted.lstrip(".").partition(".")[0] in CLOCKS
            for module in self.project.product_modules()
            for dotted in module.all_imports
        )


def _starts_beat(text: bytes) -> bool:
    return starts_beat(text.decode("utf-8", "replace"))

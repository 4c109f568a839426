"""Schedules of applications whose deployment starts workers and no beat."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.beat.unread import SCHEDULE, UnreadSchedules
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.schedules import PERIODIC, Entry, Schedules, is_schedule
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.model.words import held, words_in
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

_READING = frozenset({"copy", "get", "items", "keys", "values"})
_CONDITIONS = frozenset({"case", "handler", "if", "match"})


class Unbeaten(NamedTuple):
    """A schedule that nothing works off: where it begins, the tasks that only it sends, the workers."""

    place: Place
    names: tuple[str, ...]
    workers: tuple[WorkerCommand, ...]


class SchedulesWithoutBeat:
    """The schedules of applications whose workers are deployed without a beat."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)
        self.commands = known.of(Commands)
        self.settings = known.of(Settings)
        self.schedules = known.of(Schedules)
        self.sendings = known.of(Sendings)
        self.unread = known.of(UnreadSchedules)
        self.unparsed = known.of(UnparsedTexts)

    @facts
    def unbeaten(self) -> list[Unbeaten]:
        """The schedule of each application that is deployed so."""
        alone = self.project.deployment.without_beat
        if not alone or self.unread.starts_in_code or self._is_read:
            return []
        found: dict[Place, Unbeaten] = {}
        for application in self.commands.started:
            workers = tuple(
                command
                for command in self.commands.of([application])
                if command.path in alone and not self.commands.is_for_development(command)
            )
            unbeaten = self._of(application, workers) if workers else None
            if unbeaten is not None:
                found.setdefault(unbeaten.place, unbeaten)
        return list(found.values())

    @once
    def _is_read(self) -> bool:
        """Whether code goes through a schedule by itself, as a beat of its own does."""
        if self.unparsed.hold([(SCHEDULE, "")]):
            return True
        for module, function in self.project.holding(f".{SCHEDULE}"):
            for call in self.functions.calls(module, function):
                owner, _, leaf = call.chain.rpartition(".")
                if leaf in _READING and is_schedule(owner):
                    return True
        return any(self.project.stating(f"[:{SCHEDULE}"))

    def _of(self, application: Application, workers: tuple[WorkerCommand, ...]) -> Unbeaten | None:
        if not self.applications.is_plain(application):
            return None
        entries = list(self._entries(application))
        names = [self._label(entry) for entry in entries if self._is_needed(entry)]
        if not names:
            return None
        places = [setting.place for setting in self.settings.candidates(application, SCHEDULE)]
        place = places[0] if places else min(entry.place for entry in entries)
        return Unbeaten(place, tuple(names), workers)

    def _entries(self, application: Application) -> Iterator[Entry]:
        """The entries that certainly are of this application."""
        settings = self.settings.candidates(application, SCHEDULE)
        if len(settings) > 1 or not all(self._is_in_force(application, each) for each in settings):
            return
        only = len(self.applications.product) == 1
        for entry in self.schedules.all:
            if not entry.certain or entry.written not in ("mapping", "call") or self._is_chosen(entry):
                continue
            if only or any(entry.place.path == setting.place.path for setting in settings):
                yield entry

    def _is_in_force(self, application: Application, setting: Setting) -> bool:
        """Whether an application has a schedule, and no condition decides about that.

        But one that decides whether there is an application: `if _app is None: _app = Celery(...)`.
        """
        module, span = setting.module, setting.value.span
        if not setting.certain:
            return False
        for assignment in module.assignments:
            if assignment.value.span == span:
                if not assignment.function:
                    return assignment.key_span.column == 1
                return self._is_plain(application, module, module.functions.get(assignment.function), span)
        for name, values in module.bindings.items():
            if any(value.span == span for value in values):
                # Of a value in several lines the last ends where the statement begins.
                return span.column == len(f"{name} = ") + 1 or (
                    span.end_line > span.line and span.end_column == 2
                )
        if any(
            value.span == span
            for class_ in module.classes.values()
            for values in class_.attributes.values()
            for value in values
        ):
            return True
        for module_, function in self.project.calling(".update"):
            for _, value in function.values if module_ is module else ():
                if value.chain.endswith(".conf.update") and any(each.span == span for each in held(value)):
                    return (
                        value.span.column == 1
                        if not function.qualname
                        else self._is_plain(application, module, function, span)
                    )
        return False

    def _is_plain(
        self, application: Application, module: Module, function: Function | None, span: Span
    ) -> bool:
        """Whether no condition decides about the statement of a function that holds a span."""
        if function is None:
            return False
        flow = self.functions.of(module, function)
        made = application.place if application.place.path == module.path else None
        making = set(_conditions(flow, made.span)) if made is not None else set()
        return making.issuperset(_conditions(flow, span))

    def _is_chosen(self, entry: Entry) -> bool:
        """Whether a condition decides about a call that adds an entry."""
        if entry.call is None or entry.function is None:
            return False
        flow = self.functions.of(entry.module, entry.function)
        step = flow.step_of(entry.call)
        return step is None or _is_conditional(flow, step)

    def _is_needed(self, entry: Entry) -> bool:
        """Whether nobody but beat sends the task of an entry."""
        task = self.schedules.task(entry)
        if task is None or task.key in self._sent:
            return False
        return not self.unparsed.hold((word, "") for word in (task.label, *words_in(task.name)[-1:]))

    @once
    def _sent(self) -> frozenset[Key]:
        """The tasks that code sends, or may: all but those of schedules."""
        scheduled = {
            (entry.module.path, entry.place.span.line)
            for entry in self.schedules.all
            if entry.call is not None
        }
        return frozenset(
            sending.task.key
            for sending in self.sendings.all
            if sending.task is not None and (sending.place.path, sending.place.span.line) not in scheduled
        )

    def _label(self, entry: Entry) -> str:
        task = self.schedules.task(entry)
        return entry.key or (task.label if task is not None else PERIODIC)


def _conditions(flow: Flow, span: Span) -> Iterator[tuple[int, str]]:
    """The branches that a span is in, of all that decide whether it is reached."""
    for step in flow.steps:
        if step.span.line <= span.line <= step.span.end_line:
            inner = step
            for outer in flow.ancestors(step):
                if outer.kind in _CONDITIONS:
                    yield outer.number, inner.role
                inner = outer


def _is_conditional(flow: Flow, step: Step) -> bool:
    return any(outer.kind in _CONDITIONS for outer in flow.ancestors(step))

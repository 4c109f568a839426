"""Schedules that an application has in vain: it loads them, and is given another one by hand.

Or the other way round: before Celery 5.7 what is loaded below a namespace wins.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.beat.schedulers import Scheduler, Schedulers
from celery_lint.inventory.application.beat.unread import SCHEDULE
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.application.statements import Configuring, Given
from celery_lint.inventory.tasks.schedules import Entry, Schedules
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import ANYTHING, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.words import held
from celery_lint.project.known import Known, facts
from celery_lint.project.tables import written_mapping

# Whoever installs it keeps the entries in a database, also those of another day.
_KEEPING = "django_celery_beat"
_OPEN = frozenset({"**", "?"})
_MOST_PARTS = 40
# What takes entries out of a schedule.
_EMPTYING = frozenset({"clear", "pop", "popitem"})


class Replaced(NamedTuple):
    """A schedule that takes the place of one that is loaded, and the entries that get lost by it.

    ``wins``: the one that is loaded takes the place of the other.
    """

    place: Place
    loaded: Given
    lost: tuple[tuple[str, Place], ...]
    wins: bool = False


class ReplacedSchedules:
    """The schedules of applications that have another one of their settings."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)
        self.configuring = known.of(Configuring)
        self.settings = known.of(Settings)
        self.schedules = known.of(Schedules)
        self.schedulers = known.of(Schedulers)
        self.tasks = known.of(Tasks)

    @facts
    def replaced(self) -> list[Replaced]:
        """The schedules given by hand that replace entries for tasks of the project, each place once."""
        found: dict[Place, Replaced] = {}
        for application in self.applications.product:
            given = self.settings.candidates(application, SCHEDULE)
            if len(given) != 1 or not given[0].certain or not self.applications.is_plain(application):
                continue
            if not all(map(_forgets, self.schedulers.of(application))):
                continue
            all_loaded = [
                each for each in self.settings.loads(application, SCHEDULE) if self._is_certain(each)
            ]
            for loaded in all_loaded:
                if loaded.place == given[0].place:
                    found.update(self._in_vain(application, given[0], loaded))
            place = self._set_at(given[0].module, given[0].value)
            for loaded in all_loaded if place is not None else ():
                lost = self._lost(application, given[0], loaded)
                if lost and place is not None:
                    found.setdefault(place, Replaced(place, loaded, lost))
        return list(found.values())

    def _is_certain(self, loaded: Given) -> bool:
        """Whether its module says that last, whatever the conditions in it, and takes nothing out of it."""
        module, name = loaded.module, loaded.key
        bound = module.bindings.get(name, ())
        if loaded.is_conditional or (bound and bound[-1].span != loaded.value.span):
            return False
        if bound and (self._may_be_imported(module, name, bound[-1].span) or name in module.hidden):
            return False
        own = module.functions.get("")
        return own is None or not any(
            call.leaf() in _EMPTYING and _leaf(call.chain.rpartition(".")[0]) == name
            for call in self.functions.calls(module, own)
        )

    def _may_be_imported(self, module: Module, name: str, span: Span) -> bool:
        """Whether an import further down may bring another thing of the name."""
        earlier = [each for each in module.needed if each.names == ("*",) and each.span < span]
        return name in module.imports or ANYTHING in module.hidden or len(earlier) < len(module.star_imports)

    def _in_vain(
        self, application: Application, winning: Setting, loaded: Given
    ) -> Iterator[tuple[Place, Replaced]]:
        """What an application is given by hand beside a schedule that it loads, and that wins."""
        keys = self.settings.by_hand(application, SCHEDULE)
        for given in self.configuring.of(application).given:
            place = self._set_at(given.module, given.value) if given.key in keys else None
            lost = self._lost(application, winning, given) if place is not None else ()
            if lost and place is not None:
                yield place, Replaced(place, loaded, lost, wins=True)

    def _set_at(self, module: Module, value: Value) -> Place | None:
        """Where a statement gives it to the application, if an import of the module always executes that."""
        span = value.span
        for assignment in module.assignments:
            if assignment.value.span == span and assignment.target.endswith(".conf"):
                certain = not assignment.function and assignment.key_span.column == 1
                return module.place(assignment.key_span) if certain else None
        top = module.functions.get("")
        for _, value in top.values if top is not None else ():
            if value.chain.endswith(".conf.update") and any(each.span == span for each in held(value)):
                return module.place(span) if value.span.column == 1 else None
        return None

    def _lost(self, application: Application, given: Setting, loaded: Given) -> tuple[tuple[str, Place], ...]:
        """The entries of what is loaded that nobody else has, or sends."""
        owner, mapping = written_mapping(self.project, loaded.module, loaded.value)
        parts = self._parts(owner, mapping)
        by_hand = self._parts(given.module, given.value)
        if mapping is None or parts is None or by_hand is None:
            return ()
        if any(part.span == each.span for _, part in parts for _, each in by_hand):
            return ()
        root = self.project.imports.home
        if root(owner.path) != root(application.module.path):
            return ()  # that of another project in the same folder
        if self._is_used(owner, mapping, loaded) or self._is_in_force(application, loaded):
            return ()
        names = self._scheduled(parts)
        if names is None:
            return ()
        known = {task.name for task in self.tasks.product}
        kept = {name for _, part in by_hand for name, _ in part.keywords}
        lost = []
        for home, part in parts:
            for key, (name, item) in zip(part.items, part.keywords, strict=False):
                entry = written_mapping(self.project, home, item)[1] if name not in _OPEN else None
                task = self.project.text(home, entry.keyword("task")) if entry is not None else None
                if task in known and task not in names and name not in kept:
                    lost.append((name, home.place(key.span)))
        return tuple(lost)

    def _parts(self, owner: Module, value: Value | None) -> list[tuple[Module, Value]] | None:
        """The mappings that one is put together of, the whole one first; ``None`` where one is not known."""
        line = [(owner, value)] if value is not None else []
        found = []
        for module, each in line:  # which grows meanwhile
            home, mapping = written_mapping(self.project, module, each)
            if mapping is None or "?" in dict(mapping.keywords) or len(line) > _MOST_PARTS:
                return None
            found.append((home, mapping))
            line += [(home, item) for key, item in mapping.keywords if key == "**"]
        return found or None

    def _scheduled(self, parts: list[tuple[Module, Value]]) -> set[str] | None:
        """The tasks of all other entries; ``None`` where nobody can tell one of them."""
        found = set()
        for entry in self.schedules.all:
            path, span = entry.place
            if any(path == home.path and _holds(part, span) for home, part in parts):
                continue
            name = self._task_of(entry)
            if name is None:
                return None
            found.add(name)
        return found

    def _task_of(self, entry: Entry) -> str | None:
        task = self.schedules.task(entry)
        if task is not None:
            return task.name
        return self.project.text(entry.module, entry.given.get("task")) if entry.written != "call" else None

    def _is_in_force(self, application: Application, loaded: Given) -> bool:
        """Whether another application has the schedule that is loaded: it may be that of beat."""
        return any(
            loaded.place in [setting.place for setting in self.settings.candidates(other, SCHEDULE)]
            for other in self.applications.product
            if other.origin != application.origin
        )

    def _is_used(self, owner: Module, mapping: Value, loaded: Given) -> bool:
        """Whether code reads what is loaded by its name, or keeps schedules in a database."""
        name = loaded.key
        for module in self.project.product_modules():
            if module is not owner and any(_leaf(target) == name for target in module.imports.values()):
                return True
            values = [value for each in module.bindings.values() for value in each]
            values += [assignment.value for assignment in module.assignments]
            for value in values:
                for each in held(value) if value.span != mapping.span else ():
                    if _leaf(each.chain) == name and not each.chain.endswith(f".conf.{name}"):
                        return True
                    if each.data == _KEEPING:
                        return True
        words = [f"=:{name}", f"'{name}"]
        if name == SCHEDULE:  # which is that of `app.conf.beat_schedule` too, as it is in force
            words += [f"{part}.{name}" for part in ("settings", _leaf(owner.path.removesuffix(".py"), "/"))]
        else:
            words.append(f".{name}")
        return any(self.project.holding(*words)) or any(self.project.stating(*words))


def _holds(mapping: Value, span: Span) -> bool:
    return mapping.span.line <= span.line <= mapping.span.end_line


def _forgets(scheduler: Scheduler) -> bool:
    """Whether a scheduler takes entries out of its store that its application does not have any more."""
    return scheduler.is_celerys or scheduler.kind == "redbeat"


def _leaf(chain: str, point: str = ".") -> str:
    return chain.rpartition(point)[2].lstrip(":~")

"""Names of tasks in calls, schedules and routes that no task has."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.wiring.unloaded import UnloadedTasks
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.ends.imports import FailingImports
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.schedules import Entry as Scheduled
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.workers.consumers import Consumers
from celery_lint.inventory.workers.queues import DEFAULT_QUEUE, Queues
from celery_lint.inventory.workers.routes import Entry, Routes
from celery_lint.inventory.workers.task_names import Missing, TaskNames
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once
from celery_lint.project.tables import written_mapping

_PATTERN = "*"

Named = tuple[Module, Value, str, str, tuple[str, ...]]
"""A name of a task, where it is written, the queue of such a task that no worker consumes, and the options
that an annotation sets."""


class Decorated(NamedTuple):
    """A decorator that names a task, and what it is called there."""

    place: Place
    chain: str


class UnknownName(NamedTuple):
    """A text that is meant for the name of a task, and is none.

    ``unread`` is the queue that the task would be sent to by the right name, if no worker consumes it.
    ``given`` is the decorator that gives the name and makes no task: its owner is no application there.
    ``absent`` is the module or package that is not there, if that is why.
    """

    place: Place
    name: str
    missing: Missing
    unread: str = ""
    given: Decorated | None = None
    absent: str = ""


class UselessEntries(NamedTuple):
    """The entries of one table, of routes or of annotations, that are for no task, in their order.

    ``starred`` is the first option of theirs that an entry for all tasks sets as well, and wins.
    """

    first: UnknownName
    others: tuple[UnknownName, ...]
    starred: str = ""


class NamedTasks:
    """Where the product names tasks by text."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.names = known.of(TaskNames)
        self.routes = known.of(Routes)
        self.unloaded = known.of(UnloadedTasks)
        self.commands = known.of(Commands)
        self.consumers = known.of(Consumers)
        self.queues = known.of(Queues)
        self.task_options = known.of(TaskOptions)
        self.unsent = known.of(Unsent)
        self.imports = known.of(FailingImports)

    @facts
    def sent(self) -> list[UnknownName]:
        """The names in ``send_task`` and ``signature`` that no task has."""
        found = []
        for sending in self.sendings.all:
            if sending.through == "application" and sending.task is None:
                name = sending.call.argument(0, "name" if sending.how == "send_task" else "varies").text
                missing = self.names.missing(sending.module, name)
                if missing is not None and missing.why != "module":
                    found.append(UnknownName(sending.place, name, missing))
        return found

    @facts
    def scheduled(self) -> list[UnknownName]:
        """The names in schedules that no task has."""
        found = []
        for entry, name, place in self.schedules.named:
            missing = self._missing(entry.module, name)
            if missing is not None and not self._is_only_meant(entry, name, missing):
                if missing.guess in self._in_schedules or not self._can_run(missing):
                    missing = _without_chance(missing)
                absent = self.names.absent_module(entry.module, name) if missing.why == "module" else ""
                given = self._decorated.get(name)
                found.append(UnknownName(place, name, missing, given=given, absent=absent))
        return self.schedules.unless_by_nobody(found)

    def _is_only_meant(self, entry: Scheduled, name: str, missing: Missing) -> bool:
        """Whether an entry is for work to come: neither module nor beat is there, nor a worker for its queue.

        So no worker gets the message, and none says `Received unregistered task`.
        """
        meant = missing.why == "module" and not missing.guess and not self.commands.beats
        consumed = self.consumers.all if meant else None
        if consumed is None:
            return False
        options = self.project.constant(entry.module, entry.given.get("options"))
        given = options.keyword("queue") if options is not None and options.kind == "mapping" else None
        if given is not None:
            queues = {self.project.text(entry.module, given)}
        else:
            routed = [self.routes.queue(each, name) for each in self.settings.named("task_routes")]
            queues = {each.queue if each is not None else None for each in routed}
        return bool(queues) and all(queue and queue not in consumed.queues for queue in queues)

    @once
    def _in_schedules(self) -> frozenset[str]:
        return frozenset(name for _, name, _ in self.schedules.named)

    def _can_run(self, missing: Missing) -> bool:
        """Whether the task that may be meant does not fail at its first import."""
        task = self.sendings.by_name(missing.guess) if missing.guess else None
        return task is None or task.function is None or not [*self.imports.of(task.module, task.function)]

    def _is_sent(self, missing: Missing) -> bool:
        """Whether anything may send the task that may be meant: for another one no entry is missed."""
        task = self.sendings.by_name(missing.guess) if missing.guess else None
        return task is None or not self.unsent.is_unsent(task)

    @once
    def _decorated(self) -> dict[str, Decorated]:
        """The names that decorators of no application give: ``@celery.task(name="shop.mail")``."""
        found: dict[str, Decorated] = {}
        for module in self.project.product_modules():
            for function in module.functions.decorated():
                for decorator in function.decorators:
                    name = decorator.keyword("name")
                    if decorator.chain.endswith(".task") and name is not None and isinstance(name.data, str):
                        chain = ".".join(decorator.chain.strip(".:").rsplit(".", 2)[-2:])
                        found.setdefault(name.data, Decorated(module.place(decorator.span), chain))
        return found

    @facts
    def routed(self) -> list[UselessEntries]:
        """The tables of routes and of annotations with names that no task has."""
        found: dict[Place, UselessEntries] = {}
        if self.schedules.is_sketch:
            return []
        tables = [(table, False, frozenset[str]()) for table in self._routes()]
        tables += [(table, True, starred) for table, starred in self._annotations()]
        for table, are_annotations, starred in tables:
            asked = self._missing_in_annotations if are_annotations else self._missing
            named = {each[2] for each in table}
            unknown = [
                UnknownName(module.place(value.span), name, self._likely(missing), unread)
                for module, value, name, unread, _ in table
                if (missing := asked(module, name)) is not None
                and missing.guess not in named  # what is meant has an entry: another changes nothing
                and (are_annotations or not self._has_its_queue(missing))
                and not self._goes_there_anyway(module.place(value.span), name, missing.guess)
            ]
            first = next((each for each in unknown if self._means_something(each.missing)), None)
            if first is not None:
                places = {each.place for each in unknown}
                useless = [each for each in table if each[0].place(each[1].span) in places]
                lost = next((key for each in useless for key in each[4] if key in starred), "")
                others = tuple(each for each in unknown if each is not first)
                found[first.place] = UselessEntries(first, others, lost)
        told = {place.path for place in found}
        for glob in self._globs_in_vain():
            if glob.place.path not in told:
                found[glob.place] = UselessEntries(glob, ())
        return list(found.values())

    def _globs_in_vain(self) -> Iterator[UnknownName]:
        """The first pattern of each table of routes that no task matches, and that is meant for some."""
        for setting in self.settings.certain("task_routes"):
            tables = self.routes.tables(setting) or ()
            entries = [entry for table in tables for entry in table]
            if any(entry.kind == "unknown" for entry in entries):
                continue
            for table in tables:
                meant = ((entry, self._meant_by(entry, entries)) for entry in table if entry.kind == "glob")
                entry, guess = next((each for each in meant if each[1]), (None, ""))
                if entry is not None:
                    unread = self._unread(entry)
                    yield UnknownName(entry.place, entry.pattern, Missing("glob", guess), unread)

    def _meant_by(self, entry: Entry, entries: list[Entry]) -> str:
        """The pattern that one without a task is meant for, if all that speak for one speak for the same.

        The tasks that it would match are sent, name no queue themselves, and have no other route.
        """
        begin = entry.pattern.removesuffix(_PATTERN)
        if begin == entry.pattern or begin[-1:] != "." or any(sign in begin for sign in "*?["):
            return ""
        if any(map(entry.matches, self.names.all)) or self.routes.only_queue_of(entry) in self._defaults:
            return ""
        guesses = set()
        for name in self.names.all:
            before, _, leaf = name.rpartition(".")
            missing = self._missing(entry.module, f"{begin}{leaf}") if before else None
            if missing is None or missing.guess != name or missing.by_leaf:
                continue
            others = any(each.matches(name) for each in entries)
            if others or self._has_its_queue(missing) or not self._means_something(missing):
                return ""
            if self._is_sent(missing) and self._can_run(missing):
                guesses.add(f"{before}.{_PATTERN}")
        return guesses.pop() if len(guesses) == 1 else ""

    @once
    def _defaults(self) -> frozenset[str | None]:
        """The default queues of all applications."""
        product = self.settings.applications.product
        return frozenset([self.queues.default(application) for application in product])

    def _likely(self, missing: Missing) -> Missing:
        """The same without the guess, where that has little to say for it and names a task of no use."""
        return missing if self._is_sent(missing) and self._can_run(missing) else _without_chance(missing)

    def _means_something(self, missing: Missing) -> bool:
        """Whether an entry is meant for tasks that are there, and that something sends.

        What is left of a task that is gone costs nothing, nor does one for what is called as a function.
        """
        if not missing.guess:
            return missing.why in ("pattern", "prefix", "function")
        task = self.sendings.by_name(missing.guess)
        return task is None or task.key not in self.unsent.without_messages

    def _has_its_queue(self, missing: Missing) -> bool:
        """Whether the task that is meant names a queue itself, which wins over every route."""
        task = self.sendings.by_name(missing.guess) if missing.guess else None
        return task is not None and self.task_options.get(task, "queue") is not None

    def _goes_there_anyway(self, entry: Place, *names: str) -> bool:
        """Whether a route names the queue that tasks of these names go to without it."""
        patterns = self._to_default.get(entry)
        return patterns is not None and not any(each.matches(name) for each in patterns for name in names)

    @once
    def _to_default(self) -> dict[Place, list[Entry]]:
        """The routes that say nothing but the default queue, each with the patterns of its setting.

        Tasks that a pattern sends elsewhere do not go there without such a route.
        """
        found: dict[Place, list[Entry]] = {}
        for setting in self.settings.certain("task_routes"):
            defaults = {
                self.queues.default(application)
                for application in self.settings.applications.product
                if setting in self.settings.candidates(application, "task_routes")
            }
            tables = self.routes.tables(setting) or ()
            patterns = [entry for table in tables for entry in table if entry.kind != "name"]
            if any(entry.kind == "unknown" for entry in patterns):
                continue
            for entry in (entry for table in tables for entry in table if entry.kind == "name"):
                if {self.routes.only_queue_of(entry)} == (defaults or {DEFAULT_QUEUE}) != {None}:
                    found[entry.place] = patterns
        return found

    def _missing(self, module: Module, name: str) -> Missing | None:
        """Why no task has this name, unless it lies in a module that workers look for in vain: told there."""
        missing = self.names.missing(module, name)
        if missing is None or (missing.why == "module" and name.rpartition(".")[0] in self._named_in_vain):
            return None
        return missing

    def _missing_in_annotations(self, module: Module, name: str) -> Missing | None:
        """The same for what only tasks of this very application look at: patterns mean nothing there."""
        if _PATTERN in name:
            return Missing("pattern", "") if name not in self.names.all else None
        return self._missing(module, name) or self.names.prefix(name)

    @once
    def _named_in_vain(self) -> frozenset[str]:
        return frozenset(absent.name for absent in self.unloaded.missing)

    def explore(self) -> None:
        """Follow the names to the modules that they begin with."""
        for _ in (self.sent, self.scheduled, self.routed):
            pass

    # ------------------------------------------------------------------ where names are written

    def _routes(self) -> Iterator[list[Named]]:
        for setting in self.settings.certain("task_routes"):
            for table in self.routes.tables(setting) or ():
                yield [
                    (entry.module, entry.key, entry.pattern, self._unread(entry), ())
                    for entry in table
                    if entry.kind == "name"
                ]

    def _unread(self, entry: Entry) -> str:
        consumed = self.consumers.all
        queue = self.routes.queue_of(entry)
        return queue if queue and consumed is not None and queue not in consumed.queues else ""

    def _annotations(self) -> Iterator[tuple[list[Named], frozenset[str]]]:
        """Each table of annotations, and the options that entries for all tasks set, in whichever table."""
        for setting in self.settings.certain("task_annotations"):
            known = self.project.constant(setting.module, setting.value)
            several = known is not None and known.kind == "sequence"
            tables: list[list[Named]] = []
            for value in known.items if known is not None and several else (setting.value,):
                owner, mapping = written_mapping(self.project, setting.module, value)
                entries = zip(mapping.items, mapping.keywords, strict=True) if mapping else ()
                table = [
                    (owner, key, name, "", tuple([each for each, _ in given.keywords]))
                    for key, (_, given) in entries
                    if (name := self.project.text(owner, key)) is not None
                ]
                tables.append(table)
            starred = frozenset(
                option for table in tables for entry in table if entry[2] == _PATTERN for option in entry[4]
            )
            for table in tables:
                yield [entry for entry in table if entry[2] != _PATTERN], starred


def _without_chance(missing: Missing) -> Missing:
    """The same without a guess that nothing but the last word of the name speaks for."""
    return missing._replace(guess="") if missing.by_leaf else missing

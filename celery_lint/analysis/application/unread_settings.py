"""Settings that nobody reads: misspelt names, names of another place, old names beside new ones."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.application.meant_names import (
    FAMILIES,
    called_otherwise,
    may_be_meant,
    may_take,
    meant_by,
    name_of,
    option_of_tasks,
    option_of_workers,
    spelled_today,
)
from celery_lint.analysis.application.read_names import ReadNames
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.loaded import Loaded, Source
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.application.spelling import (
    ENVIRONMENT,
    OLD_NAMES,
    below_namespace,
    is_default_broker,
    old_name,
    spellings,
)
from celery_lint.inventory.application.statements import Configuring, Given
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.retries.policies import RETRY_OPTIONS
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import OPTIONS_OF_TASKS
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.words import held
from celery_lint.nearest import nearest
from celery_lint.project.known import Known, facts, once


class MisspeltSetting(NamedTuple):
    """A name that is no setting of Celery, and the setting that was meant.

    ``option``: what was meant is an option of the worker's command alone, and no setting. ``namespace``: it
    is an older name, which does not count below this one before Celery 5.7.
    """

    place: Place
    name: str
    guess: str
    option: str = ""
    namespace: str = ""


class OptionOfTasks(NamedTuple):
    """The option of a task that stands among the settings of an application, which know none like it."""

    place: Place
    name: str
    option: str


class Unprefixed(NamedTuple):
    """A setting in upper case where no namespace is loaded: nobody looks for it.

    ``name`` is the real one, spelled for the place: Django has no settings in lower case. ``loaded``: it
    stands in what an application loads. ``namespace``: what the name lacks, where one is loaded.
    """

    place: Place
    spelled: str
    name: str
    loaded: bool
    namespace: str = ""


class MixedNames(NamedTuple):
    """An old and a new name in one source of settings: the application ends at its first use."""

    place: Place
    old: str
    new: str
    beside: str


class Named(NamedTuple):
    """A name in what an application is given by hand, or loads: below a namespace or none."""

    given: Given
    namespace: str | None
    loaded: bool = False


class UnreadSettings:
    """The names in configurations of the product that mean nothing."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.configuring = known.of(Configuring)
        self.settings = known.of(Settings)
        self.loaded = known.of(Loaded)
        self.unsent = known.of(Unsent)
        self.in_force = known.of(OptionsInForce)
        self.retry_calls = known.of(RetryCalls)
        self.read_names = known.of(ReadNames)
        self._missed: dict[str, bool] = {}

    # ------------------------------------------------------------------ what is found

    @facts
    def misspelt(self) -> list[MisspeltSetting]:
        """The names that are those of settings but for a letter or two, or a prefix, each place once."""
        found: dict[Place, MisspeltSetting] = {}
        for application in self.applications.product:
            all_named = self.named(application)
            present = {named.given.key for named in all_named}
            for named in all_named:
                given, known = named.given, self._known(named.namespace)
                if (
                    given.key in known
                    or given.place in found
                    or not may_be_meant(given.key, named.namespace)
                    or option_of_tasks(given.key)
                ):
                    continue
                option = option_of_workers(given.key)
                if option:
                    if self.differs(given, "None"):
                        found[given.place] = MisspeltSetting(given.place, given.key, "", option)
                    continue
                old = OLD_NAMES.get(given.key) if named.namespace else None
                if old is not None:
                    guess = below_namespace(old, named.namespace or "")
                else:
                    guess = called_otherwise(given.key, named.namespace) or nearest(given.key, known)
                    guess = guess or self._without_family(given.key, named, present)
                if guess and not may_take(name_of(guess), self.project.constant(given.module, given.value)):
                    continue
                meant = spelled_today(guess, named.namespace) if guess else ""
                counting = self._spellings(old or name_of(guess), named.namespace) if guess else ()
                if meant and present.isdisjoint((guess, meant, *counting)) and self._matters(given, guess):
                    below = named.namespace or "" if old else ""
                    found[given.place] = MisspeltSetting(given.place, given.key, meant, namespace=below)
        return list(found.values())

    @facts
    def options_of_tasks(self) -> list[tuple[OptionOfTasks, ...]]:
        """The options of tasks among the settings of each application that a task goes without, in order."""
        found: dict[Place, OptionOfTasks] = {}
        groups = []
        for application in self.applications.product:
            group = []
            for named in self.named(application):
                given, option = named.given, option_of_tasks(named.given.key)
                if not option or given.place in found:
                    continue
                name, default = OPTIONS_OF_TASKS[option]
                if self._is_missed(name) and self.differs(given, default):
                    found[given.place] = OptionOfTasks(given.place, given.key, name)
                    group.append(found[given.place])
            if group:
                groups.append(tuple(sorted(group, key=_position)))
        return groups

    def _is_missed(self, option: str) -> bool:
        """Whether a task that anything sends retries without this option, for which the setting is meant."""
        known = self._missed.get(option)
        if known is None:
            known = any(self._goes_without(task, option) for task in self.unsent.product)
            self._missed[option] = known
        return known

    def _goes_without(self, task: Task, option: str) -> bool:
        options = self.in_force.options(task, RETRY_OPTIONS)
        if option in options or not self.in_force.known(task, RETRY_OPTIONS):
            return False
        if "autoretry_for" in options:
            said = self._may_say(options.get("retry_kwargs"), option)
            return not said and (option != "default_retry_delay" or "retry_backoff" not in options)
        calls = self.retry_calls.calls_of(task)
        if option == "autoretry_for":
            return not calls
        if option == "max_retries":
            return any(call.sets("max_retries") is False for call in calls)
        return option == "default_retry_delay" and any(
            call.sets("countdown") is False and call.sets("eta") is False for call in calls
        )

    def _may_say(self, given: Option | None, option: str) -> bool:
        """Whether ``retry_kwargs``, with which each retry is called, may say the same as an option."""
        known = self.project.constant(*given) if given is not None else None
        words = ("countdown", "eta") if option == "default_retry_delay" else (option,)
        if known is None:
            return given is not None
        return any(key in (*words, "**", "?") for key, _ in known.keywords)

    @facts
    def unprefixed(self) -> list[tuple[Unprefixed, ...]]:
        """Settings as a namespace would have them (``CELERY_TASK_TIME_LIMIT``), where there is none.

        Those that an application is given by hand, and those that it loads, in their order.
        """
        found: dict[Place, Unprefixed] = {}
        groups: list[list[Unprefixed]] = []
        for application in self.applications.product:
            all_named = self.named(application)
            present = {named.given.key for named in all_named}
            namespaces = self.configuring.of(application).namespaces()
            namespace = next(filter(None, namespaces), "")
            for loaded in (False, True) if namespace != "?" else (True,):
                groups.append([])
                for named in all_named:
                    given = named.given
                    name = meant_by(given.key)
                    if not name or named.namespace is not None or named.loaded is not loaded:
                        continue
                    if given.place in self._below_a_namespace or given.place in found:
                        continue
                    counting = self.settings.by_hand(application, name)
                    if given.key in OLD_NAMES or present.intersection(counting):
                        continue  # it counts, or what counts stands beside it
                    if _is_asked_for(given) or (name == "broker_url" and self._is_default_broker(given)):
                        continue
                    if self._matters(given, name):
                        shown = old_name(name) if loaded and self._is_upper(all_named) else name
                        found[given.place] = Unprefixed(given.place, given.key, shown, loaded, namespace)
                        groups[-1].append(found[given.place])
        return [tuple(sorted(group, key=_position)) for group in groups if group]

    def _is_default_broker(self, given: Given) -> bool:
        return is_default_broker(self.project.text(given.module, given.value) or "")

    def _is_upper(self, all_named: list[Named]) -> bool:
        """Whether no setting in lower case is loaded: as in Django, and the two may not be mixed."""
        return not any(named.loaded and named.given.key in SETTINGS for named in all_named)

    @facts
    def mixed(self) -> list[MixedNames]:
        """The old names among new ones in what an application loads, the first of each source."""
        found: dict[Place, MixedNames] = {}
        for application in self.applications.product:
            statements = self.configuring.of(application)
            for load in statements.loads[-1:]:
                if load.namespace is None and not self._overloaded(application):
                    source = self.loaded.source(load.module, load.value)
                    found.update((mixed.place, mixed) for mixed in self._mixed_in(source))
        return list(found.values())

    def _mixed_in(self, source: Source) -> Iterator[MixedNames]:
        if len(source.modules) + len(source.classes) + len(source.mappings) != 1:
            return
        by_key: dict[str, Given] = {}
        for given in self._names_in(source):
            by_key.setdefault(given.key, given)
        new = [key for key in by_key if key in SETTINGS]
        for key, given in by_key.items():
            if key in OLD_NAMES and new and OLD_NAMES[key] not in by_key:
                yield MixedNames(given.place, key, OLD_NAMES[key], new[0])
                return

    # ------------------------------------------------------------------ the names in configurations

    def named(self, application: Application) -> list[Named]:
        """The names that an application is given by hand, and those of what it loads."""
        return [*self._by_hand(application), *self._loads(application)]

    def _by_hand(self, application: Application) -> Iterator[Named]:
        """What an application is given by attributes, ``update`` and its constructor."""
        constructed = {value.span for _, value in application.value.keywords}
        made = self.applications.made(application)
        is_plain = made.kind == "external" and made.name.startswith("celery.")
        for given in self.configuring.of(application).given:
            by_constructor = given.module is application.module and given.value.span in constructed
            if is_plain or not by_constructor:
                yield Named(given, None)
        for module, value in self.configuring.of(application).updates:
            if self.loaded.flask.is_configuration(module, value.chain):  # which takes no others
                in_upper_case = self._names_in(self.loaded.source(module, value))
                yield from (Named(given, None) for given in in_upper_case if given.key.isupper())
            elif value.kind in ("mapping", "name"):
                for given in self._of_mappings(self.loaded.source(module, value)):
                    yield Named(given, None)

    def _loads(self, application: Application) -> Iterator[Named]:
        for load in self.configuring.of(application).loads:
            if load.namespace != "?":
                for given in self._names_in(self.loaded.source(load.module, load.value)):
                    yield Named(given, load.namespace, loaded=True)

    @once
    def _below_a_namespace(self) -> frozenset[Place]:
        """The places that some application loads below a namespace."""
        return frozenset(
            named.given.place
            for application in self.applications.by_origin.values()
            for named in self._loads(application)
            if named.namespace is not None
        )

    def _overloaded(self, application: Application) -> bool:
        """Whether what is loaded may be replaced before anybody reads it."""
        return len(self.configuring.of(application).loads) != 1

    def _names_in(self, source: Source) -> Iterator[Given]:
        for path in source.modules:
            module = self.project.modules.find(path)
            if module is not None:
                capitals = path in source.capitals
                yield from (each for each in _bound(module, module.bindings) if _counts(each, capitals))
        for entity in source.classes:
            for base in self.project.bases(entity):
                class_ = base.class_()
                if class_ is not None and base.module is not None:
                    yield from _bound(base.module, class_.attributes)
        yield from self._of_mappings(source)

    def _of_mappings(self, source: Source) -> Iterator[Given]:
        for module, mapping in source.mappings:
            for key, value in mapping.keywords:
                if key.isidentifier():
                    yield Given(key, module, module.place(value.span), value)

    # ------------------------------------------------------------------ what they mean

    def _known(self, namespace: str | None) -> dict[str, None]:
        """All names that mean something below a namespace, or without one."""
        known = self._tables.get(namespace)
        if known is None:
            spelled = (name for setting in SETTINGS for name in self._spellings(setting, namespace))
            known = self._tables[namespace] = dict.fromkeys(spelled)
        return known

    def _spellings(self, name: str, namespace: str | None) -> tuple[str, ...]:
        return spellings(name, namespace, self.settings.before_57)

    @once
    def _tables(self) -> dict[str | None, dict[str, None]]:
        return {}

    def _without_family(self, key: str, named: Named, present: set[str]) -> str:
        """The only setting that a name lacks the family of: ``task_time_limit`` of ``CELERY_TIME_LIMIT``.

        Or has another family: ``worker_concurrency`` of ``task_concurrency``.
        """
        prefix = f"{named.namespace}_" if named.namespace else "CELERY_"
        rest = key.removeprefix(prefix).removeprefix("CELERYD_").lower()
        other = next((family for family in FAMILIES if rest.startswith(family)), "")
        rest = rest.removeprefix(other)
        settings = [name for family in FAMILIES if (name := f"{family}{rest}") in SETTINGS]
        if (
            not (other or "_" in rest)
            or len(settings) != 1
            or present.intersection(spellings(settings[0], named.namespace))
        ):
            return ""
        if named.namespace:
            return spellings(settings[0], named.namespace)[0]
        return settings[0] if key.islower() else old_name(settings[0])

    def _matters(self, given: Given, name: str) -> bool:
        """Whether a name would change something if it counted, and nothing else than Celery reads it."""
        name = name_of(name)
        return self.differs(given, SETTINGS[name][2] if name in SETTINGS else "")

    def differs(self, given: Given, default: str) -> bool:
        """Whether a value is another than the default, as Python writes that, and only Celery can read it."""
        known = self.project.constant(given.module, given.value)
        if known is not None and known.kind == "constant" and default and repr(known.data) == default:
            return False
        return not self.read_names.is_read(given.key)


def _is_asked_for(given: Given) -> bool:
    """Whether a value comes from the variable of the environment that Celery asks for itself."""
    return given.key in ENVIRONMENT and any(
        each.kind == "call" and any(item.data == given.key for item in each.items)
        for each in held(given.value)
    )


def _counts(given: Given, capitals: bool) -> bool:
    return not capitals or given.key.isupper()


def _bound(module: Module, names: dict[str, tuple[Value, ...]]) -> Iterator[Given]:
    for key, values in names.items():
        yield from [Given(key, module, module.place(value.span), value) for value in values]


def _position(found: OptionOfTasks | Unprefixed) -> tuple[str, int, int]:
    return found.place.path, found.place.span.line, found.place.span.column

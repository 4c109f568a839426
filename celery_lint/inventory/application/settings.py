"""The settings that are in force for each application: what it is given by hand, and what it loads.

A name that is spelled like a setting means nothing where no application loads it. What an application is
given by hand (``conf.x = …``, ``conf.update``, keywords of ``Celery``) wins over what it loads
(``config_from_object``), whatever comes first. Before Celery 5.7 it does not win over what is loaded below
a namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.loaded import HIDDEN, Loaded, Source
from celery_lint.inventory.application.spelling import (
    below_namespace,
    is_before_57,
    old_name,
    spellings,
)
from celery_lint.inventory.application.statements import Configuring, Given, Load, Statements
from celery_lint.libraries.flask import FROM_ELSEWHERE
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

# What configures an application, of whatever name it is.
CONFIGURING = (".config_from_object", ".conf.update", ".add_defaults")


class Setting(NamedTuple):
    """What may be in force for an application under one name.

    ``certain`` tells that the application has it for sure; else it takes settings from where nobody can look,
    and this is merely spelled like one of Celery's.
    """

    name: str
    module: Module
    place: Place
    value: Value
    certain: bool


class InForce(NamedTuple):
    """The setting that is in force for an application under one name.

    ``setting`` is ``None`` where nothing is set. Not ``certain``: it may as well be set, or be another.
    """

    setting: Setting | None
    certain: bool


class Settings:
    """The settings of the applications of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.configuring = known.of(Configuring)
        self.loaded = known.of(Loaded)
        self._candidates: dict[tuple[Key, str], list[Setting]] = {}
        self._sources: dict[Key, list[tuple[Source, str | None]]] = {}
        self._updates: dict[Key, Source] = {}
        self._named: dict[str, list[Setting]] = {}

    # ------------------------------------------------------------------ one application

    def setting(self, application: Application, name: str) -> InForce:
        """What is in force for an application under this name."""
        candidates = self.candidates(application, name)
        if not candidates:
            return InForce(None, not self.hides(application))
        first = candidates[0]
        known = [self.project.constant(setting.module, setting.value) for setting in candidates]
        alike = len(candidates) == 1 or (
            None not in known and len({(k.kind, repr(k.data), k.keywords and k) for k in known if k}) == 1
        )
        return InForce(None if _is_none(first) else first, first.certain and alike)

    def candidates(self, application: Application, name: str) -> list[Setting]:
        """Everything that may be in force for an application under this name, ``None`` included."""
        key = (application.origin, name)
        found = self._candidates.get(key)
        if found is None:
            found = self._candidates[key] = self._of(
                application.origin, self.configuring.of(application), name
            )
        return found

    def loads(self, application: Application, name: str) -> list[Given]:
        """What an application loads under this name, also where something that it is given by hand wins."""
        statements = self.configuring.of(application)
        return [
            given
            for source, namespace in self._loads(application.origin, statements)
            for given in self.loaded.lookup(source, self._spellings(name, namespace))
        ]

    @once
    def before_57(self) -> bool:
        """Whether the project runs on no Celery of 5.7 or later for certain."""
        return is_before_57(self.project.deployment.celery, self.project.configuration.target_celery)

    def _spellings(self, name: str, namespace: str | None) -> tuple[str, ...]:
        return spellings(name, namespace, self.before_57)

    def hides(self, application: Application) -> bool:
        """Whether an application may get settings from where nobody can look."""
        return self._is_hidden(application.origin, self.configuring.of(application))

    def is_configured(self, application: Application) -> bool:
        """Whether anything is set or loaded for an application."""
        done = self.configuring.of(application)
        return bool(done.given or done.updates or done.loads or done.defaults or done.hidden)

    def is_foreign(self, application: Application) -> bool:
        """Whether what it may get is written outside the project, so that no spelling can hint at it."""
        statements = self.configuring.of(application)
        sources = [source for source, _ in self._loads(application.origin, statements)]
        return any(source.foreign for source in (*sources, self._updated(application.origin, statements)))

    def modules(self, application: Application) -> set[str]:
        """The paths of the modules that what it loads is written in: it imports those that are named."""
        found: set[str] = set()
        for source, _ in self._loads(application.origin, self.configuring.of(application)):
            found.update(source.modules)
            found.update(class_.module.path for class_ in source.classes if class_.module is not None)
            found.update(module.path for module, _ in source.mappings)
        return found

    def sources(self, application: Application) -> frozenset[tuple[str, object]]:
        """What settings are loaded from: two applications of one configuration have the same."""
        statements = self.configuring.of(application)
        given = [(load.module, load.value) for load in statements.loads]
        found: set[tuple[str, object]] = set()
        for module, value in [*given, *statements.updates]:
            source = self.loaded.source(module, value)
            parts = {(path, "") for path in source.modules}
            parts.update((c.module.path, c.name) for c in source.classes if c.module is not None)
            found.update(parts, ((home.path, mapping.span) for home, mapping in source.mappings))
            if not parts and not source.mappings and value.chain and value.chain[:1] not in ":%~":
                found.add((value.chain, value.data))
        return frozenset(found)

    def by_hand(self, application: Application, name: str) -> tuple[str, ...]:
        """What a setting may be called that an application is given by hand."""
        return _by_hand(self.configuring.of(application), name)

    def spelled(self, application: Application, name: str) -> str:
        """The name that a setting has where the application takes its settings from."""
        statements = self.configuring.of(application)
        for source, namespace in self._loads(application.origin, statements):
            if namespace not in (None, "?"):
                return spellings(name, namespace)[0]
            if self.loaded.is_upper_case(source):
                return old_name(name)
        return name

    # ------------------------------------------------------------------ all applications

    def named(self, name: str) -> list[Setting]:
        """Everything that may set this name to something other than ``None``, for any application."""
        known = self._named.get(name)
        if known is None:
            known = self._named[name] = list(self._of_all(name))
        return known

    def _of_all(self, name: str) -> Iterator[Setting]:
        found: dict[Place, Setting] = {}
        for application in self.applications.product:
            for setting in self.candidates(application, name):
                if setting.place not in found or setting.certain:
                    found[setting.place] = setting
        for setting in self._elsewhere(name):
            found.setdefault(setting.place, setting)
        yield from (setting for setting in found.values() if not _is_none(setting))

    def of_some(self, applications: Iterable[Application], name: str) -> list[Setting]:
        """Everything that may set this name to something other than ``None``, for these applications."""
        return [s for a in applications for s in self.candidates(a, name) if not _is_none(s)]

    def certain(self, name: str) -> list[Setting]:
        """Everything that certainly sets this name to something other than ``None``, for some application."""
        return [setting for setting in self.named(name) if setting.certain]

    @once
    def hidden(self) -> bool:
        """Whether any application may get settings from where nobody can look."""
        if self._is_hidden(_UNBOUND, self.configuring.unbound):
            return True
        return any(self.hides(application) for application in self.applications.product)

    def _elsewhere(self, name: str) -> list[Setting]:
        """What is set for applications that have no name here, or are made where nobody can look."""
        key = (_UNBOUND, name)
        found = self._candidates.get(key)
        if found is None:
            found = self._of(_UNBOUND, self.configuring.unbound, name)
            if not self.applications.product:
                done = self.configuring.unbound
                plain = done.updates and not (done.loads or done.hidden) and self._updates_by_flask(done)
                found += self._spelled(name, "" if plain else "CELERY")
            self._candidates[key] = found
        return found

    # ------------------------------------------------------------------ values

    def number(self, application: Application, name: str) -> tuple[float, Setting] | None:
        """The number that is certainly in force for an application."""
        setting, certain = self.setting(application, name)
        if setting is None or not certain:
            return None
        known = self.project.number(setting.module, setting.value)
        return (known, setting) if known is not None else None

    def switch(self, application: Application, name: str) -> bool | None:
        """Whether a switch is on for an application: ``None`` where nobody can tell. Off is the default."""
        setting, certain = self.setting(application, name)
        if not certain:
            return None
        return False if setting is None else self.truth(setting.module, setting.value)

    def truth(self, module: Module, value: Value) -> bool | None:
        """Whether a value counts as true, if it is a literal."""
        known = self.project.constant(module, value)
        return bool(known.data) if known is not None and known.kind == "constant" else None

    def is_off(self, name: str) -> bool:
        """Whether a name of the project's own settings is ``False`` wherever it is given a value.

        Whoever installs the project may give another where it reads a file that he writes.
        """
        given = self._by_key.get(name, ()) if not self._reads_a_file else ()
        return bool(given) and all(
            each.value.kind == "constant" and each.value.data is False for each in given
        )

    @once
    def _reads_a_file(self) -> bool:
        return any(self.project.calling(*FROM_ELSEWHERE))

    # ------------------------------------------------------------------ how they are found

    def _of(self, origin: Key, statements: Statements, name: str) -> list[Setting]:
        keys = spellings(name, None)
        by_hand = _by_hand(statements, name)
        given = [g for g in statements.given if g.key in by_hand]
        given += self.loaded.lookup(self._updated(origin, statements), by_hand)
        below = self._first_below(origin, statements, name) if self.before_57 else []
        if below and below[0].key not in [each.key for each in given]:
            said = [below, *self.loaded.in_django(below[0].key)]  # whatever settings a process takes
            everywhere = all(any(not each.is_conditional for each in of_one) for of_one in said)
            return _settings(name, below if everywhere else [*below, *given], True)
        if given:
            return _settings(name, given, True)
        for source, namespace in self._loads(origin, statements):
            given += self.loaded.lookup(source, self._spellings(name, namespace))
        if given:
            return _settings(name, given, True)
        for module, value in statements.defaults:
            given += self.loaded.lookup(self.loaded.source(module, value), keys)
        if given:
            return _settings(name, given, True)
        unseen = [namespace for source, namespace in self._loads(origin, statements) if source.hidden]
        if statements.hidden:
            unseen.append("CELERY")
        elif self._updated(origin, statements).hidden:
            unseen.append("" if self._updates_by_flask(statements) else "CELERY")
        return [setting for namespace in unseen for setting in self._spelled(name, namespace)]

    def _first_below(self, origin: Key, statements: Statements, name: str) -> list[Given]:
        """What is loaded below a namespace under this name, which older versions of Celery look for first."""
        return [
            given
            for source, namespace in self._loads(origin, statements)
            if namespace not in (None, "?")
            for given in self.loaded.lookup(source, (below_namespace(name, namespace),))
        ]

    def _updates_by_flask(self, statements: Statements) -> bool:
        """Whether all that nobody can see are names as Flask has them: `conf.update` takes no prefix off."""
        return all(
            value.kind == "name" and self.loaded.flask.is_configuration(module, value.chain)
            for module, value in statements.updates
            if self.loaded.source(module, value).hidden
        )

    def _updated(self, origin: Key, statements: Statements) -> Source:
        found = self._updates.get(origin)
        if found is None:
            found = Source()
            for module, value in statements.updates:
                found = found.and_also(self.loaded.source(module, value))
            self._updates[origin] = found
        return found

    def _loads(self, origin: Key, statements: Statements) -> list[tuple[Source, str | None]]:
        found = self._sources.get(origin)
        if found is None:
            found = self._sources[origin] = [self._load(load) for load in statements.loads]
        return found

    def _load(self, load: Load) -> tuple[Source, str | None]:
        if load.namespace == "?":
            return HIDDEN, None
        return self.loaded.source(load.module, load.value), load.namespace

    def _is_hidden(self, origin: Key, statements: Statements) -> bool:
        return (
            statements.hidden
            or self._updated(origin, statements).hidden
            or any(source.hidden for source, _ in self._loads(origin, statements))
            or any(self.loaded.source(module, value).hidden for module, value in statements.defaults)
        )

    def _spelled(self, name: str, namespace: str | None) -> list[Setting]:
        """What is merely spelled like a setting: of use where nobody can see what is loaded."""
        found = [given for key in spellings(name, namespace) for given in self._by_key.get(key, ())]
        return _settings(name, [given for given in found if self._may_be_handed_over(given)], False)

    def _may_be_handed_over(self, given: Given) -> bool:
        """Whether an application may get what stands here: it is kept, or made where one is configured.

        What only functions make, of which no module that configures applications calls any, is for others.
        """
        function = self.project.functions.around(given.module, given.value)
        if function is None or not function.name or function.owner:  # a property is called by nobody
            return True
        if given.module.path in self._configuring_modules:
            return True
        return any(
            not caller.name or module.path in self._configuring_modules
            for module, caller in self.project.calling(function.name)
        )

    @once
    def _configuring_modules(self) -> frozenset[str]:
        """The modules that make applications, or say how they are configured."""
        found = {application.module.path for application in self.applications.by_origin.values()}
        found.update(module.path for module, _ in self.project.calling(*CONFIGURING))
        return frozenset(found)

    @once
    def _by_key(self) -> dict[str, list[Given]]:
        """All names of modules and classes, keys of mappings and keywords that may be settings."""
        found: dict[str, list[Given]] = {}
        for module in self.project.product_modules():
            for key, value in _named_values(module):
                found.setdefault(key, []).append(Given(key, module, module.place(value.span), value))
        return found


_UNBOUND: Key = ("", "")


def _by_hand(statements: Statements, name: str) -> tuple[str, ...]:
    """What a setting that is given by hand may be called: below each namespace that is loaded, too."""
    namespaces = [namespace for namespace in statements.namespaces() if namespace not in (None, "?")]
    found = [key for namespace in (*namespaces, None) for key in spellings(name, namespace)]
    return tuple(dict.fromkeys(found))


def _is_none(setting: Setting) -> bool:
    return setting.value.kind == "constant" and setting.value.data is None


def _settings(name: str, given: Iterable[Given], certain: bool) -> list[Setting]:
    """The settings that are given, each place once: several classes may inherit it."""
    found = {g.place: Setting(name, g.module, g.place, g.value, certain) for g in given}
    return list(found.values())


def _named_values(module: Module) -> Iterator[tuple[str, Value]]:
    """Every name that a module gives a value, and the keys of the mappings that it writes."""
    for name, values in module.bindings.items():
        for value in values:
            yield name, value
            yield from _keywords(value)
    for class_ in module.classes.values():
        for name, values in class_.attributes.items():
            for value in values:
                yield name, value
                yield from _keywords(value)
    for assignment in module.assignments:
        yield assignment.key, assignment.value
        yield from _keywords(assignment.value)
    for function in module.functions.telling():
        for _, value in function.values:
            if value.chain.rpartition(".")[2] in ("update", "dict", "from_mapping"):
                yield from _keywords(value)
                for item in value.items:
                    yield from _keywords(item)


def _keywords(value: Value) -> Iterator[tuple[str, Value]]:
    if value.kind in ("mapping", "call"):
        yield from value.keywords

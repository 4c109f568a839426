"""Old names of settings that an application is handed with a whole configuration, beside new ones.

What an application is given by hand before anybody asks for a setting is one configuration, if it loads no
other: old and new names may not be mixed in it. What its constructor is given does not count.
https://github.com/celery/celery/blob/v5.5.3/celery/app/utils.py, ``detect_settings`` (tried on Celery 5.7).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator

from celery_lint.analysis.application.unread_settings import MixedNames
from celery_lint.diagnostics import Span
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.loaded import Loaded, Source
from celery_lint.inventory.application.spelling import OLD_NAMES
from celery_lint.inventory.application.statements import Configuring, Given
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.model.words import held
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_CONF = ".conf"
_UPDATE = f"{_CONF}.update"
_LAZY = (_UPDATE, ".autodiscover_tasks", ".task", "celery.Celery")
# What reads a configuration: anything but what is given to it.
_ASKING = re.compile(r"(?<!django)\.conf(?!\w)(?!\.update\b)")


class Handed(NamedTuple):
    """The statement that hands over a configuration, an old name in that, and a new one beside it."""

    place: Place
    old: str
    old_place: Place
    new: str
    new_place: Place


class HandedSettings:
    """Configurations of Flask that are handed to applications of Celery: ``conf.update(app.config)``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)
        self.configuring = known.of(Configuring)
        self.loaded = known.of(Loaded)

    @facts
    def mixed(self) -> list[Handed]:
        """The first old name of each that new ones stand beside for certain."""
        found: dict[Place, Handed] = {}
        for application in self._configured_by_hand:
            for module, value in self.configuring.of(application).updates:
                if value.kind == "name" and self.loaded.flask.is_configuration(module, value.chain):
                    handed = self._mixed(application, module, value)
                    if handed is not None:
                        found.setdefault(handed.place, handed)
        return list(found.values())

    @facts
    def written(self) -> list[MixedNames]:
        """The first old name that an application is given beside a new one, both as they stand there."""
        found: dict[Place, MixedNames] = {}
        handed = {each.place.path for each in self.mixed}
        for application in self._configured_by_hand:
            given, keys = self._given(application)
            new = _without_others(given, SETTINGS, keys)
            old = _without_others(given, OLD_NAMES, keys) if new else []
            for one in old:
                beside = next(
                    (each for each in new if self._is_beside(application, one.module, one.value.span, each)),
                    None,
                )
                if beside is not None and one.module.path not in handed:
                    found[one.place] = MixedNames(one.place, one.key, OLD_NAMES[one.key], beside.key)
                    break
        return list(found.values())

    @once
    def _configured_by_hand(self) -> list[Application]:
        """The applications that load nothing, and of which all is in sight that they are given."""
        return [
            application
            for application in self.applications.product
            if not (done := self.configuring.of(application)).loads
            and not done.hidden
            and done.namespace is None
            and self.applications.is_plain(application)
            and not any(self.loaded.source(module, value).hidden for module, value in done.updates)
        ]

    def _given(self, application: Application) -> tuple[list[Given], set[str]]:
        """What an application is given beside its constructor, and all names that it may have then."""
        done = self.configuring.of(application)
        given = [each for each in done.given if not self._is_constructed(each)]
        keys = {each.key for each in given}
        return given, keys.union(*({each.key for each in self._all(*update)} for update in done.updates))

    def _mixed(self, application: Application, module: Module, value: Value) -> Handed | None:
        given, keys = self._given(application)
        certain = {each.key: each for each in self._certain(application.module, module, value)}
        old = _without_others(certain.values(), OLD_NAMES, keys)
        new = _without_others(given, SETTINGS, keys)
        # Whichever are more are what the others ought to be called.
        if not old or not new:
            return None
        beside = next((each for each in new if self._is_beside(application, module, value.span, each)), None)
        if beside is None:
            return None
        return Handed(module.place(value.span), old[0].key, old[0].place, beside.key, beside.place)

    def _is_constructed(self, given: Given) -> bool:
        """Whether the constructor of an application is given a setting."""
        return any(
            item.span == given.value.span
            for function in given.module.functions.telling()
            for _, value in function.values
            if value.chain.rpartition(".")[2] == "Celery"
            for _, item in value.keywords
        )

    # ------------------------------------------------------------------ what Flask has

    def _all(self, module: Module, value: Value) -> Iterator[Given]:
        source = self.loaded.source(module, value)
        yield from self.loaded.lookup(source, (*OLD_NAMES, *SETTINGS))

    def _certain(self, making: Module, module: Module, value: Value) -> Iterator[Given]:
        """The old names that configurations of Flask certainly have, and that which is handed over here."""
        of_caller = [
            each
            for function in _giving(module, value.span)
            for each in self.loaded.flask.certain_of_callers(function)
        ]
        for alternatives in (*self.loaded.flask.certain(making), *of_caller):
            sources = [self.loaded.source(module, value) for module, value in alternatives]
            if any(source.hidden for source in sources):
                continue
            parts = [part for source in sources for part in _parts(source)]
            for key in filter(None, OLD_NAMES) if parts else ():
                found = [self.loaded.lookup(part, (key,)) for part in parts]
                if all(found):
                    yield found[0][0]

    # ------------------------------------------------------------------ when

    def _is_beside(self, application: Application, module: Module, span: Span, given: Given) -> bool:
        """Whether a function gives both, whatever any condition says, and asks for nothing meanwhile."""
        if given.module is not module:
            return False
        for function in _giving(module, span):
            if not function.name:
                return self._is_beside_at_the_top(application, module, span, given)
            flow = self.functions.of(module, function)
            one, other = _step_at(flow, span), _step_at(flow, given.value.span)
            if one is not None and other is not None and function in _giving(module, given.value.span):
                first, last = sorted((one.number, other.number))
                made = [step.number for step in flow.steps[:first] if _makes_application(step)]
                if not made and self._may_be_asked_before(application, module, function):
                    return False
                begin = made[-1] + 1 if made else 0
                between = [step for step in flow.steps[begin:last] if step.parent < 0]
                return all(_asks_nothing(step) for step in between)
        return False

    def _is_beside_at_the_top(
        self, application: Application, module: Module, span: Span, given: Given
    ) -> bool:
        """The same of a module's own code behind the application, whose statements are not kept."""
        one, other = _statement(module, span), _statement(module, given.value.span)
        if application.module is not module or one is None or other is None:
            return False
        begin, end = application.value.span.end_line, max(one.line, other.line)
        if min(one.line, other.line) <= begin or (one.column, other.column) != (1, 1):
            return False  # an indented statement is one of several, or of some runs
        top = module.functions[""]
        read = [each.key_span for each in module.assignments if f"{_CONF}." in each.target]
        read += [
            value.span
            for values in module.bindings.values()
            for value in values
            if any(_CONF in each.chain for each in held(value))
        ]
        read += [call.span for call in self.functions.calls(module, top) if self._may_ask(module, call)]
        return not any(begin < each.line < end for each in read)

    def _may_ask(self, module: Module, call: Call) -> bool:
        """Whether a call may read a configuration: its own, or through code of the project."""
        if call.chain.endswith(_LAZY):
            return False
        if _CONF in call.chain or any(_CONF in given.chain for given in call.takes):
            return True
        return self.project.resolve(module, call.chain).kind != "external"

    def _may_be_asked_before(self, application: Application, module: Module, function: Function) -> bool:
        """Whether anything may ask an application for a setting before a function gives it some."""
        if application.module is not module or "/" in application.origin[1]:
            return True
        others = (*self.project.holding(_CONF), *self.project.stating(_CONF))
        return any(
            _ASKING.search(each.packed_calls) or _ASKING.search(each.packed_steps)
            for other, each in others
            if (other, each) != (module, function)
        )


def _giving(module: Module, span: Span) -> list[Function]:
    """The functions in which a value is given to a configuration: as its attribute, or by its `update`."""
    found = [
        function
        for function in module.functions.telling()
        if any(
            value.chain.endswith(_UPDATE)
            and any(item.span == span for item in (*value.items, *(each for _, each in value.keywords)))
            for _, value in function.values
        )
    ]
    names = [each.function for each in module.assignments if each.value.span == span]
    return found + [module.functions[name] for name in names if name in module.functions]


def _statement(module: Module, span: Span) -> Span | None:
    """Where the statement begins that gives a value to a configuration."""
    for each in module.assignments:
        if each.value.span == span:
            return each.key_span
    for function in _giving(module, span):
        for _, value in function.values:
            if value.span.line <= span.line and span.end_line <= value.span.end_line:
                return value.span
    return None


def _without_others(given: Iterable[Given], names: Container[str], keys: Collection[str]) -> list[Given]:
    """Those of these names whose other name, the new or the old one, is not among all that may be given."""
    both = {OLD_NAMES.get(key) or SETTINGS[key][0] for key in keys if key in OLD_NAMES or key in SETTINGS}
    return [each for each in given if each.key in names and each.key not in both]


def _parts(source: Source) -> Iterator[Source]:
    """What a source is put together of, each by itself."""
    for path in source.modules:
        yield Source((path,), capitals=(path,) if path in source.capitals else ())
    yield from (Source(classes=(class_,)) for class_ in source.classes)
    yield from (Source(mappings=(mapping,)) for mapping in source.mappings)


def _step_at(flow: Flow, span: Span) -> Step | None:
    """The statement that a value is in, if it stands at the top of its function."""
    line = span.line
    return next((s for s in flow.steps if s.parent < 0 and s.span.line <= line <= s.span.end_line), None)


def _makes_application(step: Step) -> bool:
    return step.kind == "assign" and step.parent < 0 and step.chains[:1] == ("celery.Celery()",)


def _asks_nothing(step: Step) -> bool:
    """Whether a statement reads no setting: it defines something, or sets an attribute of something."""
    if step.kind in ("class", "def", "import"):
        return True
    chain = step.chains[0] if step.chains else ""
    if step.kind == "expr":
        return chain.endswith((f"{_UPDATE}()", "#'"))
    return step.kind == "assign" and not step.calls and _CONF not in chain

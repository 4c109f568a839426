"""Old names of settings that an application is handed with a whole configuration, beside new ones.

What an application is given by hand before anybody asks for a setting is one configuration, if it loads no
other: old and new names may not be mixed in it. What its constructor is given does not count.
https://github.com/celery/celery/blob/v5.5.3/celery/app/utils.py, ``detect_settings`` (tried on Celery 5.7).
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.loaded import Loaded, Source
from celery_lint.inventory.application.spelling import OLD_NAMES
from celery_lint.inventory.application.statements import Configuring, Given
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_CONF = ".conf"


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
        for application in self.applications.product:
            statements = self.configuring.of(application)
            if statements.loads or statements.hidden or statements.namespace is not None:
                continue
            if not self.applications.is_plain(application):
                continue
            for module, value in statements.updates:
                if value.kind == "name" and self.loaded.flask.is_configuration(module, value.chain):
                    handed = self._mixed(application, module, value)
                    if handed is not None:
                        found.setdefault(handed.place, handed)
        return list(found.values())

    def _mixed(self, application: Application, module: Module, value: Value) -> Handed | None:
        if self.loaded.source(module, value).hidden:
            return None
        given = [each for each in self.configuring.of(application).given if not self._is_constructed(each)]
        certain = {each.key: each for each in self._certain(application.module)}
        keys = {each.key for each in given} | {each.key for each in self._all(module, value)}
        old = [key for key in certain if key in OLD_NAMES and OLD_NAMES[key] not in keys]
        both = {OLD_NAMES[key] for key in keys if key in OLD_NAMES}
        new = [each for each in given if each.key in SETTINGS and each.key not in both]
        # Whichever are more are what the others ought to be called.
        if not old or not new:
            return None
        beside = next((each for each in new if self._is_beside(module, value, each)), None)
        if beside is None:
            return None
        return Handed(module.place(value.span), old[0], certain[old[0]].place, beside.key, beside.place)

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

    def _certain(self, making: Module) -> Iterator[Given]:
        """The old names that configurations of Flask certainly have."""
        for alternatives in self.loaded.flask.certain(making):
            sources = [self.loaded.source(module, value) for module, value in alternatives]
            if any(source.hidden for source in sources):
                continue
            parts = [part for source in sources for part in _parts(source)]
            for key in filter(None, OLD_NAMES) if parts else ():
                found = [self.loaded.lookup(part, (key,)) for part in parts]
                if all(found):
                    yield found[0][0]

    # ------------------------------------------------------------------ when

    def _is_beside(self, module: Module, value: Value, given: Given) -> bool:
        """Whether a function gives both, whatever any condition says, and asks for nothing meanwhile."""
        if given.module is not module:
            return False
        for function in module.functions.telling():
            if not any(
                each.chain.endswith(f"{_CONF}.update") and value in each.items for _, each in function.values
            ):
                continue
            flow = self.functions.of(module, function)
            one, other = _step_at(flow, value), _step_at(flow, given.value)
            if one is not None and other is not None and self._sets(module, function, given):
                first, last = sorted((one.number, other.number))
                made = [step.number for step in flow.steps[:first] if _makes_application(step)]
                between = (
                    [step for step in flow.steps[made[-1] + 1 : last] if step.parent < 0] if made else []
                )
                return bool(made) and all(_asks_nothing(step) for step in between)
        return False

    def _sets(self, module: Module, function: Function, given: Given) -> bool:
        """Whether a setting is an attribute of a configuration, or a keyword of its `update`."""
        span = given.value.span
        if any(each.value.span == span and each.function == function.qualname for each in module.assignments):
            return True
        return any(
            each.chain.endswith(f"{_CONF}.update") and item.span == span
            for _, each in function.values
            for _, item in each.keywords
        )


def _parts(source: Source) -> Iterator[Source]:
    """What a source is put together of, each by itself."""
    yield from (Source(modules=(path,)) for path in source.modules)
    yield from (Source(classes=(class_,)) for class_ in source.classes)
    yield from (Source(mappings=(mapping,)) for mapping in source.mappings)


def _step_at(flow: Flow, value: Value) -> Step | None:
    """The statement that a value is in, if it stands at the top of its function."""
    line = value.span.line
    return next((s for s in flow.steps if s.parent < 0 and s.span.line <= line <= s.span.end_line), None)


def _makes_application(step: Step) -> bool:
    return step.kind == "assign" and step.parent < 0 and step.chains[:1] == ("celery.Celery()",)


def _asks_nothing(step: Step) -> bool:
    """Whether a statement reads no setting: it defines something, or sets an attribute of something."""
    if step.kind in ("class", "def", "import"):
        return True
    chain = step.chains[0] if step.chains else ""
    if step.kind == "expr":
        return chain.endswith((f"{_CONF}.update()", "#'"))
    return step.kind == "assign" and not step.calls and _CONF not in chain

"""Celery settings wherever a project gives them: attributes, updates, modules, classes, mappings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.inventory.application.applications import Applications
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

# Today's lower-case names and the older upper-case ones that mean the same.
# https://docs.celeryq.dev/en/stable/userguide/configuration.html#new-lowercase-settings
_OLD_NAMES = {
    "CELERYD_TASK_TIME_LIMIT": "task_time_limit",
    "CELERYD_TASK_SOFT_TIME_LIMIT": "task_soft_time_limit",
    "CELERYD_POOL": "worker_pool",
    "CELERY_ANNOTATIONS": "task_annotations",
    "CELERY_ROUTES": "task_routes",
    "CELERY_IMPORTS": "imports",
    "CELERY_INCLUDE": "include",
    "CELERYD_MAX_TASKS_PER_CHILD": "worker_max_tasks_per_child",
    "BROKER_URL": "broker_url",
    "CELERY_RESULT_SERIALIZER": "result_serializer",
    "CELERY_IGNORE_RESULT": "task_ignore_result",
    "BROKER_TRANSPORT_OPTIONS": "broker_transport_options",
    "CELERY_ACKS_LATE": "task_acks_late",
    "CELERY_REJECT_ON_WORKER_LOST": "task_reject_on_worker_lost",
    "CELERYD_PREFETCH_MULTIPLIER": "worker_prefetch_multiplier",
}
_NAMES = frozenset(
    [
        "task_time_limit",
        "task_soft_time_limit",
        "worker_pool",
        "task_annotations",
        "task_routes",
        "imports",
        "include",
        "worker_max_tasks_per_child",
        "broker_url",
        "broker_transport_options",
        "task_acks_late",
        "task_acks_on_failure_or_timeout",
        "task_reject_on_worker_lost",
        "task_retry_on_worker_lost",
        "task_default_queue_type",
        "worker_prefetch_multiplier",
        "worker_disable_prefetch",
        "result_serializer",
        "task_ignore_result",
    ]
)


class Setting(NamedTuple):
    """One setting of a Celery application, by its lower-case name."""

    name: str
    module: Module
    place: Place
    value: Value


def setting_name(name: str, namespaces: frozenset[str] | None) -> str | None:
    """The lower-case name of a setting of Celery that is spelled in any of its ways.

    An upper-case name counts below one of the namespaces that applications read (``CELERY_TASK_TIME_LIMIT``),
    below any if these are not known: ``EXPORT_TASK_TIME_LIMIT`` is a constant of the project.
    """
    if name in _NAMES:
        return name
    if name in _OLD_NAMES:
        return _OLD_NAMES[name]
    if name.isupper():
        for known in _NAMES:
            namespace = name.removesuffix(known.upper())
            if namespace != name and (namespaces is None or namespace.removesuffix("_") in namespaces):
                return known
    return None


class Settings:
    """The settings of all applications of a project that rules ask for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)

    def named(self, name: str) -> list[Setting]:
        """Everything that sets this name to something other than ``None``."""
        return [setting for setting in self._all if setting.name == name]

    @once
    def _namespaces(self) -> frozenset[str] | None:
        """What the applications of the project read upper-case settings below; ``None``: nobody can tell."""
        found = {"CELERY"}
        for module in self.project.product_modules():
            for function in module.functions.values():
                for _, value in function.values:
                    if value.chain.rpartition(".")[2] == "config_from_object":
                        given = value.keyword("namespace")
                        text = self.project.text(module, given)
                        if given is not None and text is None:
                            return None
                        found.add(text or "CELERY")
        return frozenset(found)

    @once
    def _all(self) -> list[Setting]:
        found = [setting for module in self.project.product_modules() for setting in self._of(module)]
        return [s for s in found if not (s.value.kind == "constant" and s.value.data is None)]

    def _of(self, module: Module) -> Iterator[Setting]:
        for name, values in module.bindings.items():
            yield from self._named_values(module, name, values)
            for value in values:
                yield from self._in_mapping(module, value)
                if value.kind == "call":  # `app = make_app(task_time_limit=60)`
                    yield from self._in_call(module, value)
        for class_ in module.classes.values():
            for name, values in class_.attributes.items():
                yield from self._named_values(module, name, values)
                for value in values:
                    yield from self._in_mapping(module, value)
        for assignment in module.assignments:
            # By its name first: what it is set on may lead to files that nobody else asks for.
            if setting_name(assignment.key, self._namespaces) is not None and (
                assignment.subscript
                or assignment.key.isupper()
                or self._is_settings(module, assignment.target)
            ):
                yield from self._named_values(module, assignment.key, (assignment.value,))
            yield from self._in_mapping(module, assignment.value)
        for function in module.functions.values():
            for _, value in function.values:
                if value.chain.rpartition(".")[2] in ("update", "Celery", "dict"):
                    yield from self._in_call(module, value)

    def _is_settings(self, module: Module, chain: str) -> bool:
        """Whether an attribute of this object may be a setting: ``app.conf``, ``config``, but no task."""
        last = chain.rpartition(".")[2].lower()
        if any(word in last for word in ("conf", "cfg", "setting", "self", "cls")):
            return True
        entity = self.project.resolve(module, chain)
        return entity.kind == "external" and entity.name.endswith(".conf")

    def _named_values(self, module: Module, name: str, values: tuple[Value, ...]) -> Iterator[Setting]:
        known = setting_name(name, self._namespaces)
        if known is not None:
            for value in values:
                yield Setting(known, module, module.place(value.span), value)

    def _in_mapping(self, module: Module, value: Value) -> Iterator[Setting]:
        if value.kind == "call" and value.chain in ("~dict", "builtins.dict"):
            yield from self._in_call(module, value)
        if value.kind == "mapping":
            for name, item in value.keywords:
                yield from self._named_values(module, name, (item,))

    def _in_call(self, module: Module, value: Value) -> Iterator[Setting]:
        makes = value.chain.rpartition(".")[2] == "Celery"
        for name, item in value.keywords:
            known = "broker_url" if makes and name == "broker" else name
            yield from self._named_values(module, known, (item,))
        for item in value.items:
            yield from self._in_mapping(module, item)

    @once
    @asking("quiet")
    def hidden(self) -> bool:
        """Whether an application may get settings from where nobody can look."""
        for module in self.project.product_modules():
            for function in module.functions.values():
                if function.mentions("config_from_envvar"):
                    return True
                for _, value in function.values:
                    if value.chain.endswith(".config_from_object"):
                        if not self._is_readable(module, value):
                            return True
                    elif value.chain.endswith(".conf.update") and not self._is_plain(module, value):
                        return True
        return False

    def _is_readable(self, module: Module, value: Value) -> bool:
        given = value.first() or value.keyword("obj")
        if given is None:
            return False
        text = self.project.text(module, given)
        if text is not None:
            dotted = text.partition(":")[0]
            return dotted == "django.conf" or self.project.imports.locate(dotted, module.path) is not None
        entity = self.project.value_entity(module, given)
        return entity.kind in ("module", "class", "instance", "value")

    def _is_plain(self, module: Module, value: Value) -> bool:
        spread = [given for key, given in value.keywords if key in ("*", "**")]
        for given in (*value.items, *spread):
            known = self.project.constant(module, given)
            if known is None and given.kind == "call" and given.chain in ("~dict", "builtins.dict"):
                known = None if given.open_ended() else given
            if known is None or known.open_ended():
                return False
        return True

    def number(self, name: str) -> tuple[float, Setting] | None:
        """A number that the project sets exactly once, for its only application."""
        found = self.named(name)
        if len(found) != 1 or len(self.applications.product) > 1:
            return None
        known = self.project.number(found[0].module, found[0].value)
        return (known, found[0]) if known is not None else None

    def switch(self, name: str) -> bool | None:
        """Whether a setting is on: ``None`` where that depends on the application or the environment."""
        found = self.named(name)
        if not found:
            return False
        values = {self.truth(setting.module, setting.value) for setting in found}
        if len(values) == 1 and (values == {False} or len(self.applications.product) <= 1):
            return values.pop()
        return None

    def truth(self, module: Module, value: Value) -> bool | None:
        """Whether a value counts as true, if it is a literal."""
        known = self.project.constant(module, value)
        return bool(known.data) if known is not None and known.kind == "constant" else None

"""Result backends that the project writes itself, or patches, and what they do in a way of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from celery_lint.inventory.application.applications import Application, Applications, is_task_base
from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.application.settings import Settings
from celery_lint.libraries.celery import (
    BACKEND_PACKAGES,
    ENCODING_BACKENDS,
    KEYED_BACKENDS,
    STORING_OF_BACKENDS,
    TELLING_OF_BACKENDS,
)
from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.constants import ENVIRONMENT
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once

_WATCHED = TELLING_OF_BACKENDS | STORING_OF_BACKENDS
_BACKEND = frozenset({"backend", "_backend"})
# What an application is given that decides about its backend, besides the setting.
_DECIDING = ("loader", "backend_cls", "config_source")
# What decides about the backend of an application without its constructor: no setting says it then.
_ALIASES = "BACKEND_ALIASES"
_REPLACING = frozenset({"_backend_cache", "_get_backend", "backend_cls", "override_backends"})
# The same as a call says it: `BACKEND_ALIASES.update(…)`, `app.__dict__.update(_backend_cache=mine)`.
_SAID = (
    f".{_ALIASES}.",
    ".override_backends.",
    *(f"'{name}" for name in sorted(_REPLACING)),
    *(f"\t{name}:" for name in sorted(_REPLACING)),
)
# Methods that change what they are of; what is given to one of the project may be changed there.
_CHANGING = frozenset(
    {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "sort", "update"}
)
_DEPTH = 3
_BRANCHES = frozenset({"if", "match", "case", "while", "for", "handler"})
_SUPPRESS = "contextlib.suppress"


class _Own(NamedTuple):
    """A class of backends of the project. ``methods`` are those that it replaces.

    ``by_path`` says that a file that is no code names it, as the values of variables.
    """

    methods: frozenset[str]
    by_path: bool


class _Patch(NamedTuple):
    """A method that is set on a backend; on those of all applications where ``application`` is ``None``."""

    method: str
    application: Application | None


class OwnBackends:
    """What the project lets result backends do in place of what Celery lets them do.

    A class counts where anything names it: it is given to an application, or set by its path. It may be the
    backend of all applications but of those that certainly have one of Celery's.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.backends = known.of(BackendSettings)

    def read(self, applications: Sequence[Application]) -> bool:
        """Whether what is stored for these is read in a way of the project's own; ``()``: for who knows."""
        return self._replace(TELLING_OF_BACKENDS, applications)

    def store(self, applications: Sequence[Application]) -> bool:
        """Whether the states of these are stored in a way of the project's own."""
        return self._replace(STORING_OF_BACKENDS, applications)

    def _replace(self, methods: frozenset[str], applications: Sequence[Application]) -> bool:
        patches = [patch for patch in self._patches if patch.method in methods]
        if any(not applications or patch.application in (None, *applications) for patch in patches):
            return True
        own = [class_ for class_ in self._own if not methods.isdisjoint(class_.methods)]
        return bool(own) and (not applications or any(self._may_have(each, own) for each in applications))

    def _may_have(self, application: Application, own: Sequence[_Own]) -> bool:
        """Whether the backend of an application may be one of these classes."""
        if application.origin in self._set_by_hand or self.applications.made(application).kind != "external":
            return True
        if self._may_be_replaced or any(application.value.keyword(name) is not None for name in _DECIDING):
            return True
        setting, certain = self.settings.setting(application, "result_backend")
        if setting is None or not certain:
            return not certain
        value = setting.value
        if value.kind == "name":
            value = self.project.value_entity(setting.module, value).value or value
        if value.kind == "call" and value.chain in ENVIRONMENT:
            return any(class_.by_path for class_ in own)
        return self.backends.scheme(application) not in ENCODING_BACKENDS | KEYED_BACKENDS

    @once
    def _set_by_hand(self) -> frozenset[tuple[str, str]]:
        """The applications whose backend a statement replaces: ``app._backend = ShopBackend()``."""
        return frozenset(
            origin
            for module in self.project.product_modules()
            for assignment in module.assignments
            if assignment.key in _BACKEND and not assignment.subscript
            if (origin := self.project.resolve(module, assignment.target).origin) is not None
        )

    @once
    def _may_be_replaced(self) -> bool:
        """Whether code puts backends in the place of those that settings name, or tasks have their own.

        ``app.backend_cls = Mine``, ``BACKEND_ALIASES["redis"] = …``, ``class Mine(Task): backend = …``.
        """
        return any(self._replaces(module) for module in self.project.product_modules()) or any(
            self.project.holding(*_SAID)
        )

    def _replaces(self, module: Module) -> bool:
        if _ALIASES in module.bindings and _ALIASES in module.imports:
            return True
        for class_ in module.classes.values():
            named = {*class_.attributes, *class_.methods}
            if class_.bases and not named.isdisjoint(_REPLACING | {"backend"}):
                entity = Entity("class", class_.qualname, module)
                if self._is_of_celery(entity):
                    return True
        for assignment in module.assignments:
            holder, _, last = assignment.target.rpartition(".")
            if _ALIASES in (assignment.key, last):
                return True
            owner = holder if last in _REPLACING or last == "__dict__" else assignment.target
            if (last in _REPLACING or assignment.key in _REPLACING) and self._has_backend(module, owner):
                return True
        return False

    @once
    def _own(self) -> list[_Own]:
        """The classes of backends of the project that anything names."""
        found = []
        for module in self.project.product_modules():
            for class_ in module.classes.values():
                methods = frozenset(self._methods(module, class_)) if class_.bases else frozenset()
                by_path = bool(methods) and self._is_named_by_files(class_.name)
                if by_path or (methods and self._is_named_in_code(class_.name)):
                    found.append(_Own(methods, by_path))
        return found

    # ------------------------------------------------------------------ classes

    def _methods(self, module: Module, class_: Class) -> set[str]:
        """The methods that a class of backends has in place of those of Celery's."""
        found: set[str] = set()
        of_celery = False
        for base in self.project.bases(Entity("class", class_.qualname, module)):
            own = base.class_()
            if own is None:
                of_celery = of_celery or base.name.startswith(BACKEND_PACKAGES)
            elif base.module is not None:
                found |= {
                    name
                    for name in _WATCHED
                    if name in own.attributes
                    or (name in own.methods and self._differs(base.module, own, name))
                }
        return found if of_celery else set()

    def _differs(self, module: Module, class_: Class, name: str) -> bool:
        """Whether a method does something else than to hand its arguments on to that of the base."""
        function = module.functions.get(f"{class_.qualname}.{name}")
        if function is None:
            return True
        flow = self.functions.of(module, function)
        handing = self._handing_on(module, function, flow, name)
        parameters = {parameter.name for parameter in function.parameters}
        return (
            handing is None
            or any(outer.kind in _BRANCHES for outer in flow.ancestors(handing))
            or not parameters.isdisjoint(stored for step in flow.steps for stored in step.stores)
            or self._changes(module, function, parameters - {function.first()})
            or any(self._keeps(module, flow, step) for step in flow.steps)
            or _is_changed(flow, handing)
            or not _gives_on(flow, name)
        )

    def _changes(self, module: Module, function: Function, names: Set[str], depth: int = _DEPTH) -> bool:
        """Whether a function may change what one of these parameters of it holds, in place."""
        chains = tuple(f"%{name}" for name in names)

        def is_of_one(chain: str) -> bool:
            return chain.startswith(chains) and re.split(r"[.\[]", chain[1:], maxsplit=1)[0] in names

        flow = self.functions.of(module, function)
        if any(_sets_a_part(step, names, function) for step in flow.steps):
            return True
        calls = self.functions.calls(module, function)
        made = [*(call.chain for call in calls), *(chain for step in flow.steps for chain in step.chains)]
        if any(
            is_of_one(chain) and chain.removesuffix("()").rpartition(".")[2] in _CHANGING for chain in made
        ):
            return True
        for call in calls if depth else ():
            given = {name for name in names if function.hands_on(f"%{name}") and call.hands_on(f"%{name}")}
            target = self.project.resolve(module, call.chain) if given else None
            called = target.function() if target is not None else None
            if called is not None and target is not None and target.module is not None:
                filled = {called.parameter_given(call, f"%{name}") for name in given} - {""}
                if self._changes(target.module, called, filled, depth - 1):
                    return True
        return False

    def _handing_on(self, module: Module, function: Function, flow: Flow, name: str) -> Step | None:
        """The statement that gives the arguments as they are to the method that it stands for."""
        for call in self.functions.calls(module, function):
            own = [given for given in call.takes if given.chain != f":{function.owner}()"]
            if call.leaf() == name and all(
                given.chain[:1] == "%" or given.kind == "starred" for given in own
            ):
                return flow.step_of(call)
        return None

    def _keeps(self, module: Module, flow: Flow, step: Step) -> bool:
        """Whether a statement keeps an exception of the base from who asks, or raises one of its own."""
        if step.kind == "raise":
            return bool(step.chains)
        if step.kind == "with":
            return any(self._is_suppressing(module, chain) for chain in step.chains)
        if step.kind != "handler":
            return False
        last = flow.body(step)[-1:]
        return not last or last[0].kind != "raise"

    def _is_suppressing(self, module: Module, chain: str) -> bool:
        entity = self.project.resolve(module, chain.partition("=")[0].removesuffix("()"))
        return entity.name == _SUPPRESS

    def _is_named_in_code(self, name: str) -> bool:
        """Whether code makes a class or hands it on, or says its path."""
        return any(self.project.holding(name)) or any(_names(value, name) for value in self._kept_values())

    def _is_named_by_files(self, name: str) -> bool:
        """Whether a file that is no code says the name of a class, as in its path."""
        return any(not path.endswith(".py") for path in self.project.deployment.written.lines(name))

    def _kept_values(self) -> Iterator[Value]:
        """What the names, the attributes and the settings of the product are bound to."""
        for module in self.project.product_modules():
            for values in module.bindings.values():
                yield from values
            for class_ in module.classes.values():
                for values in class_.attributes.values():
                    yield from values
            for assignment in module.assignments:
                yield assignment.value

    # ------------------------------------------------------------------ patches

    @once
    def _patches(self) -> list[_Patch]:
        """The methods that are set on a backend, or on a class of them: ``Backend.decode_result = mine``."""
        found = []
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key in _WATCHED and not assignment.subscript:
                    owner = self.project.resolve(module, assignment.target)
                    if owner.name.startswith(BACKEND_PACKAGES):
                        found.append(_Patch(assignment.key, None))
                        continue
                    holder, _, leaf = assignment.target.rpartition(".")
                    if leaf in _BACKEND and self._has_backend(module, holder):
                        application = self.applications.get(self.project.resolve(module, holder).origin)
                        found.append(_Patch(assignment.key, application))
        return found

    def _has_backend(self, module: Module, chain: str) -> bool:
        """Whether an object may be an application or a task: it is of no class that is neither."""
        entity = self.project.resolve(module, chain)
        return entity.kind not in ("class", "instance") or self._is_of_celery(entity._replace(kind="class"))

    def _is_of_celery(self, entity: Entity) -> bool:
        """Whether a class may derive from one of Celery's, or of another that nobody knows."""
        names = [base.name for base in self.project.bases(entity) if base.class_() is None]
        return any(not name or is_task_base(name) or name.startswith("celery.") for name in names)


def _sets_a_part(step: Step, names: Set[str], function: Function) -> bool:
    """Whether a statement sets or deletes an item or an attribute of one of these parameters.

    It reads what it sets a part of. Where it also reads what is no parameter, other than for the value, the
    part may be of that: ``SEEN[task_id] = 1``.
    """
    if step.kind not in ("assign", "augment", "delete") or step.stores:
        return False
    value = re.split(r"\W", step.value.lstrip("%:~#"), maxsplit=1)[0]
    if step.value.startswith(f":{function.owner}()"):
        value = function.first()
    read = {name for name in step.loads if name.isidentifier()}
    others = read - {value} or read
    return bool(others) and others <= names


def _gives_on(flow: Flow, name: str) -> bool:
    """Whether a function returns what a method of this name gives it; one that stores may return nothing."""
    ends = [step for step in flow.steps if step.kind == "return"]
    if not ends and name in TELLING_OF_BACKENDS:
        return False
    return all(step.value.endswith(f".{name}()") for step in ends)


def _is_changed(flow: Flow, handing: Step) -> bool:
    """Whether anything but a test and a ``return`` takes what a statement has bound to a name."""
    kept = set(handing.stores)
    return any(
        not kept.isdisjoint((*(name.lstrip("[@/=!{") for name in step.loads), *step.stores))
        for step in flow.steps
        if step is not handing and step.kind not in ("return", "if")
    )


def _names(value: Value, name: str) -> bool:
    """Whether an expression names a class, as it is or by its path in a text."""
    if value.chain.rpartition(".")[2].lstrip(":~").rstrip("()") == name:
        return True
    if isinstance(value.data, str) and name in value.data:
        return True
    inner: Iterable[Value] = (*value.items, *(item for _, item in value.keywords))
    return any(_names(item, name) for item in inner)

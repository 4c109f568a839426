"""Views of Django that run in a transaction each, since the settings say ``ATOMIC_REQUESTS``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.loaded import Loaded
from celery_lint.libraries.django import NON_ATOMIC, VIEW_DECORATORS, VIEWS
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.model.purpose import is_development_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once

_SETTING, _KEY, _DEFAULT, _ROUTERS = "DATABASES", "ATOMIC_REQUESTS", "default", "DATABASE_ROUTERS"
_DEEPEST = 6
_NON_ATOMIC = leaf_of_chain(NON_ATOMIC)
_DJANGO = ("django.", "rest_framework.")
# What modules and folders of views are called, and frameworks that have other requests.
_OF_VIEWS = "view"
_OTHERS = ("aiohttp.", "fastapi.", "flask.", "starlette.")
_TESTS = frozenset({"ci", "pytest", "test", "testing", "tests"})
# Methods that run before a request comes, or for none.
_WITHOUT_REQUEST = frozenset({"__init__", "as_view", "setup"})


class _Said(NamedTuple):
    """What one statement says of the transactions of requests: where they are switched on, if they are."""

    line: int
    place: Place | None


class AtomicRequests:
    """Whether each request runs in a transaction, and which functions certainly run in one."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.loaded = known.of(Loaded)

    def explore(self) -> None:
        """Read the settings of the databases, if there may be views that send tasks."""
        if self.may_be:
            self.loaded.in_django(_SETTING)

    def words(self) -> set[Pair]:
        """What takes views out of it, perhaps where their addresses are listed."""
        return {(_NON_ATOMIC, "")} if self.in_force is not None else set()

    @once
    def may_be(self) -> bool:
        """Whether there may be requests of Django at all."""
        modules = self.project.product_modules()
        return any(target.startswith(_DJANGO) for each in modules for target in each.imports.values())

    @once
    def in_force(self) -> Place | None:
        """What switches it on in all settings but those for development, and not for tests alone."""
        paths = [path for path in self.loaded.whole_in_django() if not _is_for_tests(path)]
        paths = [path for path in paths if self._has_databases(path, 0)]  # else it is a part of others
        deployed = [path for path in paths if not is_development_path(path)]
        found = [self._said(path, 0) for path in deployed or paths]
        places = [place for place in found if place is not None]
        return min(places) if places and len(places) == len(found) and not self._is_routed else None

    def is_view(self, module: Module, function: Function) -> bool:
        """Whether a function certainly runs in the transaction of a request, if there are any."""
        if self.in_force is None or function.is_async or not function.name or "/" in function.qualname:
            return False
        if self._left_out is None or not self._left_out.isdisjoint((function.name, function.owner)):
            return False
        if any(self._is_non_atomic(module, decorator) for decorator in function.decorators):
            return False
        if function.owner:
            return function.name not in _WITHOUT_REQUEST and self._is_of_view(module, function.owner)
        return self._takes_a_request(module, function)

    # ------------------------------------------------------------------ views

    def _is_of_view(self, module: Module, owner: str) -> bool:
        """Whether a class derives from a view, and nothing takes it out of the transaction."""
        bases = list(self.project.bases(Entity("class", owner, module)))
        if not any(base.kind == "external" and base.name.startswith(VIEWS) for base in bases):
            return False
        own = [(base.module, base.class_()) for base in bases]
        return not any(home and class_ and self._is_taken_out(home, class_) for home, class_ in own)

    def _is_taken_out(self, module: Module, class_: Class) -> bool:
        decorators = [*class_.decorators]
        for name in class_.methods:
            method = module.functions.get(f"{class_.qualname}.{name}")
            decorators += method.decorators if method is not None else ()
        return any(self._is_non_atomic(module, each) for each in decorators)

    def _takes_a_request(self, module: Module, function: Function) -> bool:
        """Whether a function is a view by its first parameter, and by its place or a decorator."""
        if function.first() != "request" or any(
            self.project.resolve(module, each.annotation).name.startswith(_OTHERS)
            for each in function.parameters[:1]
            if each.annotation
        ):
            return False
        if any(part.startswith(_OF_VIEWS) for part in module.path.split("/")):
            return True
        return any(
            self.project.resolve(module, each.chain).name.startswith(VIEW_DECORATORS)
            for each in function.decorators
            if each.chain
        )

    def _is_non_atomic(self, module: Module, decorator: Value) -> bool:
        chains = [decorator.chain, *(item.chain for item in decorator.items)]
        return any(self.project.resolve(module, chain).name == NON_ATOMIC for chain in chains if chain)

    @once
    def _left_out(self) -> frozenset[str] | None:
        """The names of views that calls take out; ``None`` where nobody can tell which these are."""
        found: set[str] = set()
        for module, function in self.project.holding(_NON_ATOMIC):
            calls = self.functions.calls(module, function)
            for call in calls:
                if self.project.resolve(module, call.chain).name != NON_ATOMIC or not call.positional:
                    continue
                given = call.argument(0)
                chain = calls[given.number].chain if given.kind == "call" else given.chain
                if not chain:
                    return None
                found.update(chain.replace(":", "").replace("()", "").split("."))
        return frozenset(found)

    # ------------------------------------------------------------------ settings

    def _said(self, path: str, depth: int) -> Place | None:
        """Where one module of settings switches it on, or the modules that it takes its databases from."""
        module = self.project.modules.find(path)
        if module is None or depth > _DEEPEST:
            return None
        said = sorted(self._statements(module), key=lambda each: each.line)
        before = None
        if not any(module.bindings.get(_SETTING, ())):
            for other in self.project.star_paths(module):
                before = self._said(other, depth + 1) or before
        sure = [each for each in said if not module.decides(each.line)]
        if sure and sure[-1].place is None:
            return None
        later = [each for each in said if module.decides(each.line)]
        if any(each.place is None for each in later if not sure or each.line > sure[-1].line):
            return None
        return next((each.place for each in reversed(said) if each.place), before)

    def _has_databases(self, path: str, depth: int) -> bool:
        module = self.project.modules.find(path)
        if module is None or depth > _DEEPEST or _SETTING in module.bindings:
            return True
        stars = module.star_imports and self.project.star_paths(module)
        return _SETTING in module.imports or any(self._has_databases(each, depth + 1) for each in stars)

    def _statements(self, module: Module) -> Iterator[_Said]:
        for value in module.bindings.get(_SETTING, ()):
            yield _Said(value.span.line, self._of_databases(module, value))
        for each in module.assignments:
            if each.function or not each.subscript:
                continue
            if each.target == f":{_SETTING}[]" and each.key == _KEY:
                yield _Said(each.key_span.line, self._if_true(module, each.value))
            elif each.target == f":{_SETTING}" and each.key == _DEFAULT:
                yield _Said(each.key_span.line, self._of_database(module, each.value))

    def _of_databases(self, module: Module, value: Value) -> Place | None:
        default = value.keyword(_DEFAULT) if value.kind == "mapping" else None
        return self._of_database(module, default) if default is not None else None

    def _of_database(self, module: Module, value: Value) -> Place | None:
        if value.kind != "mapping" and not (value.kind == "call" and value.chain == "~dict"):
            known = self.project.value_entity(module, value)
            if known.kind != "value" or known.value is None or known.module is None or known.value == value:
                return None
            return self._of_database(known.module, known.value) if known.value.kind == "mapping" else None
        keys = [key for key, _ in value.keywords]
        if _KEY not in keys or any(key in ("**", "*", "?") for key in keys[keys.index(_KEY) :]):
            return None
        return self._if_true(module, value.keywords[keys.index(_KEY)][1])

    def _if_true(self, module: Module, value: Value) -> Place | None:
        known = self.project.constant(module, value)
        return module.place(value.span) if known is not None and known.data is True else None

    @once
    def _is_routed(self) -> bool:
        """Whether rows may be written to another database than the one that has the transaction."""
        several = routed = False
        for module in self.project.modules.product:
            for value in module.bindings.get(_SETTING, ()):
                several = several or len([key for key, _ in value.keywords if key != "**"]) > 1
            routed = routed or any(value.items for value in module.bindings.get(_ROUTERS, ()))
            several = several or any(each.target == f":{_SETTING}" for each in module.assignments)
        return several and routed


def _is_for_tests(path: str) -> bool:
    return not _TESTS.isdisjoint(re.split(r"[._/]", path.lower()))

"""Which databases a project has: whether all of them are files of SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.settings import Settings
from celery_lint.libraries.django import DATABASES, MANAGERS
from celery_lint.libraries.sqlalchemy import ADDRESS, ASKING, ENGINE_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Assignment, Function, Module, Value
from celery_lint.project.known import Known, once

_LEAVES = tuple(sorted({leaf_of_chain(maker) for maker in ENGINE_MAKERS}))
_SQLITE = "sqlite"
# Settings for another machine, by the name of their file.
_OTHERS = re.compile(r"settings|prod|live|stag|deploy|docker|heroku|local|server", re.IGNORECASE)
_ENGINE = "ENGINE"


class Databases:
    """Where the statements of a project go, as far as it says so itself.

    SQLite locks the whole file and gives up after five seconds, or after its `timeout`: "database is locked".
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(Settings)
        self.applications = known.of(Applications)

    def gives_up(self, name: str, chain: str) -> bool:
        """Whether what a statement of this name or chain asks is SQLite for certain, which ends each wait."""
        if name.startswith("django.") or any(manager in chain for manager in MANAGERS):
            return self._django
        return (not name or name.startswith(ASKING)) and self._sqlalchemy

    # ------------------------------------------------------------------ Django

    @once
    def _django(self) -> bool:
        """Whether each database that Django's settings name is SQLite; ``False`` where nobody can tell."""
        if self.settings.hidden or any(self._changed) or any(self._unread):
            return False
        found = [self._is_sqlite(module, value) for module, value in self._databases]
        return bool(found) and all(found)

    @once
    def _configured(self) -> list[Module]:
        """The modules that settings may stand in: of some it is only known that they are loaded."""
        paths = {path for app in self.applications.product for path in self.settings.modules(app)}
        loaded = [self.project.modules.find(path) for path in sorted(paths)]
        found = {m.path: m for m in (*self.project.product_modules(), *loaded) if m is not None}
        return list(found.values())

    @property
    def _databases(self) -> Iterator[tuple[Module, Value]]:
        for module in self._configured:
            yield from [(module, value) for value in module.bindings.get(DATABASES, ())]
            for class_ in module.classes.values():
                yield from [(module, value) for value in class_.attributes.get(DATABASES, ())]

    def _is_sqlite(self, module: Module, value: Value) -> bool:
        known = self.project.constant(module, value)
        return (
            known is not None
            and known.kind == "mapping"
            and bool(known.keywords)
            and all(self._is_entry(module, entry) for _, entry in known.keywords)
        )

    def _is_entry(self, module: Module, value: Value) -> bool:
        """Whether one database of the mapping is SQLite."""
        known = self.project.constant(module, value)
        if known is None or known.kind != "mapping":
            return False
        return _SQLITE in (self.project.text(module, known.keyword(_ENGINE)) or "")

    @property
    def _changed(self) -> Iterator[bool]:
        """Whether something makes another database of one that is written down."""
        for module in self._configured:
            for assignment in module.assignments:
                if assignment.target.partition("[")[0].lstrip(":%~") == DATABASES:
                    yield not self._is_harmless(module, assignment)
            for function in module.functions.values():
                if function.mentions(f"{DATABASES}.", f"{DATABASES}["):
                    yield True

    @property
    def _unread(self) -> Iterator[str]:
        """Files beside settings that may hold those of another machine, and that nobody has read."""
        named = {home.path.rpartition("/")[0] for home, _ in self._databases}
        for path in self.project.imports.files:
            folder, _, name = path.rpartition("/")
            if folder in named and _OTHERS.search(name) and self.project.modules.find(path) is None:
                yield path

    def _is_harmless(self, module: Module, assignment: Assignment) -> bool:
        if assignment.target.endswith("]"):
            engine = assignment.key in (_ENGINE, "")
            return not engine or _SQLITE in (self.project.text(module, assignment.value) or "")
        return self._is_entry(module, assignment.value)

    # ------------------------------------------------------------------ SQLAlchemy

    @once
    def _sqlalchemy(self) -> bool:
        """Whether each engine is made for SQLite; ``False`` where nobody can tell."""
        found = [self._is_file(module, value) for module, value in self._addresses]
        return bool(found) and all(found)

    @property
    def _addresses(self) -> Iterator[tuple[Module, Value | None]]:
        for module, function in self.project.calling(*_LEAVES):
            for call in self.functions.calls(module, function):
                if call.leaf() in _LEAVES:
                    yield module, self._given(module, function, call)
        for module in self._configured:
            yield from [(module, value) for value in module.bindings.get(ADDRESS, ())]
            yield from [(module, a.value) for a in module.assignments if a.key == ADDRESS]
            for class_ in module.classes.values():
                yield from [(module, value) for value in class_.attributes.get(ADDRESS, ())]

    def _given(self, module: Module, function: Function, call: Call) -> Value | None:
        """The address that an engine is made for."""
        whole = function.value_of(call)
        if whole is None:
            bound = (value for values in module.bindings.values() for value in values)
            whole = next((value for value in bound if value.span == call.span), None)
        if whole is not None:
            return whole.first() or whole.keyword("url")
        given = call.argument(0, "url")
        if given.text:
            return Value("constant", call.span, given.text)
        return Value("name", call.span, None, given.chain) if given.kind == "name" else None

    def _is_file(self, module: Module, value: Value | None) -> bool:
        for _ in range(4):
            if value is None or value.kind != "name":
                break
            entity = self.project.value_entity(module, value)
            if entity.kind != "value" or entity.module is None:
                return False
            module, value = entity.module, entity.value
        if value is not None and value.kind == "arithmetic":  # `"sqlite:///" + path`
            value = value.first()
        known = value.data if value is not None and value.kind == "text" else self.project.text(module, value)
        return isinstance(known, str) and known.startswith(_SQLITE)

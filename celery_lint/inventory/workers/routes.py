"""Where the setting ``task_routes`` sends a task, worked out as Celery does it.

Exact names of a mapping come first, then its patterns in order; of several mappings or lists of pairs the
first counts that knows the task.
https://docs.celeryq.dev/en/stable/userguide/routing.html#automatic-routing
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from celery_lint.inventory.application.settings import Setting
from celery_lint.inventory.application.spelling import spellings
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.known import Known, once
from celery_lint.project.tables import written_mapping

# Expressions that cannot take longer than the name that they are held against: no group is repeated.
_PLAIN = re.compile(r"\^?(?:[\w-]|\\\.|\.[*+]?)*(?:\([\w|.-]*\))?(?:[\w-]|\\\.|\.[*+]?)*\$?")
_MOST_REPEATS = 2
_SPELLED = frozenset(spellings("task_routes", "CELERY"))


def _last(chain: str) -> str:
    return chain.rpartition(".")[2].lstrip(":~%")


class Entry(NamedTuple):
    """One line of a table of routes. ``kind`` is ``name``, ``glob``, ``expression`` or ``unknown``."""

    kind: Literal["name", "glob", "expression", "unknown"]
    pattern: str
    module: Module
    key: Value
    route: Value

    @property
    def place(self) -> Place:
        """The key of the line."""
        return self.module.place(self.key.span)

    def matches(self, name: str) -> bool:
        """Whether the route is for the task of this name."""
        if self.kind == "name":
            return self.pattern == name
        if self.kind == "glob":
            return fnmatchcase(name, self.pattern)
        return re.match(self.pattern, name) is not None


class Destination(NamedTuple):
    """A queue, and the place that sends a task there."""

    queue: str
    place: Place


class Routes:
    """The routes that settings have for tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self._tables: dict[Place, list[list[Entry]] | None] = {}

    def queue(self, setting: Setting, name: str) -> Destination | None:
        """The queue of the task of this name: ``""`` if it has no route, ``None`` if only the run knows."""
        tables = self.tables(setting)
        if tables is None or self._may_be_changed(setting, name):
            return None
        for table in tables:
            for entry in sorted(table, key=lambda entry: entry.kind != "name"):
                if entry.kind == "unknown":
                    return None
                if entry.matches(name):
                    queue = self.queue_of(entry)
                    return Destination(queue, entry.place) if queue is not None else None
        return Destination("", setting.place)

    def queue_of(self, entry: Entry) -> str | None:
        """The queue that a line names: ``""`` if it names none, ``None`` if only the run knows."""
        text = self.project.text(entry.module, entry.route)
        if text is not None:
            return text
        route = self.project.constant(entry.module, entry.route)
        if route is None or route.kind != "mapping" or any(key in ("**", "?") for key, _ in route.keywords):
            return None
        if route.keyword("queue") is not None:
            return self.project.text(entry.module, route.keyword("queue"))
        return None if {"exchange", "routing_key"} & {key for key, _ in route.keywords} else ""

    def only_queue_of(self, entry: Entry) -> str | None:
        """The queue that a line names, if it says nothing else."""
        route = self.project.constant(entry.module, entry.route)
        if route is None or (route.kind == "mapping" and [key for key, _ in route.keywords] != ["queue"]):
            return None
        return self.queue_of(entry)

    # ------------------------------------------------------------------ what is added later

    def _may_be_changed(self, setting: Setting, name: str) -> bool:
        """Whether a statement gives a finished table another route for the task, if it is executed."""
        if not self._changes:
            return False
        owner, mapping = written_mapping(self.project, setting.module, setting.value)
        span = mapping.span if mapping is not None else setting.value.span
        names = {key for key, values in owner.bindings.items() if any(each.span == span for each in values)}
        for word in names.union(_SPELLED):
            for module, entries in self._changes.get(word, ()):
                if word in names and word not in _SPELLED and module is not owner:
                    continue
                if entries is None or any(e.kind == "unknown" or e.matches(name) for e in entries):
                    return True
        return False

    @once
    def _changes(self) -> dict[str, list[tuple[Module, list[Entry] | None]]]:
        """What is added to mappings, by the last word of what they are called; ``None``: nobody can tell."""
        found: dict[str, list[tuple[Module, list[Entry] | None]]] = {}
        for module, function in self.project.calling(".update"):
            for _, value in function.values:
                owner, _, leaf = value.chain.rpartition(".")
                if leaf == "update":
                    parts = [self._table(module, item) for item in value.items]
                    known = None not in parts and not value.keywords
                    entries = [entry for part in parts if part for entry in part] if known else None
                    found.setdefault(_last(owner), []).append((module, entries))
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.subscript and assignment.target:
                    key = Value("constant", assignment.key_span, assignment.key)
                    added = [self._entry(module, key, assignment.value)]
                    found.setdefault(_last(assignment.target), []).append((module, added))
        return found

    # ------------------------------------------------------------------ tables

    def tables(self, setting: Setting) -> list[list[Entry]] | None:
        """The tables of a setting; ``None`` if one of them is a function, or cannot be seen."""
        if setting.place not in self._tables:
            self._tables[setting.place] = self._read(setting.module, setting.value)
        return self._tables[setting.place]

    def _read(self, module: Module, value: Value) -> list[list[Entry]] | None:
        known = self.project.constant(module, value)
        if known is None:
            return None
        parts = known.items if known.kind == "sequence" else (known,)
        tables = [self._table(module, part) for part in parts]
        return None if None in tables else [table for table in tables if table is not None]

    def _table(self, module: Module, value: Value) -> list[Entry] | None:
        known = self.project.constant(module, value)
        if known is None:
            return None
        if known.kind == "mapping":
            keys = iter(known.items)
            pairs = [(next(keys), route) for _, route in known.keywords]
        elif known.kind == "sequence" and all(len(pair.items) == 2 for pair in known.items):
            pairs = [(pair.items[0], pair.items[1]) for pair in known.items]
        else:
            return None
        return [self._entry(module, key, route) for key, route in pairs]

    def _entry(self, module: Module, key: Value, route: Value) -> Entry:
        text = self.project.text(module, key)
        if text is not None:
            return Entry("glob" if "*" in text else "name", text, module, key, route)
        given = key.first()
        if key.kind == "call" and key.chain == "re.compile" and len(key.items) == 1 and given is not None:
            text = self.project.text(module, given)
            if (
                text is not None
                and _PLAIN.fullmatch(text)
                and text.count(".*") + text.count(".+") <= _MOST_REPEATS
            ):
                return Entry("expression", text, module, key, route)
        return Entry("unknown", "", module, key, route)

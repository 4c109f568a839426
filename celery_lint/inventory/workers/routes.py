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
from celery_lint.model.facts import Module, Place, Value
from celery_lint.project.known import Known

# Expressions that cannot take longer than the name that they are held against: no group is repeated.
_PLAIN = re.compile(r"\^?(?:[\w-]|\\\.|\.[*+]?)*(?:\([\w|.-]*\))?(?:[\w-]|\\\.|\.[*+]?)*\$?")
_MOST_REPEATS = 2


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
        if tables is None:
            return None
        for table in tables:
            for entry in sorted(table, key=lambda entry: entry.kind != "name"):
                if entry.kind == "unknown":
                    return None
                if entry.matches(name):
                    queue = self._queue(entry)
                    return Destination(queue, entry.place) if queue is not None else None
        return Destination("", setting.place)

    def _queue(self, entry: Entry) -> str | None:
        text = self.project.text(entry.module, entry.route)
        if text is not None:
            return text
        route = self.project.constant(entry.module, entry.route)
        if route is None or route.kind != "mapping" or any(key in ("**", "?") for key, _ in route.keywords):
            return None
        if route.keyword("queue") is not None:
            return self.project.text(entry.module, route.keyword("queue"))
        return None if {"exchange", "routing_key"} & {key for key, _ in route.keywords} else ""

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

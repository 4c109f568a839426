"""Entries of schedules that beat cannot make, and those that it cannot send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.beat.schedulers import Scheduler, Schedulers
from celery_lint.inventory.tasks.schedules import Entry, Schedules
from celery_lint.inventory.tasks.sendings import Given
from celery_lint.inventory.tasks.signatures import Signatures, mismatch
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import DATABASE_FIELDS, DATABASE_OPTIONS, ENTRY_FIELDS
from celery_lint.libraries.data import TEXT_MAKERS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.nearest import nearest
from celery_lint.project.known import Known, facts, once

# Options of the message that stand beside `schedule` by mistake.
_OF_THE_MESSAGE = frozenset(
    {
        "countdown", "eta", "exchange", "expires", "headers", "ignore_result", "priority", "queue", "retry",
        "retry_policy", "routing_key", "serializer", "soft_time_limit", "time_limit",
    }
)  # fmt: skip
# Which redbeat takes as well, and may not be told where nothing shows how beat is started.
_OF_REDBEAT = frozenset({"enabled"})
_LONGEST = 17

Why = Literal["type", "field", "option", "missing", "lost"]
What = Literal["args", "kwargs", "task", "signature"]


class RefusedEntry(NamedTuple):
    """An entry that the scheduler cannot make, or not as it is meant.

    ``type``: what is ``written`` is no schedule; ``field``: there is no such field, ``guess`` may be meant;
    ``option``: it is one of the message; ``lost``: so it is, and it has no effect; ``missing``: there is no
    schedule. ``error`` is the exception that the scheduler gets.
    """

    place: Place
    why: Why
    written: str
    scheduler: Scheduler
    error: str
    guess: str = ""


class UnsendableEntry(NamedTuple):
    """An entry that beat cannot send: what stands in its ``field`` is of the wrong kind.

    ``error`` is the exception with which beat ends for it when it starts; empty where beat goes on.
    """

    place: Place
    field: What
    written: str
    scheduler: Scheduler
    error: str = ""


class BrokenEntries:
    """The entries in force of a project, compared with what beat takes."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.schedules = known.of(Schedules)
        self.schedulers = known.of(Schedulers)
        self.tasks = known.of(Tasks)
        self.signatures = known.of(Signatures)

    @once
    def _in_force(self) -> list[Entry]:
        return [entry for entry in self.schedules.all if entry.written == "mapping" and entry.certain]

    # ------------------------------------------------------------------ what cannot be made

    @facts
    def refused(self) -> list[RefusedEntry]:
        """The entries that beat refuses."""
        found = [refused for entry in self._in_force for refused in self._refusals(entry)]
        return self.schedules.unless_by_nobody(found)

    def _refusals(self, entry: Entry) -> Iterator[RefusedEntry]:
        scheduler = self.schedulers.only
        given = entry.given.get("schedule")
        if given is not None:
            written = self._no_schedule(entry.module, given)
            if written:
                place = entry.module.place(given.span)
                yield RefusedEntry(place, "type", written, scheduler, "AttributeError")
        elif not entry.hidden and "task" in entry.given:
            error = "TypeError" if scheduler.kind == "database" else "AttributeError"
            yield RefusedEntry(entry.place, "missing", "", scheduler, error)
        for key, value in entry.given.items():
            why, error = (None, "") if key in ENTRY_FIELDS else self._unknown(entry, key, value)
            if why is None:
                continue
            names = [item for item in entry.value.items if item.data == key]
            place = entry.module.place(names[-1].span) if names else entry.place
            yield RefusedEntry(place, why, key, scheduler, error, nearest(key, ENTRY_FIELDS))

    def _unknown(self, entry: Entry, key: str, value: Value) -> tuple[Why | None, str]:
        """What is wrong with a field that entries of Celery do not have; nothing where it may be right."""
        scheduler = self.schedulers.only
        if scheduler.kind == "unknown":
            return None, ""
        if scheduler.kind == "database":
            if key in DATABASE_OPTIONS:
                return "lost", ""
            known = self.project.constant(entry.module, value) if key == "expires" else None
            if known is not None and isinstance(known.data, int | float):
                return "option", "TypeError"  # a row has the moment at which it expires
            return (None, "") if key in DATABASE_FIELDS else ("field", "FieldError")
        if key in _OF_REDBEAT and (scheduler.kind == "redbeat" or scheduler.place is None):
            return None, ""
        return ("option" if key in _OF_THE_MESSAGE else "field"), "TypeError"

    def _no_schedule(self, module: Module, value: Value) -> str:
        """What stands in place of a schedule, as it is written, if it is none; nothing if it may be one."""
        known = self.project.constant(module, value)
        if known is None:
            return "a text" if value.is_text() else ""
        if known.kind == "constant" and isinstance(known.data, str):
            return f"`{known.data!r}`" if len(known.data) <= _LONGEST else "a text"
        return {"sequence": "a sequence", "mapping": "a mapping"}.get(known.kind, "")

    # ------------------------------------------------------------------ what cannot be sent

    @facts
    def unsendable(self) -> list[UnsendableEntry]:
        """The entries that fail whenever they are due."""
        found = [unsendable for entry in self._in_force for unsendable in self._unsendable(entry)]
        return self.schedules.unless_by_nobody(found)

    def _unsendable(self, entry: Entry) -> Iterator[UnsendableEntry]:
        args, kwargs, task = (entry.given.get(field) for field in ("args", "kwargs", "task"))
        scheduler = self.schedulers.only
        # Celery's own scheduler writes all entries to its log before the first is due, read or not.
        shown = scheduler.kind == "file"
        if args is not None:
            known = self._known(entry.module, args)
            if known is not None and self._is_no_tuple(known) and not self._may_fit(entry, known, kwargs):
                error = "TypeError" if shown and isinstance(known.data, int | float) else ""
                yield UnsendableEntry(
                    entry.module.place(args.span), "args", _written(known), scheduler, error
                )
        if kwargs is not None:
            known = self._known(entry.module, kwargs)
            if known is not None and ((known.kind == "sequence" and known.items) or _is_scalar(known)):
                error = "AttributeError" if shown else ""
                yield UnsendableEntry(
                    entry.module.place(kwargs.span), "kwargs", _written(known), scheduler, error
                )
        if task is not None and task.kind in ("name", "call") and task.chain:
            chain = task.chain.removesuffix(".s") if task.kind == "call" else task.chain
            if (task.kind == "name" or chain != task.chain) and self.tasks.of(
                self.project.resolve(entry.module, chain)
            ):
                what: What = "task" if task.kind == "name" else "signature"
                error = "TypeError" if what == "task" and scheduler.kind == "redbeat" else ""
                written = chain.lstrip(":.~%")
                yield UnsendableEntry(entry.module.place(task.span), what, written, scheduler, error)

    def _known(self, module: Module, value: Value) -> Value | None:
        """What is written, if it can be seen: ``json.dumps(…)`` is a text, whatever stands in it."""
        if value.kind == "call" and self.project.resolve(module, value.chain).name in TEXT_MAKERS:
            return Value("constant", value.span, "{…}" + "." * _LONGEST)
        return self.project.constant(module, value)

    def _may_fit(self, entry: Entry, known: Value, kwargs: Value | None) -> bool:
        """Whether the task may take the letters of a text, or the keys of a mapping: it runs with them."""
        task = self.schedules.task(entry) if known.kind == "mapping" or isinstance(known.data, str) else None
        if task is None:
            return False
        signature = self.signatures.of(task)
        if signature is None or not self.signatures.is_checked(task) or signature.more_positional:
            return True
        parts = known.items if known.kind == "mapping" else (known,) * len(str(known.data))
        named = self.project.constant(entry.module, kwargs) if kwargs is not None else None
        hidden = kwargs is not None and (named is None or any(key in "**?" for key, _ in named.keywords))
        keywords = named.keywords if named is not None and not hidden else ()
        return mismatch(signature, Given(parts, keywords, False, hidden)) is None

    def _is_no_tuple(self, known: Value) -> bool:
        return known.kind == "mapping" or (_is_scalar(known) and not _is_letter(known))


def _is_scalar(known: Value) -> bool:
    return known.kind == "constant" and bool(known.data)  # else an entry takes it for nothing


def _is_letter(known: Value) -> bool:
    """``("a")`` is the text `a`, which is taken apart into one argument: what was meant."""
    return isinstance(known.data, str) and len(known.data) == 1


def _written(known: Value) -> str:
    if known.kind == "constant":
        shown = repr(known.data)
        return f"`{shown}`" if len(shown) <= _LONGEST else "a text"
    return "a mapping" if known.kind == "mapping" else "a sequence"

"""What ``on_commit`` gets: a function to call later, or what a call has given already."""

from __future__ import annotations

import re
from typing import Literal

from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.libraries.django import ON_COMMIT
from celery_lint.model.arguments import ABSENT
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_KEYWORDS = frozenset({"func", "using", "robust"})
# Words in the names of what holds the name of a database: `using`, `DEFAULT_DB_ALIAS`, `order._state.db`.
_OF_DATABASES = frozenset({"using", "db", "alias", "database", "connection", "replica", "shard"})
_KEY = re.compile(r"(^|[._%])(pk|id|uuid)$")


class WrongCallback(NamedTuple):
    """What ``on_commit`` cannot call: a task that was ``sent`` already, or that ``lacks`` arguments.

    ``using``: what is meant for the task stands where the name of a database does. ``unknown``: it has a
    keyword that ``on_commit`` does not take, ``missing``.
    """

    kind: Literal["sent", "lacks", "using", "unknown"]
    task: str
    how: str
    missing: str
    place: Place


class Callbacks:
    """The callbacks that projects register for the commit."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)

    @facts
    def wrong(self) -> list[WrongCallback]:
        """Those that send a task at once, or that fail after the commit."""
        return [
            found
            for module, function in self.project.holding("on_commit")
            for call in self.functions.calls(module, function)
            if call.leaf() == "on_commit" and self.project.resolve(module, call.chain).name in ON_COMMIT
            if (found := self._judged(module, function, call)) is not None
        ]

    def _judged(self, module: Module, function: Function, call: Call) -> WrongCallback | None:
        value = function.value_of(call)
        given = (value.first() or value.keyword("func")) if value is not None else None
        how = given.chain.rpartition(".")[2] if given is not None else ""
        if given is None or how not in SENDING:
            return None
        if given.kind == "call":
            return self._sent(module, function, given)
        task = self.tasks.of(self.project.resolve(module, given.chain.rpartition(".")[0]))
        if task is None or given.kind != "name":
            return None
        signature = self.signatures.of(task)
        required = signature.required if signature is not None else ()
        place = module.place(given.span)
        foreign = [each.keyword for each in call.takes if each.keyword not in (*_KEYWORDS, "", "**")]
        if foreign:
            return WrongCallback("unknown", task.label, how, foreign[0], place)
        if not call.is_open_ended and self._is_for_the_task(module, function, call, bool(required)):
            return WrongCallback("using", task.label, how, "", place)
        if how != "delay" or not required:
            return None
        return WrongCallback("lacks", task.label, how, required[0], place)

    def _is_for_the_task(self, module: Module, function: Function, call: Call, needed: bool) -> bool:
        """Whether the second argument is no name of a database: the task may need one."""
        given = call.positional[1] if len(call.positional) > 1 else ABSENT
        if given.kind == "constant":
            return given.data is not None
        if given.kind == "mapping" or given.is_filled:
            return True
        if given.kind not in ("name", "call"):
            return False
        made = self.functions.calls(module, function)[given.number] if given.kind == "call" else None
        chains = [given.chain] if made is None else [made.chain, *(each.chain for each in made.takes)]
        words = {word for chain in chains for word in re.split(r"[\W_]+", chain.lower())}
        is_key = _KEY.search(chains[-1]) is not None
        return words.isdisjoint(_OF_DATABASES) and (is_key or (needed and made is not None))

    def _sent(self, module: Module, function: Function, given: Value) -> WrongCallback | None:
        """``on_commit(task.delay(pk))``."""
        for inner in self.functions.calls(module, function):
            if inner.span == given.span and self.sendings.of(module, function, inner) is not None:
                name = given.chain.rpartition(".")[0].rpartition(".")[2].lstrip(":~%")
                return WrongCallback("sent", name, inner.leaf(), "", module.place(given.span))
        return None

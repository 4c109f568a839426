"""Functions that take a task by a name that only the run knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from celery_lint.inventory.workers.naming import places, places_outside
from celery_lint.inventory.workers.senders.registries import Registries
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.unparsed import UnparsedTexts

# What takes a task by a name that only the run knows, and sends it or makes a signature.
_COMPUTED_WORDS = (
    "tasks",
    "getattr",
    "attrgetter",
    "import_string",
    "locals",
    "globals",
    "vars",
    "__dict__",
)
_REGISTRIES = (".tasks[]", ".tasks.get")
_SENDS = r"\.(?:delay|apply_async|s|si|signature)\b"
_COMPUTED = re.compile(
    r"(?:(?:getattr|import_string|attrgetter\(\))\(\)(?:\[\])?"
    rf"|(?:(?:locals|globals|vars)\(\)|\b__dict__)(?:\[\]|\.get\(\))?){_SENDS}"
)
# Without one of these in a text it is not searched for that.
_COMPUTING = ("getattr()", "import_string()", "attrgetter()", "locals()", "globals()", "vars()", "__dict__")
_SEARCHING = (".tasks.items", ".tasks.values")
# What goes through all tasks, and what sends one that a loop or a search has found.
_SEARCHED = re.compile(r"(?<![^\s=])([^\s=]*)\.tasks\.(?:items|values)(?=\(\)|\t)")
_FOUND = re.compile(rf"(?<![^\s=])(?:%\w+|~\w+\(\))(?:\[\])*{_SENDS}")
# The names of functions that send once more what was sent: they send nothing that nobody else does.
_AGAIN = re.compile(
    r"re_?queue|re_?send|re_?deliver|re_?submit|replay|retry|rerun|dlq|dead_?letter", re.IGNORECASE
)


class _Said(NamedTuple):
    """What the text of a function says of tasks that it looks up.

    ``computes``: it sends what a name of the run gives. ``searched`` are the owners of all tasks that it goes
    through.
    """

    computes: bool
    holds_registry: bool
    searched: tuple[str, ...]


class Lookups:
    """The functions of a product that may send whatever task they are told."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.registries = known.of(Registries)
        self.unparsed = known.of(UnparsedTexts)

    @once
    def all(self) -> list[tuple[Module, Function]]:
        """The functions that may send what they take by a name that only the run knows."""
        return [
            (module, function)
            for module, function, _ in self.functions.saying(self.project.product_modules(), _COMPUTED_WORDS)
            if self._looks_up(module, function) and not _AGAIN.search(function.name)
        ]

    def is_used(
        self,
        module: Module,
        function: Function,
        mentions: Mapping[str, Sequence[tuple[Module, Function | None]]],
    ) -> bool:
        """Whether a function is called by anybody, but in place of ``send_task``, which gives it a name.

        ``mentions`` says which functions hold a word, and which modules outside of functions.
        """
        if not function.name or function.decorators or function.owner or function.parent:
            return True
        if self.unparsed.hold([(function.name, "")]):
            return True
        stand_ins = [
            each.value for each in module.assignments if each.key == "send_task" and _is(each.value, function)
        ]
        bound = [span for value in stand_ins for span in places(value, function.name)]
        given = [*places_outside(self.functions, module, function.name)]
        return any(
            other is not function
            and (other is not None or home is not module or bound != given)
            and not (other is not None and stand_ins and self._means_another(home, other, module, function))
            for home, other in mentions.get(function.name, ())
        )

    def _means_another(self, home: Module, other: Function, module: Module, function: Function) -> bool:
        """Whether a function says by the name of a stand-in no more than what that stands in for."""
        name = function.name
        if home is module:
            if any(f":{name}" in packed for packed in (other.packed_calls, other.packed_steps)):
                return False
        elif any(target.rpartition(".")[2] == name for target in home.imports.values()):
            return False
        calls = [call for call in self.functions.calls(home, other) if call.leaf() == name]
        return bool(calls) and not any(
            self.project.resolve(home, call.chain).function() is function for call in calls
        )

    def _looks_up(self, module: Module, function: Function) -> bool:
        said = self.functions.kept(module, f"looks up {function.qualname}", None, partial(_said_of, function))
        if said.computes or (said.holds_registry and self.registries.may_send(module, function)):
            return True
        searches = any(self.registries.may_be_registry(module, each) for each in said.searched)
        return searches and self._sends_found(function)

    def _sends_found(self, function: Function) -> bool:
        """Whether it sends what it finds, or who calls it sends what it gives."""
        if any(map(_FOUND.search, (function.packed_calls, function.packed_steps))):
            return True
        given = re.compile(rf"\b{re.escape(function.name)}\(\){_SENDS}")
        callers = self.functions.saying(self.project.product_modules(), {function.name})
        return function.name != "" and any(given.search(each.packed_calls) for _, each, _ in callers)


def _said_of(function: Function) -> _Said:
    packed = calls, _ = function.packed_calls, function.packed_steps
    searched = _SEARCHED.finditer(calls) if any(word in calls for word in _SEARCHING) else ()
    return _Said(
        any(word in text for text in packed for word in _COMPUTING) and any(map(_COMPUTED.search, packed)),
        any(word in text for text in packed for word in _REGISTRIES),
        tuple([found[1] for found in searched]),
    )


def _is(value: Value, function: Function) -> bool:
    return value.chain == f":{function.name}"

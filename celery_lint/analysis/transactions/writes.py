"""What a function writes into a database, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.libraries.django import CHANGING, CREATING, MANAGERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_OF_ROWS = frozenset({"save", "delete"})
_OWN = frozenset({*_OF_ROWS, "create", "update"})
# Methods whose name no other kind of object has.
_SURE = CREATING - {"create"} | {"bulk_update"}
_QUERIES = (".filter()", ".exclude()", ".all()", ".select_for_update()")
_WORDS = tuple(f"{prefix}{word}" for word in {*_OF_ROWS, *CREATING, *CHANGING} for prefix in (".", ".a"))
_CREATING = tuple(f"{prefix}{word}" for word in CREATING for prefix in (".", ".a"))
# Packages whose objects write into the database by these methods.
_WRITING_PACKAGES = frozenset({"django", "rest_framework", "builtins"})


class Write(NamedTuple):
    """A call that writes. ``names`` are the variables that may hold what is written.

    ``rows`` are those among them that certainly hold the row itself.
    """

    call: Call
    step: Step
    names: frozenset[str]
    rows: frozenset[str]


class Writes:
    """The writes of functions through Django's models, forms and serializers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def of(self, module: Module, function: Function) -> list[Write]:
        """The writes of a function, in the order of the source; none that it only hands on in a lambda."""
        found = list(self._found(module, function)) if function.may_call(*_WORDS) else []
        found += self._by_helpers(module, function)
        return sorted(found, key=lambda write: write.call.number)

    def _found(self, module: Module, function: Function) -> Iterator[Write]:
        flow = self.functions.of(module, function)
        calls = self.functions.calls(module, function)
        rows = _rows(flow)
        for call in calls:
            step = flow.step_of(call) if not call.in_lambda and self._writes(module, call, rows) else None
            if step is not None:
                names = _names(call, step, calls, flow)
                yield Write(call, step, names, _holders(call, step, function, flow))

    def _by_helpers(self, module: Module, function: Function) -> Iterator[Write]:
        """``order = make_order(basket)``: calls of functions that make a row and give it."""
        flow = self.functions.of(module, function)
        for call in self.functions.calls(module, function):
            step = flow.step_of(call) if not call.in_lambda else None
            if step is None or step.kind != "assign" or step.value != f"{call.chain}()":
                continue
            target = self.graph.target(module, call.chain)
            if target is not None and target[1].is_async == call.is_awaited and self._makes(*target):
                yield Write(call, step, frozenset(step.stores), frozenset(step.stores))

    def _makes(self, module: Module, function: Function) -> bool:
        """Whether a function gives nothing but rows that it makes, when it gives any."""
        if not function.may_call(*_CREATING) or function.is_generator or function.name == "__init__":
            return False
        made = {
            name
            for write in self._found(module, function)
            if _plain(write.call.leaf()) in CREATING and write.step.kind == "assign"
            for name in write.step.stores
        }
        found = False
        flow = self.functions.of(module, function)
        for step in flow.steps:
            if step.kind == "return" and step.value != "#None":
                names = made.intersection(step.loads)
                values = {other.value for other in flow.steps if names.intersection(other.stores)}
                if len(values) > 1 or step.value.removesuffix(".0") not in values:
                    return False
                found = True
        return found

    def _writes(self, module: Module, call: Call, rows: frozenset[str]) -> bool:
        receiver, _, leaf = call.chain.rpartition(".")
        leaf = _plain(leaf)
        if not receiver or leaf not in CREATING | CHANGING | _OF_ROWS:
            return False
        if receiver in ("~super()", "builtins.super()"):
            return leaf in _OWN
        managed = _is_of_rows(receiver) or receiver.partition(".")[0] in rows
        if managed:
            return True
        if leaf in _OF_ROWS:  # `image.save(path)` and `cache.delete(key)` get something
            sure = not call.positional
        else:
            sure = leaf in _SURE or (leaf == "update" and any(query in f"{receiver}." for query in _QUERIES))
        return sure and self._is_of_database(module, receiver)

    def _is_of_database(self, module: Module, receiver: str) -> bool:
        """Whether nothing says that it belongs to a library without a database."""
        entity = self.project.resolve(module, receiver)
        return entity.kind != "external" or entity.name.partition(".")[0] in _WRITING_PACKAGES


def _is_of_rows(chain: str) -> bool:
    """Whether a chain is a manager of rows, or comes from one."""
    return any(manager in f"{chain}." for manager in MANAGERS)


def _rows(flow: Flow) -> frozenset[str]:
    """The variables that hold rows or queries of them, as chains."""
    return frozenset(
        f"%{name}"
        for step in flow.steps
        if step.kind == "assign"
        and (_is_of_rows(step.value) or any(query in step.value for query in _QUERIES))
        for name in step.stores
    )


def _plain(leaf: str) -> str:
    """``acreate`` as ``create``."""
    asynchronous = leaf[:1] == "a" and leaf[1:] in CREATING | CHANGING | _OF_ROWS
    return leaf[1:] if asynchronous and leaf != "add" else leaf


def _names(call: Call, step: Step, calls: list[Call], flow: Flow) -> frozenset[str]:
    """The variables that hold what a call writes: what it gives, what it is called on."""
    found = set(step.stores) if step.kind == "assign" else set()
    if _plain(call.leaf()) not in CREATING:
        made = [calls[number] for number in step.calls]
        given = {argument.local for each in made for argument in each.takes}
        chains = {argument.chain for each in made for argument in each.takes if argument.chain[:1] != "%"}
        for other in flow.steps:  # a variable may be known by what it holds
            if other.kind == "assign" and other.value and other.value in chains:
                given.update(other.stores)
        found |= {name for name in step.loads if name.isidentifier() and name not in given}
    return frozenset(found)


def _holders(call: Call, step: Step, function: Function, flow: Flow) -> frozenset[str]:
    """The variables that hold the row that a call writes: what it gives, or what it is called on."""
    leaf = _plain(call.leaf())
    found = set(step.stores) if step.kind == "assign" else set()
    if leaf in _OF_ROWS:
        receiver = call.chain.rpartition(".")[0]
        annotated = {each.name: f"{each.annotation}()" for each in function.parameters if each.annotation}
        for name in step.loads:
            held = {each.value for each in flow.steps if name in each.stores and each.kind == "assign"}
            if receiver in (f"%{name}", annotated.get(name), *held):
                found.add(name)
    return frozenset(found)

"""Receivers of Celery's signals that are collected before the signal comes.

``Signal.connect`` keeps a weak reference (celery/utils/dispatch/signal.py): what nobody else keeps is gone
with the function that has made it, and a lambda at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

from celery_lint.analysis.wiring.ended import Ended
from celery_lint.analysis.wiring.untouched import Untouched
from celery_lint.inventory.application.signals.connections import Signal, connected
from celery_lint.inventory.tasks.schedules import PERIODIC, Entry, Schedules, is_in_force
from celery_lint.libraries.logging import LEVELS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow, by_path
from celery_lint.project.known import Known, facts

_PARTIAL = "functools.partial"
# The statements of a receiver that does nothing but add entries to a schedule.
_PLAIN = frozenset({"expr", "import", "pass"})
_OPTIONS = frozenset({"sender", "dispatch_uid", "weak", "retry"})


class LostReceiver(NamedTuple):
    """A receiver that no signal calls. ``kind``: what it is; ``function``: what it is gone with, if any."""

    kind: Literal["function", "lambda", "partial", "method"]
    place: Place
    name: str
    signal: str
    function: str = ""
    ends: Place | None = None


class _Connection(NamedTuple):
    """The statement that connects a receiver, the signal, and what to show."""

    signal: Signal
    step: Step
    place: Place


class LostReceivers:
    """The receivers of signals that nothing keeps."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.ended = known.of(Ended)
        self.schedules = known.of(Schedules)
        self.untouched = known.of(Untouched)

    @facts
    def all(self) -> list[LostReceiver]:
        """Each of them, once."""
        found: dict[Place, LostReceiver] = {}
        connecting = by_path(self.project.calling(".connect"))
        for module in self.project.product_modules():
            for function in self._making(module, connecting.get(module.path, [])):
                for lost in self._nested(module, function):
                    found.setdefault(lost.place, lost)
            for function in connecting.get(module.path, ()):
                for lost in self._given(module, function):
                    found.setdefault(lost.place, lost)
        return list(found.values())

    def words(self) -> set[tuple[str, str]]:
        """The names of the functions that nothing read so far calls: another file that does may."""
        _ = self.all
        return self.ended.uncalled

    # ------------------------------------------------------------------ functions in functions

    def _making(self, module: Module, connecting: list[Function]) -> list[Function]:
        """The functions in which another is defined, and one is connected."""
        around = [
            module.functions.get(inner.parent)
            for inner in module.functions.decorated()
            if inner.parent and not inner.owner and any(map(_connects, inner.decorators))
        ]
        calling = [function for function in connecting if function.has("def")]
        return module.functions.in_order([each for each in around if each is not None], calling)

    def _nested(self, module: Module, function: Function) -> Iterator[LostReceiver]:
        """The functions in a function that it connects, and does nothing else with."""
        if not self.ended.forgets(module, function):
            return
        flow = self.functions.of(module, function)
        for step in flow.steps:
            inner = module.functions.get(step.value) if step.kind == "def" and step.value else None
            if inner is None or inner.owner or inner.is_async:
                continue
            found = self._connections(module, function, flow, step, inner)
            late = all(self._comes_later(module, function, flow, each, inner) for each in found)
            if not found or not late or self._repeats(module, function, flow, inner):
                continue
            if self.ended.is_called(module, function):
                place, name = found[0].place, found[0].signal.name
                ends = module.place(function.span)
                yield LostReceiver("function", place, inner.name, name, function.name, ends)

    def _connections(
        self, module: Module, function: Function, flow: Flow, defined: Step, inner: Function
    ) -> list[_Connection]:
        """Where a function is connected; none where something may keep it, or nobody can tell."""
        found = []
        for decorator in inner.decorators:
            signal = connected(self.project, module, decorator.chain)
            if signal is None or not _is_weak(decorator):
                return []
            found.append(_Connection(signal, defined, module.place(decorator.span)))
        calls = self.functions.calls(module, function)
        for step in flow.steps:
            if step is not defined and inner.name in step.stores:
                return []
            if inner.name not in step.loads:
                continue
            made = self._connecting(module, calls, step, f":{inner.qualname}")
            if made is None:
                return []
            found.append(made)
        return found

    def _connecting(self, module: Module, calls: list[Call], step: Step, chain: str) -> _Connection | None:
        """The statement as one that connects what a chain names, and does nothing else."""
        if step.kind != "expr" or len(step.calls) != 1:
            return None
        call = calls[step.calls[0]]
        signal = connected(self.project, module, call.chain) if _is_weak_call(call) else None
        if signal is None or sum(given.chain == chain for given in call.takes) != 1:
            return None
        if call.argument(0, "receiver").chain != chain:
            return None
        return _Connection(signal, step, module.place(call.span))

    def _comes_later(
        self, module: Module, function: Function, flow: Flow, connection: _Connection, inner: Function
    ) -> bool:
        """Whether the function is over when the signal comes."""
        after = _after(flow, connection.step)
        if not self.ended.is_over(module, function, after, connection.signal):
            return False
        if not connection.signal.of_application:
            return True
        names = self._names(module, connection.step, inner)
        return self.untouched.holds(module, function, after, names)

    def _names(self, module: Module, step: Step, inner: Function) -> set[str]:
        """The names by which a function knows the application whose signal it connects."""
        names = {name for name in step.loads if name.isidentifier()} - {inner.name}
        if step.kind == "def":
            read = {name for each in self.functions.of(module, inner).steps for name in each.loads}
            return (names - read) or names
        return names

    def _repeats(self, module: Module, function: Function, flow: Flow, inner: Function) -> bool:
        """Whether a function only adds entries that the schedule in the settings holds: none is missed."""
        if not inner.may_call(f".{PERIODIC}"):
            return False
        steps = self.functions.of(module, inner).steps
        calls = self.functions.calls(module, inner)
        if any(step.kind not in _PLAIN for step in steps) or any(
            call.is_statement and call.leaf() not in (PERIODIC, *LEVELS) for call in calls
        ):
            return False
        added = [entry for entry in self.schedules.all if entry.function is inner]
        names = {name for name in _loaded(module, function) if _is_whole(flow, name)}
        return bool(added) and all(self._is_listed(entry, names) for entry in added)

    def _is_listed(self, entry: Entry, names: Collection[str]) -> bool:
        """Whether the schedule holds an entry, or is a mapping of one of these names that it is out of."""
        taken = entry.given["schedule"].chain if "schedule" in entry.given else ""
        if entry.key and any(taken.startswith(f"%{name}[") for name in names):
            return True
        task = self.schedules.task(entry)
        return task is not None and any(
            other.certain
            and other.written == "mapping"
            and other.key == entry.key
            and (known := self.schedules.task(other)) is not None
            and known.key == task.key
            and self._is_as_often(entry, other)
            for other in self.schedules.all
        )

    def _is_as_often(self, entry: Entry, other: Entry) -> bool:
        """Whether two entries have one schedule, as it is written."""
        one, two = entry.given.get("schedule"), other.given.get("schedule")
        return one is not None and two is not None and _plain(one) == _plain(two)

    # ------------------------------------------------------------------ made for the call alone

    def _given(self, module: Module, function: Function) -> Iterator[LostReceiver]:
        """What a call of ``connect`` makes for itself: it is gone when the call has returned."""
        calls = self.functions.calls(module, function)
        for call in calls:
            if not call.is_statement or call.in_lambda or not _is_weak_call(call):
                continue
            signal = connected(self.project, module, call.chain)
            if signal is None:
                continue
            kind, name = self._made(module, function, call, calls)
            if kind is not None and self.ended.is_called(module, function):
                yield LostReceiver(kind, module.place(call.span), name, signal.name)

    def _made(
        self, module: Module, function: Function, call: Call, calls: list[Call]
    ) -> tuple[Literal["lambda", "partial", "method"] | None, str]:
        """What is made for a call of ``connect``, and its name."""
        whole = function.value_of(call)
        receiver = whole.first() or whole.keyword("receiver") if whole is not None else None
        if receiver is None:
            return None, ""
        if receiver.kind == "lambda":
            return "lambda", "lambda"
        if receiver.kind == "call":
            callee = self.project.resolve(module, receiver.chain)
            if callee.kind == "external" and callee.name == _PARTIAL:
                return "partial", "partial(…)"
        given = call.argument(0, "receiver")
        owner, _, method = given.chain.rpartition("().")
        made = [other for other in calls if other.chain == owner and other.span.line == call.span.line]
        if owner and method.isidentifier() and any(other.is_looked_into for other in made):
            class_ = self.project.resolve(module, owner)
            if class_.kind == "class" and self._keeps_nothing(class_):
                return "method", f"{owner.rpartition('.')[2].lstrip(':')}().{method}"
        return None, ""

    def _keeps_nothing(self, class_: Entity) -> bool:
        """Whether objects of a class are kept by nobody but who makes them: no code of theirs runs."""
        for base in self.project.bases(class_):
            body = base.class_()
            if base.name == "builtins.object":
                continue
            if body is None or body.decorators or base.module is None:
                return False
            for name in ("__init__", "__new__", "__init_subclass__", "__post_init__"):
                if name in body.methods:
                    return False
        return True


def _after(flow: Flow, step: Step) -> list[Step]:
    """What may run after a statement: what comes later, and all of the loop around it."""
    loops = [outer for outer in flow.ancestors(step) if outer.kind in ("for", "while")]
    if loops:
        return [*loops, *flow.below(loops[-1]), *flow.after(loops[-1])]
    return flow.after(step)


def _connects(decorator: Value) -> bool:
    return decorator.chain.endswith(".connect")


def _is_weak(decorator: Value) -> bool:
    """Whether a decorator keeps what it connects by a weak reference."""
    if decorator.kind == "name":
        return True
    if decorator.kind != "call" or decorator.items:
        return False
    return all(
        _is_weak_option(key, value.data, value.kind == "constant") for key, value in decorator.keywords
    )


def _is_weak_call(call: Call) -> bool:
    """The same of a call of ``connect`` with a receiver."""
    if call.is_open_ended or call.is_decorator or len(call.positional) > 2:
        return False
    return all(
        given.keyword in ("", "receiver")
        or _is_weak_option(given.keyword, given.data, given.kind == "constant")
        for given in call.takes
    )


def _is_weak_option(keyword: str, data: object, is_constant: bool) -> bool:
    if keyword not in _OPTIONS:
        return False
    if keyword == "weak":
        return is_constant and data is True
    if keyword == "retry":
        return is_constant and data is False
    return True


def _loaded(module: Module, function: Function) -> Iterator[str]:
    """The variables of a function that it makes the schedule of an application's configuration."""
    for each in module.assignments:
        is_own = each.function == function.qualname and each.value.chain[:1] == "%"
        if is_own and not each.subscript and is_in_force(f"{each.target}.{each.key}"):
            yield each.value.chain[1:]


def _is_whole(flow: Flow, name: str) -> bool:
    """Whether a variable is a mapping that is written down there, and bound once."""
    return [step.value for step in flow.steps if name in step.stores] == ["{"]


def _plain(value: Value) -> object:
    """An expression without the places where its parts stand."""
    return (
        value.kind,
        value.data,
        value.chain,
        [_plain(item) for item in value.items],
        [(key, _plain(item)) for key, item in value.keywords],
    )

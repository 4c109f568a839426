"""Exceptions that cannot leave a function, or a block of one, because something there catches them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.handlers import LEAVING, is_log
from celery_lint.libraries.asyncio import runs_what_it_is_given
from celery_lint.libraries.exceptions import (
    catches,
    never_raises,
    of_the_system,
    raises_its_own,
    raises_nothing,
)
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_ALL = "builtins.BaseException"
#: What nearly all exceptions are kinds of.
ORDINARY = "builtins.Exception"
#: These are no kinds of ``Exception``.
_EXTRAORDINARY = frozenset({"builtins.KeyboardInterrupt", "builtins.SystemExit"})
#: What an object that is not what the code believes raises.
_UNMEANT = frozenset(
    f"builtins.{name}"
    for name in (
        *("BaseException", "Exception", "AttributeError", "IndexError", "KeyError", "LookupError"),
        *("TypeError", "ValueError"),
    )
)
#: Builtins that refuse what they are given, and of which no call is kept.
_REFUSING = frozenset({"float", "format", "int", "len"})
#: So many calls away it is still asked what a call may raise.
_DEPTH = 3
#: What stores how a piece of work ended.
_NOTING = frozenset({"save", "commit"})
# What gives back what the work was done with, after it.
_CLOSING = frozenset({"aclose", "close"})
# The same as noting, of a handler.
_TELLING = _NOTING | {"update_state"}
_PARTS = ("body", "else", "case")
# What managers and query sets of Django fetch with. Methods of managers of the project do what they do.
_FETCHING = frozenset(
    {
        *("all", "annotate", "count", "dates", "defer", "distinct", "earliest", "exclude"),
        *("exists", "filter", "first", "get", "iterator", "last", "latest", "none", "only"),
        *("order_by", "prefetch_related", "reverse", "select_for_update", "select_related", "using"),
        *("values", "values_list"),
    }
)
#: Statements that ask their objects for nothing but their value, besides what they call.
_SIMPLE = frozenset(
    {"assign", "expr", "return", "if", "try", "pass", "break", "continue", "global", "import"}
)


class _Place(NamedTuple):
    """A function that is looked through. ``inner``: the call in it that raises nothing, if that is known.

    ``anything``: whether an index, an attribute or a loop counts, which raise where an object is not what the
    code believes. Nobody waits for such an exception, but a handler of all and sundry gets it. ``noting``:
    what only notes how the work ended is left out, where that stands beside the work. ``fetching``: the same
    for what fetches the rows that the work is about: ``Order.objects.get(pk=pk)``.
    """

    module: Module
    function: Function
    flow: Flow
    inner: str
    depth: int
    anything: bool
    noting: bool = False
    fetching: bool = False


class Escaping:
    """Which exceptions may leave which code."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def may_leave(
        self,
        module: Module,
        function: Function,
        names: frozenset[str],
        inner: str = "",
        noting: bool = False,
    ) -> bool:
        """Whether a function may raise one of these exceptions, apart from what it calls as ``inner``.

        With ``noting`` apart from what only saves something, too, under no condition and in no ``try``, and
        from handlers that store a state or save what they were about.
        """
        flow = self.functions.of(module, function)
        place = _Place(module, function, flow, inner, _DEPTH, False, noting)
        steps = [step for step in flow.body() if not (noting and self._only_notes(place, step, _NOTING))]
        return self._leaves(place, steps, names)

    def may_come_from(self, module: Module, function: Function, steps: Sequence[Step]) -> bool:
        """Whether these statements of a function, and those in them, may raise an ordinary exception.

        Apart from those that only fetch rows by the models of Django.
        """
        flow = self.functions.of(module, function)
        place = _Place(module, function, flow, "", _DEPTH, False, fetching=True)
        return self._leaves(place, steps, frozenset({ORDINARY}))

    def _only_notes(self, place: _Place, step: Step, words: frozenset[str]) -> bool:
        """Whether a statement only stores what others have set, or closes: ``job.save()``, ``db.close()``."""
        if step.kind != "expr" or not step.calls:
            return False
        calls = self.functions.calls(place.module, place.function)
        first, *inside = (calls[number] for number in step.calls)
        if first.leaf() not in words or first.positional:
            return False
        return not any(self._may_raise(place, call, frozenset({ORDINARY})) for call in inside)

    def is_reached(self, module: Module, function: Function, handler: Step, inner: str = "") -> bool:
        """Whether anything in the ``try`` of a handler, apart from ``inner``, may raise what it catches."""
        flow = self.functions.of(module, function)
        return self._is_reached(_Place(module, function, flow, inner, _DEPTH, False), handler)

    def _is_reached(self, place: _Place, handler: Step) -> bool:
        names = frozenset(self.caught(place.module, handler))
        if not all("." in name for name in names):
            return True  # exceptions of the project, or such as nobody knows
        unmeant = not names.isdisjoint(_UNMEANT)
        if not unmeant and any(name.startswith("builtins.") and not of_the_system(name) for name in names):
            return True  # a division, an import, an `assert`: no call has to be there
        flow = place.flow
        place = place._replace(anything=unmeant, noting=False)
        return self._leaves(place, flow.body(flow.steps[handler.parent]), names)

    def caught(self, module: Module, handler: Step) -> Iterator[str]:
        """The exceptions that a handler catches, by name; nothing for one that is not known."""
        if not handler.chains:
            yield _ALL
        for chain in handler.chains:
            yield self.project.resolve(module, chain).name

    # ------------------------------------------------------------------ statements

    def _lets_out(self, place: _Place, names: frozenset[str]) -> bool:
        """Whether a function may raise one of these exceptions."""
        return self._leaves(place, place.flow.body(), names)

    def _leaves(self, place: _Place, steps: Sequence[Step], names: frozenset[str]) -> bool:
        return bool(names) and any(self._leaves_one(place, step, names) for step in steps)

    def _leaves_one(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        if step.kind in ("def", "class") or is_log(step):
            return False
        if step.kind == "raise" and self._raises(place, step, names):
            return True
        calls = self.functions.calls(place.module, place.function)
        made = [calls[number] for number in step.calls]
        if place.anything and _looks_into(step, made, f"{place.inner}()"):
            return True
        if any(self._may_raise(place, call, names) for call in made) or _calls_a_local(step, made):
            return True
        if step.kind == "try":
            return self._leaves_try(place, step, names)
        return any(self._leaves(place, place.flow.body(step, part), names) for part in _PARTS)

    def _leaves_try(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        flow = place.flow
        left = names
        for handler in flow.body(step, "handler"):
            caught = frozenset(self.caught(place.module, handler))
            left = frozenset(name for name in left if not any(catches_all(each, name) for each in caught))
            rest = flow.body(handler)
            if place.noting:
                rest = [each for each in rest if not self._only_notes(place, each, _TELLING)]
            if self._leaves(place, rest, names) and self._is_reached(place, handler):
                return True
        ending = flow.body(step, "finally")
        if not place.anything:
            ending = [each for each in ending if not self._only_notes(place, each, _CLOSING)]
        return (
            self._leaves(place, flow.body(step), left)
            or self._leaves(place, flow.body(step, "else"), names)
            or self._leaves(place, ending, names)
        )

    def _raises(self, place: _Place, step: Step, names: frozenset[str]) -> bool:
        """Whether a ``raise`` may be of one of these exceptions."""
        entity = self.project.resolve(place.module, step.value.removesuffix("()"))
        if not names.isdisjoint((_ALL, ORDINARY)) or entity.kind != "external" or not entity.name:
            return True
        return any(catches_all(name, entity.name) for name in names)

    # ------------------------------------------------------------------ calls

    def _may_raise(self, place: _Place, call: Call, names: frozenset[str]) -> bool:
        """Whether a call may raise one of these exceptions; also where nobody can tell."""
        if place.inner and call.chain == place.inner:
            given = place.function.value_of(call) if place.anything else None
            return given is not None and any(_may_refuse(each) for each in _inside(given))
        if place.fetching and _only_fetches(call.chain):
            return False
        if call.leaf() in LEAVING:
            return True
        broad = not names.isdisjoint((_ALL, ORDINARY))
        target = self.graph.target(place.module, call.chain)
        if target is not None:
            module, function = target
            if not place.depth or (module.path == place.module.path and function is place.function):
                return True
            flow = self.functions.of(module, function)
            return self._lets_out(_Place(module, function, flow, "", place.depth - 1, place.anything), names)
        entity = self.project.resolve(place.module, call.chain)
        if runs_what_it_is_given(entity.name if entity.kind == "external" else "", call.leaf()):
            return False  # what the coroutine raises counts where it is made
        class_ = entity.class_() if entity.kind == "class" else None
        if class_ is not None and not class_.bases and not class_.decorators:
            return False  # `target` leads to its `__init__`, where it has one
        name = entity.name if entity.kind == "external" else ""
        known = call.chain if call.chain[:1] == "~" else name
        if never_raises(known) or (not place.anything and raises_nothing(known, leaf_of_chain(call.chain))):
            return False
        return broad or not name or not all(raises_its_own(name, each) for each in names)


def _only_fetches(chain: str) -> bool:
    """Whether all that a chain asks a manager of models for is to fetch rows: ``Order.objects.get``."""
    _, objects, asked = chain.partition(".objects.")
    return bool(objects) and all(each.rstrip("()[]") in _FETCHING for each in asked.split("."))


def catches_all(caught: str, raised: str) -> bool:
    """Whether a handler for one exception certainly gets the other."""
    if caught == ORDINARY:
        return raised != _ALL and raised not in _EXTRAORDINARY
    return caught == _ALL or (bool(caught) and catches(caught, raised))


def _calls_a_local(step: Step, made: Sequence[Call]) -> bool:
    """Whether a statement calls a method of what nobody can see through, which no call is kept of."""
    return any(
        chain[:1] == "%"
        and chain.endswith("()")
        and "." in chain
        and not raises_nothing("", leaf_of_chain(chain))
        and all(f"{call.chain}()" != chain for call in made)
        for chain in step.chains
        if step.kind in ("expr", "assign", "augment", "return")
    )


def _inside(value: Value) -> Iterator[Value]:
    """What an expression is made of, one step down."""
    yield from value.items
    for _, item in value.keywords:
        yield item


def _may_refuse(value: Value) -> bool:
    """Whether an expression asks its objects for more than that they are there: an item, a sum.

    A text that is put together of them takes whatever they are, and the calls in it are asked themselves.
    """
    if value.kind == "name":
        return "[]" in value.chain or (value.chain[:1] == "%" and "." in value.chain)
    if value.kind == "arithmetic":
        return any(item.kind != "constant" for item in value.items)
    if value.kind == "unknown":
        return value.data in ("set", "list", "generator", "*")
    if any(key in ("*", "**") for key, _ in value.keywords):
        return True
    return any(_may_refuse(each) for each in _inside(value))


def _looks_into(step: Step, made: Sequence[Call], inner: str) -> bool:
    """Whether a statement asks an object for a part of it, or does more than name, call and test.

    ``inner`` is a call that is known to raise nothing.
    """
    if any("[]" in given.chain for call in made for given in call.takes):
        return True
    if step.kind not in _SIMPLE and step.kind != "raise":
        return True
    if any(load[:1] in "[@." or load in _REFUSING for load in step.loads):
        return True
    if step.loads and (step.value == "?" or (step.kind == "assign" and len(step.stores) > 1)):
        return True  # it calculates, or takes apart
    chains = [chain for chain in step.chains if chain != inner]
    return any("[]" in chain or (chain[:1] == "%" and "." in chain) for chain in chains)

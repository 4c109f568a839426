"""The functions of a module that is edited: who asks something of one, or searches among them, is noted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any, Protocol, TypeVar, cast

from celery_lint.model.defined import FACETS, Defined, Facet, Kind, found_in
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.model.words import SAYING
from celery_lint.project.functions import Flow, Functions, Stretches, innermost, stretches

Answer = TypeVar("Answer")
Question = tuple[str, str, tuple[Any, ...]]
"""The function, what of it, and with which arguments; or of all: which of them is searched for in a way."""

ALL = "*"
_THERE = "there"
_AROUND = "around"
_GONE = object()


OUTLINE = frozenset({_THERE, _AROUND, "all", "family", "called"})
"""Questions after which functions there are, and where they stand."""

# The names of functions are known from the module itself.
_fields = Function._fields[2:]
_cheap = {
    method.__name__
    for method in (
        Function.mentions,
        Function.may_call,
        Function.hands_on,
        Function.has,
        Function.states,
    )
}


class Noting(Protocol):
    """Who remembers what is asked, and what is so now."""

    module: Module

    def note(self, question: Question) -> None:
        """Somebody has this answer now."""

    def ask(self, what: str, *given: Any) -> Any:
        """What is so of all functions now, which is noted."""


class Text:
    """The functions of a text, of which some are looked at: those that are others in another text."""

    def __init__(self, functions: dict[str, Function], some: Collection[str]) -> None:
        self._functions = functions
        self._some = {name: function for name, function in functions.items() if name in some}

    def answer(self, question: Question) -> Any:
        """What is so of a function, or of those that are looked at."""
        name, what, given = question
        if name == ALL:
            return self._of_all(what, given)
        function = self._functions.get(name)
        if what == _THERE:
            return function is not None
        if function is None:
            return _GONE
        found = getattr(function, what)
        return found(*given) if what in _cheap else found

    def _of_all(self, what: str, given: tuple[Any, ...]) -> Any:
        if what == _AROUND:
            around = innermost(self._stretches, *given)
            return around and around.qualname
        if what in SAYING:
            said = ((name, given[0].intersection(SAYING[what](each))) for name, each in self._some.items())
            return {name: words for name, words in said if words}
        if what in FACETS:
            is_meant = FACETS[what]
            return {name for name, function in self._some.items() if is_meant(function)}
        return {found.qualname for found in found_in(self._some.values(), cast("Kind", what), given)}

    @cached_property
    def _stretches(self) -> Stretches:
        return stretches(self._functions.values())


class WatchedDefined(Defined[Function]):
    """The functions of such a module: who asks for one, or for some of them, is noted."""

    __slots__ = ("_watch",)

    def __init__(self, watch: Noting, functions: dict[str, Function]) -> None:
        super().__init__(functions)
        self._watch = watch

    def put(self, function: Function) -> None:
        """Add a function behind the others."""
        dict.__setitem__(self, function.qualname, function)

    def get(self, name: str, default: Function | None = None) -> Function | None:  # type: ignore[override]
        self._watch.note((name, _THERE, ()))
        return super().get(name, default)

    def __getitem__(self, name: str) -> Function:
        self._watch.note((name, _THERE, ()))
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._watch.note((str(name), _THERE, ()))
        return super().__contains__(name)

    def values(self) -> Any:
        self._watch.note(_EACH)
        return super().values()

    def items(self) -> Any:
        self._watch.note(_EACH)
        return super().items()

    def keys(self) -> Any:
        self._watch.note(_EACH)
        return super().keys()

    def __iter__(self) -> Iterator[str]:
        self._watch.note(_EACH)
        return super().__iter__()

    def __len__(self) -> int:
        self._watch.note(_EACH)
        return super().__len__()

    def _found(self, what: Facet) -> list[Function]:
        return self._those(self._watch.ask(what))

    def named(self, *names: str) -> list[Function]:
        return self.search("name", names)

    def search(self, kind: Kind, texts: tuple[str, ...]) -> list[Function]:
        return self._those(self._watch.ask(kind, *texts))

    def _those(self, names: Collection[str]) -> list[Function]:
        return [function for name, function in self.every() if name in names]


class Watched(Function):
    """A function that may get another content, and notes what is asked of it."""

    def _replace(self, **fields: Any) -> Function:  # type: ignore[override]
        now: Function = vars(self)["now"]
        return now._replace(**fields)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other


def _field(name: str) -> property:
    def read(function: Watched) -> Any:
        own = vars(function)
        now: Function = own["now"]
        own["watch"].note((now.qualname, name, ()))
        return getattr(now, name)

    return property(read)


def _question(name: str) -> Callable[..., Any]:
    def ask(function: Watched, *given: str) -> Any:
        own = vars(function)
        now: Function = own["now"]
        own["watch"].note((now.qualname, name, given))
        return getattr(now, name)(*given)

    return ask


class WatchedFlow(Flow):
    """The statements of such a function: whoever holds them is told apart by whether it looks at them."""

    def __init__(self, function: Watched) -> None:
        self.function = function
        self._known: tuple[Function, Flow] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:  # type: ignore[override]
        return self._now().steps

    @property
    def _by_call(self) -> dict[int, Step]:
        return self._now()._by_call

    @property
    def _children(self) -> dict[tuple[int, str], list[Step]]:
        return self._now()._children

    def _now(self) -> Flow:
        """The statements as they are now."""
        own = vars(self.function)
        now: Function = own["now"]
        own["watch"].note((now.qualname, "packed_steps", ()))
        if self._known is None or self._known[0] is not now:
            flow = Flow(now)
            if self._known is not None:  # whoever has one that is still so asks whether it is this very one
                before = self._known[1].steps
                same = [
                    one if one == other else other for one, other in zip(before, flow.steps, strict=False)
                ]
                flow.steps = (*same, *flow.steps[len(same) :])
            self._known = now, flow
        return self._known[1]


for _name in _fields:
    setattr(Watched, _name, _field(_name))
for _name in _cheap:
    setattr(Watched, _name, _question(_name))


class WatchedFunctions(Functions):
    """The functions of a project, one of whose modules may be watched: what is kept here is noted too."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Noting | None = None

    @property
    def _watched(self) -> Module | None:  # type: ignore[override]
        return None if self.watch is None else self.watch.module

    def _note(self, module: Module, *question: Any) -> None:
        if self.watch is not None and module is self._watched:
            self.watch.note(question)

    def kept(self, module: Module, what: str, given: object, find: Callable[[], Answer]) -> Answer:
        return find() if module is self._watched else super().kept(module, what, given, find)

    def note(self, kind: Kind, texts: Iterable[str]) -> None:
        if kind == "given" and self.watch is not None:  # the others are noted where they are answered
            self.watch.note((ALL, kind, (frozenset(texts),)))

    def _saying(self, kind: Kind, names: frozenset[str]) -> dict[str, set[str]]:
        assert self.watch is not None
        said: dict[str, set[str]] = self.watch.ask(kind, names)
        return said

    def within(self, module: Module, qualname: str) -> list[Function]:
        self._note(module, ALL, "family", (qualname,))
        return super().within(module, qualname)

    def calls(self, module: Module, function: Function) -> Any:
        self._note(module, function.qualname, "packed_calls", ())
        return super().calls(module, function)

    def of(self, module: Module, function: Function) -> Flow:
        if isinstance(function, Watched):
            flow: Flow = vars(function)["flow"]
            return flow
        self._note(module, function.qualname, "packed_steps", ())
        return super().of(module, function)

    def around(self, module: Module, value: Value) -> Function | None:
        if self.watch is None or module is not self._watched:
            return super().around(module, value)
        name: str | None = self.watch.ask(_AROUND, value.span.line)
        return None if name is None else dict.get(module.functions, name)


_EACH: Question = (ALL, "all", ("",))

"""The functions of a module by name, and what somebody was after among them.

Most functions of a project concern nobody: no search is after them, and nobody asks for them by name. So what
is asked is noted here, and a function that comes, goes or changes makes no difference to anybody who would
not have got it, neither as it was nor as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Generic, Literal, Protocol, TypeVar

Kind = Literal["calls", "steps", "name", "again", "family", "all", "called", "said", "given"]
"""What a search goes by: a text in the calls of a function, or in its statements; its own name; what it is
another definition of, or is in; nothing; a word in its calls, in these or its statements, or in what it takes
and gives."""

Search = tuple[Kind, str]
"""What a search goes by, and the text that it looks for."""

EVERYBODY: Search = ("all", "")


class Saying(Protocol):
    """What a function says that a search may be after."""

    @property
    def qualname(self) -> str:
        """Its qualified name."""

    @property
    def name(self) -> str:
        """Its own name."""

    @property
    def decorators(self) -> tuple[Any, ...]:
        """Its decorators."""

    @property
    def values(self) -> tuple[Any, ...]:
        """The calls that are kept whole."""

    @property
    def packed_calls(self) -> str:
        """Its calls."""

    @property
    def packed_steps(self) -> str:
        """Its statements."""


Function = TypeVar("Function", bound=Saying)
Facet = Literal["decorated", "telling"]
FACETS: dict[Facet, Callable[[Saying], bool]] = {
    "decorated": lambda function: bool(function.decorators),
    "telling": lambda function: bool(function.decorators or function.values),
}
"""What everybody may be after at any time, in all modules."""
_get, _item, _has = dict.get, dict.__getitem__, dict.__contains__


class Defined(dict[str, Function], Generic[Function]):
    """The functions of a module by qualified name.

    Who goes through all of them has looked at each. So ask for those that say what is looked for: the answers
    are in the order of the source.
    """

    __slots__ = ("_known", "asked", "searched")

    def __init__(self, functions: Mapping[str, Function] | Iterable[tuple[str, Function]] = ()) -> None:
        super().__init__(functions)
        #: The names that somebody has asked for, as keys: a set of a few takes three times the room.
        self.asked: dict[str, None] = {}
        #: What somebody has searched for.
        self.searched: set[Search] = set()
        self._known: dict[Facet, list[Function]] = {}

    # ------------------------------------------------------------------ by name

    def get(self, name: str, default: Function | None = None) -> Function | None:  # type: ignore[override]
        """The function of a qualified name."""
        self.asked[name] = None
        return _get(self, name, default)

    def __getitem__(self, name: str) -> Function:
        self.asked[name] = None
        return _item(self, name)

    def __contains__(self, name: object) -> bool:
        self.asked[str(name)] = None
        return _has(self, name)

    # ------------------------------------------------------------------ all

    def values(self) -> Any:
        """All functions, to look at each."""
        self.searched.add(EVERYBODY)
        return dict.values(self)

    def items(self) -> Any:
        """All functions with their names, to look at each."""
        self.searched.add(EVERYBODY)
        return dict.items(self)

    def keys(self) -> Any:
        """The names of all functions, to look at each."""
        self.searched.add(EVERYBODY)
        return dict.keys(self)

    def __iter__(self) -> Iterator[str]:
        self.searched.add(EVERYBODY)
        return dict.__iter__(self)

    def __len__(self) -> int:
        self.searched.add(EVERYBODY)
        return dict.__len__(self)

    def every(self) -> Any:
        """All functions with their names, for those who note what they are after, or change nothing."""
        return dict.items(self)

    # ------------------------------------------------------------------ those that say something

    def decorated(self) -> list[Function]:
        """Those with a decorator."""
        return self._found("decorated")

    def telling(self) -> list[Function]:
        """Those with a decorator or a call that is kept whole."""
        return self._found("telling")

    def _found(self, what: Facet) -> list[Function]:
        found = self._known.get(what)
        if found is None:
            is_meant = FACETS[what]
            found = self._known[what] = [each for each in dict.values(self) if is_meant(each)]
        return found

    def calling(self, *leaves: str) -> list[Function]:
        """Those with a call whose chain ends in one of these."""
        return self.search("calls", tuple([f"{leaf}\t" for leaf in leaves]))

    def holding(self, *words: str) -> list[Function]:
        """Those whose calls hold one of these words, see ``Function.mentions``."""
        return self.search("calls", words)

    def stating(self, *words: str) -> list[Function]:
        """Those whose statements hold one of these words."""
        return self.search("steps", words)

    def named(self, *names: str) -> list[Function]:
        """Those of these names, whatever they are in."""
        return self.search("name", names)

    def again(self, qualname: str) -> list[Function]:
        """Other definitions of a qualified name, which the last one has replaced."""
        return self.search("again", (qualname,))

    def in_order(self, *found: list[Function]) -> list[Function]:
        """Those that were found in one way or another, each once."""
        some = [functions for functions in found if functions]
        if len(some) < 2:
            return some[0] if some else []
        names = {function.qualname for functions in some for function in functions}
        return [each for name, each in dict.items(self) if name in names]

    def search(self, kind: Kind, texts: tuple[str, ...]) -> list[Function]:
        """Those that one of these texts is found in, in this way."""
        self.searched.update([(kind, text) for text in texts])
        return found_in(dict.values(self), kind, texts)


def found_in(functions: Iterable[Function], kind: Kind, texts: tuple[str, ...]) -> list[Function]:
    """The functions that a search by no words is after."""
    if kind == "name":
        return [each for each in functions if each.name in texts]
    if kind == "again":
        begins = tuple([f"{text}@" for text in texts])
        return [each for each in functions if each.qualname.startswith(begins)]
    if kind == "family":
        begins = tuple([f"{text}{sign}" for text in texts for sign in "/."])
        return [each for each in functions if each.qualname in texts or each.qualname.startswith(begins)]
    if kind == "all":
        return [*functions]
    packed = [(each, each.packed_calls if kind == "calls" else each.packed_steps) for each in functions]
    return [each for each, said in packed if said and _holds(said, texts)]


def _holds(said: str, texts: tuple[str, ...]) -> bool:
    for text in texts:  # noqa: SIM110 (a generator costs more than the search)
        if text in said:
            return True
    return False


@lru_cache(1024)  # the same few are asked of all functions
def at_the_end(leaves: tuple[str, ...]) -> tuple[str, ...]:
    """What calls hold whose chains end in one of these."""
    return tuple([f"{leaf}\t" for leaf in leaves])


def holds(packed: str, words: Iterable[str]) -> bool:
    """Whether one of the words stands anywhere in a packed text."""
    for word in words:  # noqa: SIM110 (asked a hundred thousand times: a generator costs more than the search)
        if word in packed:
            return True
    return False

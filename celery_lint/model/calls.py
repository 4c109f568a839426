"""Calls in the functions of a module, one line each until somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from celery_lint.diagnostics import Span
from celery_lint.model.arguments import ABSENT, Argument, unpack_argument
from celery_lint.model.chains import leaf_of_chain

# In an operand that another decides about, in a comprehension, in a lambda.
_DECIDED = frozenset("ocl")
# Their keywords are what rows get.
_SETTING = frozenset({"aupdate", "update", "values"})


class Call(NamedTuple):
    """One call inside a function.

    ``flags`` is a set of letters, which have properties. ``parent`` is the number of the call that takes
    this one as an argument, or -1. ``packed_arguments`` are the texts of
    :mod:`celery_lint.model.arguments`, ``@name`` the receiver of a ``dispose`` as spelled, ``@[chain``
    what the receiver of a ``get`` or ``wait`` may be as an item of a container, ``@^…`` what the text of
    the variable begins with that is its address, and ``@?name:…`` and ``@=name:…`` what rows a statement of
    a database asks for and sets, see :mod:`celery_lint.model.reading.names.columns`.
    """

    number: int
    chain: str
    span: Span
    flags: str
    parent: int
    packed_arguments: tuple[str, ...]

    def leaf(self) -> str:
        """The last component of the callee, without ``()``."""
        return leaf_of_chain(self.chain)

    @property
    def takes(self) -> tuple[Argument, ...]:
        """Its arguments, in the order of the source."""
        return tuple([unpack_argument(text) for text in self.packed_arguments if text[:1] != "@"])

    @property
    def named(self) -> list[str]:
        """The chains among its arguments, in the order of the source: most calls have none."""
        return [given.chain for given in self.takes if given.chain] if self._names_any() else []

    def _names_any(self) -> bool:
        for text in self.packed_arguments:  # noqa: SIM110 (a generator costs more than the search)
            if "=" in text:
                return True
        return False

    @property
    def positional(self) -> list[Argument]:
        """Its arguments without a keyword, what ``*`` unpacks among them."""
        return [argument for argument in self.takes if not argument.keyword]

    def argument(self, position: int, keyword: str = "") -> Argument:
        """What the parameter at this place, counted from 0, or of this name is given, if that is told."""
        if keyword:
            named = self.keyword(keyword)
            if named:
                return named
        positional = self.positional[: position + 1]
        if len(positional) <= position or any(given.kind == "starred" for given in positional):
            return ABSENT
        return positional[position]

    def keyword(self, name: str) -> Argument:
        """What is given by this keyword."""
        for argument in self.takes:
            if argument.keyword == name:
                return argument
        return ABSENT

    @property
    def is_open_ended(self) -> bool:
        """``*`` or ``**`` hides some of the arguments."""
        return any(given.kind == "starred" or given.keyword == "**" for given in self.takes)

    def hands_on(self, chain: str) -> bool:
        """Whether this very chain is one of its arguments."""
        return any(given.chain == chain for given in self.takes)

    def of_what_it_is_given(self) -> Call:
        """``submit(f, x)`` as ``f(x)``."""
        return self._replace(packed_arguments=self.packed_arguments[1:])

    def made_by_a_lambda(self) -> Call:
        """The call as it is made where the lambda runs."""
        return self._replace(flags="e")

    @property
    def receiver(self) -> str:
        """The last name of what ``dispose`` is called on, as spelled."""
        return next((text[1:] for text in self.packed_arguments if text[:1] == "@"), "engine")

    @property
    def items(self) -> list[str]:
        """What the variable that it is called on takes one after the other, as chains, if that is known.

        ``x.delay()`` for ``r`` of ``[r.get() for r in [x.delay() …]]``, ``%rs[]`` of a parameter ``rs``.
        """
        return next((text[2:].split(" ") for text in self.packed_arguments if text[:2] == "@["), [])

    @property
    def variable_address(self) -> Argument:
        """What the address begins with that it is given as a variable: ``url = f"{BASE}/orders"``."""
        told = next((text[1:] for text in self.packed_arguments if text[:2] == "@^"), "")
        return unpack_argument(told) if told else ABSENT

    @property
    def asks(self) -> list[Argument]:
        """What the rows are like that it is about, as keywords of Django; each item of a list apart.

        ``where(Job.status != "new")`` asks for ``status__ne``, and ``first`` for what ``where`` before it
        does.
        """
        told = [unpack_argument(text[2:]) for text in self.packed_arguments if text[:2] == "@?"]
        apart = {given.keyword for given in told}
        own = () if self.leaf() in _SETTING else self.takes
        return [given for given in own if given.keyword and given.keyword not in apart] + told

    @property
    def sets(self) -> list[Argument]:
        """What it gives the columns of rows, by keywords or as a dictionary."""
        told = [unpack_argument(text[2:]) for text in self.packed_arguments if text[:2] == "@="]
        return [given for given in self.takes if given.keyword] + told

    @property
    def is_awaited(self) -> bool:
        """``await call()``."""
        return "a" in self.flags

    @property
    def is_statement(self) -> bool:
        """It is a statement of its own: nobody takes what it gives."""
        return "s" in self.flags

    @property
    def is_bound(self) -> bool:
        """A name is bound to what it gives."""
        return "b" in self.flags

    @property
    def is_returned(self) -> bool:
        """What it gives is returned."""
        return "r" in self.flags

    @property
    def is_argument(self) -> bool:
        """Another call takes what it gives."""
        return "e" in self.flags

    @property
    def is_context_manager(self) -> bool:
        """``with call():``."""
        return "w" in self.flags

    @property
    def is_tested(self) -> bool:
        """Whether what it gives is true decides: ``if call():``, ``call() or x``, ``call() == 1``."""
        return "?" in self.flags

    @property
    def is_looked_into(self) -> bool:
        """An attribute or item of what it gives is used, or all of them: ``call()[0]``, ``len(call())``."""
        return "i" in self.flags

    @property
    def is_piped_into(self) -> bool:
        """It stands behind a ``|``."""
        return "|" in self.flags

    @property
    def is_decorator(self) -> bool:
        """``@call()`` above a function or class."""
        return "d" in self.flags

    @property
    def in_lambda(self) -> bool:
        """It stands in a lambda, so it is made later or never."""
        return "l" in self.flags

    @property
    def in_comprehension(self) -> bool:
        """It is made for each item of a comprehension."""
        return "c" in self.flags

    @property
    def is_unconditional(self) -> bool:
        """It is made whenever its statement is: no other operand, loop or lambda decides."""
        return _DECIDED.isdisjoint(self.flags)

    @property
    def in_try(self) -> bool:
        """It stands in the body of a ``try``."""
        return "t" in self.flags

    @property
    def in_handler(self) -> bool:
        """It stands in an ``except``."""
        return "h" in self.flags

    @property
    def in_finally(self) -> bool:
        """It stands in a ``finally``."""
        return "f" in self.flags

    @property
    def in_main(self) -> bool:
        """It stands under ``if __name__ == "__main__"``."""
        return "m" in self.flags


def pack_call(chain: str, place: str, flags: str, parent: int, arguments: list[str]) -> str:
    """A call as one line: a twentieth of the object's memory, and quick to load.

    ``place`` are the numbers of its span, joined by blanks.
    """
    if len(flags) > 1:
        flags = "".join(sorted(set(flags)))
    head = f"{chain}\t{place}\t{flags}\t{parent}"
    return "\t".join((head, *arguments)) if arguments else head


@lru_cache(8192)
def _arguments(texts: str) -> tuple[str, ...]:
    return tuple(map(intern, texts.split("\t")))


def unpack_calls(packed: str) -> Iterator[Call]:
    """The calls that were packed by :func:`pack_call`, joined by newlines; what several say is one object."""
    if not packed:
        return
    for index, line in enumerate(packed.split("\n")):
        chain, span, flags, parent, *rest = line.split("\t", 4)
        arguments = _arguments(rest[0]) if rest else ()
        yield Call(index, intern(chain), Span(*map(int, span.split())), intern(flags), int(parent), arguments)

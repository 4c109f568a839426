"""The statements of a function: what encloses what, which names are read and bound, which calls are made.

They are packed like the calls, one line each, because most are never asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from sys import intern
from typing import Literal, NamedTuple

from celery_lint.diagnostics import Span
from celery_lint.libraries.celery import MISTAKEN_OPTIONS

StepKind = Literal[
    "expr",
    "assign",
    "augment",
    "delete",
    "return",
    "raise",
    "if",
    "for",
    "while",
    "with",
    "try",
    "handler",
    "match",
    "case",
    "assert",
    "def",
    "class",
    "global",
    "import",
    "pass",
    "break",
    "continue",
]
StepRole = Literal["body", "else", "handler", "finally", "case"]
#: Kinds of statements and their letters in packed form.
KINDS: dict[StepKind, str] = {
    "expr": "e",
    "assign": "=",
    "augment": "+",
    "delete": "d",
    "return": "r",
    "raise": "R",
    "if": "i",
    "for": "f",
    "while": "w",
    "with": "W",
    "try": "t",
    "handler": "h",
    "match": "m",
    "case": "k",
    "assert": "a",
    "def": "D",
    "class": "C",
    "global": "g",
    "import": "I",
    "pass": "p",
    "break": "b",
    "continue": "c",
}
#: The parts of a compound statement and their letters in packed form.
ROLES: dict[StepRole, str] = {"body": "b", "else": "e", "handler": "h", "finally": "f", "case": "k"}
#: Attributes of tasks whose reading tells something: with them, loads hold the whole path as spelled.
TASK_ATTRIBUTES = frozenset(
    {
        *MISTAKEN_OPTIONS,
        "autoretry_for",
        "default_retry_delay",
        "dont_autoretry_for",
        "max_retries",
        "retries",
        "retry_backoff",
        "retry_backoff_max",
        "retry_jitter",
        "retry_kwargs",
    }
)
#: What a statement says of a text that it puts together, and of a path.
COMPOSED = frozenset({"'", "os.path.join()", "~str()"})
_KIND_OF = {letter: kind for kind, letter in KINDS.items()}
_ROLE_OF = {letter: role for role, letter in ROLES.items()}


class Refused(NamedTuple):
    """What the parser takes and the compiler refuses: :mod:`celery_lint.model.reading.apart.refused`."""

    kind: str
    name: str
    span: Span


class Step(NamedTuple):
    """One statement of a function, or one ``except`` or ``case`` clause.

    ``kind`` is a key of :data:`KINDS`. ``parent`` is the number of the statement around it, or -1, and
    ``role`` the part of that statement it stands in, a key of :data:`ROLES`. ``span`` is the statement, or
    the keyword of one that holds others. ``flags`` is a set of letters, which have properties. ``calls``
    are the numbers of the calls in its own expressions, ``loads`` the names read there (of ``a.b.c`` the
    ``a``, as spelled; of a nested function all that it reads), ``stores`` the names bound there. Loads also
    hold, of variables that a call has filled, ``!x`` for one whose truth decides (``if x``, ``x or y``,
    ``x == 1``), ``[x`` for one that is indexed or iterated over and ``@x`` for one that another operand
    looks into (``x and x.state``), ``/x`` for one that is read only if another operand says so, ``=x`` for
    one of which the whole statement uses nothing but the value, its items, its attributes or its truth, and
    ``{x`` for one that it also returns in a dictionary, list or tuple; ``;x`` for one that is certainly bound
    only later, ``;~x`` for one that nothing in the module binds; the paths that end in one of
    :data:`TASK_ATTRIBUTES` (``self.max_retries``; ``?`` for a receiver without a name), ``<`` before the path
    of a ``max_retries`` that is calculated or compared by size and only that; ``.x`` for an attribute in a
    display or a conditional expression, which is in no chain; ``>x`` for the attribute of a variable that is
    set to a text which the statement puts together, or to a path; and once in a function
    ``&self``, if the task that it gets by ``bind``, or as a method of a class of tasks, is used for more than
    its attributes and as an argument.

    ``chains`` depends on the kind. ``with``: one chain an item, ``chain=name`` if it is bound. ``handler``:
    the exceptions, none for a bare ``except``. ``raise``: what is raised, nothing for a bare one. ``return``,
    ``assign``, ``augment`` and ``expr``: the value, as a chain, as ``#None`` (numbers and truth values too,
    ``#'`` for text), ``'`` for a text that only the run knows, ``{``, ``[`` or ``(`` for a display, ``|`` for
    a pipe, ``*`` for a product or a power, and ``?`` for anything else. ``if`` and ``while``: the chain whose
    truth the test asks for, ``!`` before it where the question is whether it is false or ``None``, nothing
    for most other tests; after ``isinstance`` the chain of the object and those of the classes. A test of a
    variable, or of an attribute of the object itself, has ``#None`` behind it if it compares with that. A
    test that compares a variable with a constant is ``=%x:'all`` or ``=!%x:#3``, one of several parts, or for
    one of several constants (``x in ("a", "b")``), ``&`` or ``|`` and such words (``%x:#None``
    for None, ``%x:=Kind.ALL`` for a constant with a name, which anything that is asked may be compared with),
    ``?`` for parts that ask for nothing of that. A comparison of the number of retries by size is
    ``<%self.max_retries:0``, or ``<#3:1``, where it holds as long as there are fewer than the bound and what
    is added to it, ``!<`` where it holds from there on. What is taken out of a mapping by a text has that
    behind it: ``config[] 'DEBUG``. ``async for``: the item that it takes, ``consumer[]``. ``def`` and
    ``class``: the qualified name. ``import`` in a function: the module and the names that are taken from it
    (``name=alias`` where it is bound to another), or the modules, each behind ``=``, with slashes for dots;
    nothing for the standard library.
    """

    number: int
    kind: StepKind
    parent: int
    role: StepRole
    span: Span
    flags: str
    calls: tuple[int, ...]
    loads: tuple[str, ...]
    stores: tuple[str, ...]
    chains: tuple[str, ...]

    @property
    def value(self) -> str:
        """The first of the chains (of most kinds the only one), or nothing: `pass` has none."""
        return self.chains[0] if self.chains else ""

    @property
    def name(self) -> str:
        """The first name that the statement binds, or nothing."""
        return self.stores[0] if self.stores else ""

    @property
    def asks_for(self) -> str:
        """The chain whose truth the test of an ``if`` or ``while`` asks for, or nothing."""
        return self.value.lstrip("!")

    @property
    def asks_in_the_negative(self) -> bool:
        """The test is true where that chain is false or ``None``."""
        return self.value[:1] == "!"

    @property
    def waits(self) -> bool:
        """It is asynchronous (``async for``, ``async with``), or its value is awaited."""
        return "a" in self.flags

    @property
    def is_endless(self) -> bool:
        """A ``while`` whose test is a true constant."""
        return "T" in self.flags

    @property
    def gives_text(self) -> bool:
        """Its value is made by a method of a variable that is given a text: ``x.split("<p>")[1]``."""
        return "t" in self.flags

    @property
    def unbound(self) -> list[str]:
        """The names that it certainly reads before they are bound; ``~x`` if nothing ever binds it."""
        return [name[1:] for name in self.loads if name[:1] == ";"]

    @property
    def yields(self) -> bool:
        """Its value is yielded."""
        return "y" in self.flags


def pack_step(
    kind: StepKind,
    parent: int,
    role: StepRole,
    place: str,
    flags: str,
    calls: Iterable[int],
    loads: str,
    stores: str,
    chains: str,
) -> str:
    """A statement as one line. What there may be several of is joined by blanks, as the four of ``place``."""
    made = " ".join(map(str, calls)) if calls else ""
    return f"{KINDS[kind]}{ROLES[role]}{flags}\t{parent}\t{place}\t{made}\t{loads}\t{stores}\t{chains}"


@lru_cache(8192)
def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


@lru_cache(8192)
def _names(text: str) -> tuple[str, ...]:
    return tuple(map(intern, text.split()))


@lru_cache(8192)
def _chains(text: str) -> tuple[str, ...]:
    return tuple(map(intern, text.split(" "))) if text else ()


def unpack_steps(packed: str) -> Iterator[Step]:
    """The statements that were packed by :func:`pack_step`, joined by newlines.

    What several say, such as that they read ``self``, is one object: a large workspace has a million of them.
    """
    if not packed:
        return
    for number, line in enumerate(packed.split("\n")):
        head, parent, span, calls, loads, stores, chains = line.split("\t")
        yield Step(
            number,
            _KIND_OF[head[0]],
            int(parent),
            _ROLE_OF[head[1]],
            Span(*map(int, span.split())),
            intern(head[2:]),
            _numbers(calls),
            _names(loads),
            _names(stores),
            _chains(chains),
        )

"""The facts of one module: frozen, small, and the same after a trip through JSON.

What is named is named by chains, see :mod:`celery_lint.model.chains`.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from operator import itemgetter
from sys import intern
from typing import Any, Literal, NamedTuple, get_args

from celery_lint.diagnostics import Span, span_of_number
from celery_lint.model.calls import Call, unpack_calls
from celery_lint.model.comments import Comment
from celery_lint.model.defined import Defined, at_the_end, holds
from celery_lint.model.folders import Folder
from celery_lint.model.steps import KINDS, Refused, Step, StepKind, unpack_steps

_NUMBER = itemgetter(0)

Constant = str | int | float | bool | None

#: Among the hidden names of a module: it may bind any.
ANYTHING = "*"
#: What a package is spread over several folders with, and among its hidden names where it is.
PATH = "__path__"


class Place(NamedTuple):
    """A span in a file. ``path`` is relative to the workspace, with forward slashes."""

    path: str
    span: Span


ValueKind = Literal[
    "name", "call", "constant", "text", "sequence", "mapping", "either", "lambda", "arithmetic", "unknown"
]
_KINDS: dict[str, ValueKind] = {kind: kind for kind in get_args(ValueKind)}


class Value(NamedTuple):
    """An expression as far as a reader can tell without running it.

    ``kind`` is one of ``constant`` (``data``: the constant), ``name`` (``chain``; ``data``: the string that
    it is indexed with last), ``call`` (``chain`` of the callee, ``items``: positional arguments,
    ``keywords``), ``sequence`` (``items``), ``mapping`` (``keywords`` with constant keys in order, ``items``
    their keys), ``either`` (``items``: the alternatives), ``text`` (a string that only the run knows) and
    ``unknown``. A starred argument and a ``**`` mapping carry the keyword ``*`` or ``**``. ``data`` of a
    sequence is ``set`` where it is one; of what is unknown, ``set``, ``list`` or ``generator`` for a
    comprehension (``items``: the name whose items it keeps as they are, all or some), and ``*`` for what is
    unpacked in a display; of alternatives, ``|`` where they are joined by that, and ``deployed`` where all
    but the first are for tests or for SQLite; of a ``lambda`` (``items``: what it gives) the names that it
    reads when it runs. Of what makes a column of a class that takes any text, ``items`` is its type.
    """

    kind: ValueKind
    span: Span
    data: Constant = None
    chain: str = ""
    items: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()

    def keyword(self, name: str) -> Value | None:
        """The value of the last keyword argument (or string key) of this name."""
        for key, value in reversed(self.keywords):
            if key == name:
                return value
        return None

    def first(self) -> Value | None:
        """The first item, or nothing where there is none."""
        return self.items[0] if self.items else None

    def open_ended(self) -> bool:
        """Whether ``*`` or ``**`` hides some of the arguments."""
        return any(key in ("*", "**") for key, _ in self.keywords)

    def shape(self) -> tuple[object, ...]:
        """The expression apart from where it stands: two that are spelled alike have the same."""
        keywords = tuple([(key, item.shape()) for key, item in self.keywords])
        return self.kind, self.data, self.chain, tuple([item.shape() for item in self.items]), keywords

    def is_text(self) -> bool:
        """Whether it certainly makes a text, also where only the run knows which."""
        if self.kind == "arithmetic" and self.data == "Add":
            return any(item.is_text() for item in self.items)
        return self.kind == "text" or (self.kind == "constant" and isinstance(self.data, str))


class Parameter(NamedTuple):
    """A parameter: ``kind`` is ``positional``, ``keyword``, ``*`` or ``**``.

    ``default`` is what it stands for where a call says nothing: a chain, a constant as the arguments of calls
    spell it (``#None``, ``'text``), or nothing.
    """

    name: str
    kind: Literal["positional", "keyword", "*", "**"]
    required: bool
    annotation: str
    default: str = ""


#: The parameter of these fields: ``self`` and its like are one object for all functions.
parameter_of = lru_cache(4096)(Parameter)


class Function(NamedTuple):
    """A function of the module, a method, or (``name`` empty) the module's own top-level code.

    ``annotation`` is the class that it says it returns, or yields as a generator: a chain, or nothing.
    """

    qualname: str
    name: str
    is_async: bool
    is_generator: bool
    span: Span
    end_line: int
    owner: str
    parent: str
    parameters: tuple[Parameter, ...]
    decorators: tuple[Value, ...]
    returns: tuple[Value, ...]
    values: tuple[tuple[int, Value], ...]
    packed_calls: str
    packed_steps: str
    annotation: str = ""

    def first(self) -> str:
        """The name of the first parameter, or nothing where there is none."""
        return self.parameters[0].name if self.parameters else ""

    def mentions(self, *words: str) -> bool:
        """Whether one of the words stands anywhere in its calls: far cheaper than to unpack them.

        A word may be part of a name, a chain or an argument; ``leaf`` of a call is asked by :meth:`may_call`.
        """
        packed = self.packed_calls
        return packed != "" and holds(packed, words)

    def may_call(self, *leaves: str) -> bool:
        """Whether a chain of its calls ends in one of these: as cheap, and nearly certain."""
        packed = self.packed_calls
        return packed != "" and holds(packed, at_the_end(leaves))

    def hands_on(self, chain: str) -> bool:
        """Whether this very chain may be an argument of one of its calls: as cheap."""
        packed, given = self.packed_calls, f"={chain}"
        return f"{given}\t" in packed or f"{given}\n" in packed or packed.endswith(given)

    def has(self, kind: StepKind) -> bool:
        """Whether it has a statement of this kind: as cheap."""
        return f"\n{KINDS[kind]}" in f"\n{self.packed_steps}"

    def states(self, *words: str) -> bool:
        """Whether one of the words stands anywhere in its statements: far cheaper than to unpack them."""
        return holds(self.packed_steps, words)

    def filled(self) -> list[str]:
        """The parameters that the positional arguments of a call fill, without the object of a method."""
        names = [parameter.name for parameter in self.parameters if parameter.kind == "positional"]
        return names[1:] if self.owner and names[:1] in (["self"], ["cls"]) else names

    def takes(self, name: str) -> bool:
        """Whether it has a parameter of this name."""
        return any(parameter.name == name for parameter in self.parameters)

    def is_nested(self) -> bool:
        """Whether it is defined in a function: whoever imports the module has not made it yet."""
        return "/" in self.qualname

    def parameter_given(self, call: Call, chain: str) -> str:
        """The parameter that a call of this function fills with what this chain names, or nothing."""
        for position, given in enumerate(call.takes):
            if given.kind == "name" and given.chain == chain:
                names = self.filled()
                return given.keyword or (names[position] if position < len(names) else "")
        return ""

    def calls(self) -> list[Call]:
        """The calls of the function, in the order of the source. Packed, because most are never asked for."""
        return list(unpack_calls(self.packed_calls))

    def steps(self) -> list[Step]:
        """The statements of the function, in source order; none for a test's or a module's own code."""
        return list(unpack_steps(self.packed_steps))

    def made(self, value: Value) -> Value:
        """The whole call behind a local name that holds what it gives, where the model keeps that."""
        if value.kind != "name" or value.chain[-2:] != "()":
            return value
        callee = value.chain[:-2]
        return next((made for _, made in self.values if made.kind == "call" and made.chain == callee), value)

    def value_of(self, call: Call) -> Value | None:
        """The whole call expression with its arguments, for the calls that the model keeps whole."""
        at = bisect_left(self.values, call.number, key=_NUMBER)
        number, value = self.values[at] if at < len(self.values) else (-1, None)
        return value if number == call.number else None


class Class(NamedTuple):
    """A class: its bases as chains, and what is bound to its attributes (``self.x`` included)."""

    qualname: str
    name: str
    span: Span
    bases: tuple[str, ...]
    decorators: tuple[Value, ...]
    attributes: dict[str, tuple[Value, ...]]
    methods: tuple[str, ...]


class Assignment(NamedTuple):
    """A binding of an attribute or an item: ``target`` is the chain before it, ``key`` what is set."""

    target: str
    key: str
    subscript: bool
    key_span: Span
    value: Value
    function: str


class ImportStatement(NamedTuple):
    """An import at the top of a module that it cannot be imported without: no condition and no ``try``.

    ``module`` is a dotted path, ``names`` what ``from`` takes from it (``*`` for all); ``import`` has none.
    """

    module: str
    names: tuple[str, ...]
    span: Span

    def dotted(self, name: str) -> str:
        """The dotted path of one of its names."""
        return f"{self.module}{'' if self.module.endswith('.') else '.'}{name}"


class MisplacedAwait(NamedTuple):
    """An ``await``, ``async for`` or ``async with`` whose nearest function is a plain ``def``."""

    function: str
    span: Span
    keyword: str
    chain: str


class Module(NamedTuple):
    """All facts of one module. ``path`` is relative to the workspace, with forward slashes.

    ``comments`` are those that may silence rules; ``further_imports`` the dotted paths that ``imports`` does
    not show: those within functions, and the modules of ``import package.module``. ``drivers`` are the
    asynchronous ones that addresses of databases name: ``postgresql+asyncpg:``. ``commented_out`` are time
    limits in comments (``# CELERY_TASK_TIME_LIMIT = 3600``). ``apart`` are the first and the last lines of
    what runs on Windows only, or where the product is developed, ``told_queues`` the queues in commands of
    workers: ``run("celery worker -Q mails")``. ``needed`` are the imports that it cannot be imported without.
    ``hidden`` are those that it may bind in ways that nothing else here shows, with :data:`ANYTHING` for any.
    ``starts_beat`` tells that it may start beat, or says how somebody does. ``on_path`` are the folders that
    it puts on ``sys.path``, ``refused`` what the compiler does not take. ``branches`` are the first and the
    last lines of what binds names under conditions of the module's own code.
    """

    path: str
    digest: str
    imports: dict[str, str]
    star_imports: tuple[str, ...]
    bindings: dict[str, tuple[Value, ...]]
    functions: Defined[Function]
    classes: dict[str, Class]
    assignments: tuple[Assignment, ...]
    misplaced_awaits: tuple[MisplacedAwait, ...]
    comments: tuple[Comment, ...]
    further_imports: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    commented_out: tuple[str, ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    told_queues: tuple[str, ...] = ()
    needed: tuple[ImportStatement, ...] = ()
    hidden: tuple[str, ...] = ()
    starts_beat: bool = False
    on_path: tuple[Folder, ...] = ()
    refused: tuple[Refused, ...] = ()
    branches: tuple[tuple[int, int], ...] = ()

    @property
    def compiles(self) -> bool:
        """Whether Python compiles it: nothing can import what it refuses."""
        return not self.misplaced_awaits and not self.refused

    @property
    def awaits_first(self) -> bool:
        """Whether the first that Python refuses of it is an ``await`` in a plain function."""
        return any(all(a.span < r.span for r in self.refused) for a in self.misplaced_awaits)

    @property
    def all_imports(self) -> tuple[str, ...]:
        """The dotted paths of all its imports."""
        return (*self.imports.values(), *self.star_imports, *self.further_imports)

    def place(self, span: Span) -> Place:
        """The span as a place of this module."""
        return Place(self.path, span)

    def sets_apart(self, line: int) -> bool:
        """Whether no deployed worker runs a line: it is for Windows, or for development."""
        return _is_in(self.apart, line)

    def decides(self, line: int) -> bool:
        """Whether a condition of the module's own code decides what a line binds."""
        return _is_in(self.branches, line)


def _is_in(stretches: tuple[tuple[int, int], ...], line: int) -> bool:
    return any(first <= line <= last for first, last in stretches)


def _value(row: list[Any]) -> Value:
    kind, span, data, chain, items, keywords = row
    return Value(
        _KINDS[kind],
        span_of_number(span),
        data,
        intern(chain),
        tuple(map(_value, items)) if items else (),
        tuple((intern(key), _value(value)) for key, value in keywords) if keywords else (),
    )


def _values(rows: list[Any]) -> tuple[Value, ...]:
    return tuple(map(_value, rows)) if rows else ()


def _function(row: list[Any]) -> Function:
    return Function(
        intern(row[0]),
        intern(row[1]),
        row[2],
        row[3],
        span_of_number(row[4]),
        row[5],
        intern(row[6]),
        intern(row[7]),
        tuple([parameter_of(*parameter) for parameter in row[8]]),
        _values(row[9]),
        _values(row[10]),
        tuple((index, _value(value)) for index, value in row[11]),
        row[12],
        row[13],
        row[14],
    )


def _class(row: list[Any]) -> Class:
    qualname, name, span, bases, decorators, attributes, methods = row
    return Class(
        qualname,
        name,
        span_of_number(span),
        tuple(map(intern, bases)),
        _values(decorators),
        {intern(key): _values(values) for key, values in attributes.items()},
        tuple(map(intern, methods)),
    )


def decode(row: list[Any], path: str) -> Module:
    """The module whose facts were written as JSON: equal names are one object, since modules repeat them.

    Raises ``ValueError``, ``TypeError`` or ``LookupError`` when damaged.
    """
    _, digest, imports, stars, bindings, functions, classes, assignments, awaits, comments = row[:10]
    further, drivers, commented_out, apart, told, needed, hidden, beat, on_path, refused, branches = row[10:]
    return Module(
        path,
        digest,
        {intern(name): intern(target) for name, target in imports.items()},
        tuple(stars),
        {intern(name): _values(values) for name, values in bindings.items()},
        Defined([(intern(name), _function(function)) for name, function in functions.items()]),
        {name: _class(class_row) for name, class_row in classes.items()},
        tuple(Assignment(a[0], a[1], a[2], span_of_number(a[3]), _value(a[4]), a[5]) for a in assignments),
        tuple(MisplacedAwait(a[0], span_of_number(a[1]), a[2], a[3]) for a in awaits),
        tuple(Comment(*comment) for comment in comments),
        tuple(further),
        tuple(drivers),
        tuple(commented_out),
        tuple((first, last) for first, last in apart),
        tuple(told),
        tuple([ImportStatement(intern(m), tuple(names), span_of_number(s)) for m, names, s in needed]),
        tuple(hidden),
        bool(beat),
        tuple([Folder(base, below) for base, below in on_path]),
        tuple([Refused(kind, name, span_of_number(s)) for kind, name, s in refused]),
        tuple((first, last) for first, last in branches),
    )

"""Attributes that modules ask for when they are imported, and that are not there: the worker ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.analysis.wiring.imports.failed import FailedImports
from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.code.ends.attributes import Attributes
from celery_lint.inventory.workers.loading.certain import CertainImports, Way
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, facts, once

# Where statements stand that no condition, loop or `try` holds.
_MARGIN = 1
_IS = len(" = ")
# Expressions of which each part is worked out.
_WORKED_OUT = frozenset({"call", "sequence", "mapping", "arithmetic"})


class FailedAttribute(NamedTuple):
    """A statement of a module that asks for an attribute which is not there, and the ways of a worker to it.

    ``owner`` is the last name before the attribute; ``like`` what it has that differs in case alone.
    """

    place: Place
    owner: str
    name: str
    like: str
    path: str
    ways: tuple[Way, ...]


class _Asked(NamedTuple):
    span: Span
    chain: str


class FailedAttributes:
    """What modules that a worker certainly imports ask enumerations and objects of the project for.

    Of the top of a module only what stands at the margin counts: its calls, and what it binds to names.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.certain = known.of(CertainImports)
        self.attributes = known.of(Attributes)
        self.imports = known.of(FailedImports)

    @facts
    def all(self) -> list[FailedAttribute]:
        """The first of each module, by path: there the import ends, unless another ends it before."""
        before = self.imports.paths
        missed = [each[0] for each in self._missed if each and each[0][0].path not in before]
        return [self._failed(*each) for each in missed]

    @asking("quiet")
    def words(self) -> set[Pair]:
        """The names that seem not to be there: another file may put them there."""
        return {(asked.chain.rpartition(".")[2], "") for missed in self._missed for _, asked in missed}

    def unread(self) -> Iterator[tuple[str, str]]:
        """The files of settings and enumerations that nobody has read, with what is asked of them."""
        for module, asked in self._asked:
            yield from self.attributes.unread_behind(module, asked.chain)

    @property
    def _asked(self) -> Iterator[tuple[Module, _Asked]]:
        for path in sorted(self.certain.all):
            module = self.project.modules.find(path)
            if module is not None and module.compiles:
                for asked in self._at_the_top(module):
                    yield module, asked

    @once
    def _missed(self) -> list[list[tuple[Module, _Asked]]]:
        found: dict[str, list[tuple[Module, _Asked]]] = {}
        for module, asked in self._asked:
            if self.attributes.is_known(asked.chain) and self.attributes.lacks(module, asked.chain):
                found.setdefault(module.path, []).append((module, asked))
        return [sorted(missed, key=lambda each: each[1].span) for missed in found.values()]

    def _failed(self, module: Module, asked: _Asked) -> FailedAttribute:
        begin, _, name = asked.chain.rpartition(".")
        owner = self.project.resolve(module, begin)
        class_ = owner.class_()
        having = class_.attributes if class_ is not None else ()
        like = next((each for each in having if each.lower() == name.lower()), "")
        label = begin.removesuffix("()").rpartition(".")[2].lstrip(":")
        home = owner.module.path if owner.module is not None else module.path
        ways = tuple(self.certain.chain(module.path))
        label = f"{label}()" if begin.endswith("()") else label
        return FailedAttribute(module.place(asked.span), label, name, like, home, ways)

    # ------------------------------------------------------------------ the top of a module

    def _at_the_top(self, module: Module) -> list[_Asked]:
        return self.functions.kept(module, "asked", None, lambda: [*self._find_at_the_top(module)])

    def _find_at_the_top(self, module: Module) -> Iterator[_Asked]:
        """What a module asks something for, but for its own parameters and what is builtin."""
        for asked in self._evaluated(module):
            if "." in asked.chain and asked.chain[0] not in "%~":
                yield asked

    def _evaluated(self, module: Module) -> Iterator[_Asked]:
        for name, values in module.bindings.items():
            for value in values:
                if value.span.column == _MARGIN + len(name) + _IS:
                    yield from _in_value(value)
        top = module.functions.get("")
        calls = self.functions.calls(module, top) if top is not None else []
        for call in calls:
            if top is not None and call.is_statement and call.span.column == _MARGIN:
                whole = top.value_of(call)
                yield from _in_value(whole) if whole is not None else _in_call(calls, call)


def _in_value(value: Value) -> Iterator[_Asked]:
    """What an expression asks for whenever it is worked out."""
    if value.chain and value.kind in ("name", "call"):
        yield _Asked(value.span, value.chain)
    if value.kind in _WORKED_OUT:
        inside = [*value.items, *(given for _, given in value.keywords)]
        for each in inside:
            yield from _in_value(each)


def _in_call(calls: Sequence[Call], call: Call) -> Iterator[_Asked]:
    """The same of a call of which the model keeps no more than a line."""
    yield _Asked(call.span, call.chain)
    for given in call.takes:
        if given.kind == "name":
            yield _Asked(call.span, given.chain)
        elif given.kind == "call" and calls[given.number].is_unconditional:
            yield from _in_call(calls, calls[given.number])

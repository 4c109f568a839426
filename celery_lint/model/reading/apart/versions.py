"""Branches for versions of Python that the project does not run on: they are cut before anything is read.

``if sys.version_info >= (3, 11): … else: …``, ``if sys.version_info[:2] < (3, 9):``, ``PY312 = …`` and
``if PY312:``, ``if hasattr(asyncio, "Runner"):``, ``run = a if sys.version_info.minor > 10 else b``. What is
left stands where it stood, as if the test were not there. Where the versions do not decide, nothing is cut.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from celery_lint.libraries.asyncio import SINCE
from celery_lint.model.reading.apart.platforms import spelled

Version = tuple[int, int]
Pythons = tuple[Version, ...]
"""The versions of Python that a project may run on, in order; none where nobody says which."""

# So deep are tests looked into.
_DEEPEST = 5
_WORDS = ("version_info", "hasattr(asyncio", "six.PY")
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_OF_THEIR_OWN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_BLOCKS = ("body", "orelse", "finalbody")
# Where a name comes from that something else than an import binds.
_ELSEWHERE = ""
# What may bind any name: `from shop import *` as well as these.
_BINDING = frozenset({"globals", "exec"})
_ASKED = {"sys": ("sys.version_info",), "six": ("six.PY2", "six.PY3"), "asyncio": ("asyncio",)}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_THE_OTHER_WAY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


def cut_other_versions(tree: ast.Module, text: str, pythons: Pythons) -> None:
    """Take out of a tree what none of these versions of Python runs."""
    if not pythons or not any(word in text for word in _WORDS):
        return
    origins = _origins(tree)
    asked = _Asked(_flags(tree, origins), pythons, _known(origins))
    pending: list[list[Any]] = [tree.body]
    for block in pending:  # which grows meanwhile
        pending.extend(_cut(block, asked))
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.IfExp):
                setattr(node, name, asked.chosen(value))
            elif isinstance(value, list):
                value[:] = [asked.chosen(each) if isinstance(each, ast.IfExp) else each for each in value]


def _origins(tree: ast.Module) -> dict[str, list[str]]:
    """Every binding of each name anywhere in a module: what it imports, or that it comes from elsewhere."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        for name, origin in _bound(node):
            found.setdefault(name, []).append(origin)
    return found


def _bound(node: ast.AST) -> list[tuple[str, str]]:
    """The names that one node binds, and where each comes from; ``*`` may be any name."""
    if isinstance(node, ast.Import):
        return [
            (each.asname, each.name) if each.asname else (each.name.partition(".")[0],) * 2
            for each in node.names
        ]
    if isinstance(node, ast.ImportFrom):
        owner = f"{'.' * node.level}{node.module or ''}"
        return [(each.asname or each.name, f"{owner}.{each.name}") for each in node.names]
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            return [("*", _ELSEWHERE)] if node.id in _BINDING else []
        return [(node.id, _ELSEWHERE)]
    if isinstance(node, ast.arg):
        return [(node.arg, _ELSEWHERE)]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return [(name, _ELSEWHERE) for name in node.names]
    if isinstance(node, ast.alias):
        return []
    # Functions, classes, handlers of exceptions, patterns, parameters of types.
    names = (getattr(node, field, None) for field in ("name", "rest"))
    return [(name, _ELSEWHERE) for name in names if isinstance(name, str)]


def _flags(tree: ast.Module, origins: Mapping[str, list[str]]) -> dict[str, ast.expr]:
    """What the top of a module binds, by name, where nothing else in the module binds that name."""
    if "*" in origins:  # it may bind any
        return {}
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and len(origins[target.id]) == 1
    }


def _known(origins: Mapping[str, list[str]]) -> frozenset[str]:
    """How this module spells what tests may ask: ``sys.version_info``, ``asyncio``, ``hasattr``."""
    found = {"hasattr"} - origins.keys()
    for name, spellings in _ASKED.items():
        if name not in origins or all(origin.rpartition(".")[2] == name for origin in origins[name]):
            found.update(spellings)
    for name, each in origins.items():
        imported = {*each}
        if imported == {"sys"}:
            found.add(f"{name}.version_info")
        elif imported == {"sys.version_info"} and "*" not in origins:
            found.add(name)
    return frozenset(found)


def _cut(block: list[Any], asked: _Asked) -> list[list[Any]]:
    """Cut one block; returns those within it."""
    inner: list[list[Any]] = []
    first, ends = block[:1], 0
    index = 0
    while index < len(block):
        node = block[index]
        holds = asked.holds(node.test) if isinstance(node, ast.If) else None
        if holds is not None and not _yields(node.orelse if holds else node.body):
            live = node.body if holds else node.orelse
            block[index : index + 1] = live
            ends = max(ends - 1, index) + len(live)
            continue
        if index < ends and isinstance(node, _LEAVING):  # what follows is for other versions
            if _yields(block[index + 1 :]):
                ends = 0
            else:
                del block[index + 1 :]
        inner.extend(filter(None, (getattr(node, part, None) for part in _BLOCKS)))
        inner.extend(part.body for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())))
        index += 1
    if not block and first:
        block.append(ast.copy_location(ast.Pass(), first[0]))
    return inner


def _yields(block: list[ast.stmt]) -> bool:
    """Whether statements make a generator of their function, even where they are never reached."""
    pending: list[ast.AST] = [*block]
    for node in pending:  # which grows meanwhile
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, _OF_THEIR_OWN):
            pending.extend(ast.iter_child_nodes(node))
    return False


class _Asked:
    """What tests say about versions.

    ``flags`` are the names that a module binds, ``known`` is how it spells what they ask.
    """

    def __init__(self, flags: Mapping[str, ast.expr], pythons: Pythons, known: frozenset[str]) -> None:
        self._pythons = pythons
        self._known = known
        self._flags: dict[str, dict[Version, bool | None]] = {}
        for name, value in flags.items():
            if isinstance(value, (ast.Compare, ast.UnaryOp, ast.BoolOp, ast.Call, ast.Attribute)):
                self._flags[name] = {version: self._answer(value, version, _DEEPEST) for version in pythons}

    def holds(self, test: ast.expr) -> bool | None:
        """Whether a test holds for all versions; ``False``: for none; ``None``: nothing of that is known."""
        answers = {self._answer(test, version, _DEEPEST) for version in self._pythons}
        return answers.pop() if len(answers) == 1 else None

    def chosen(self, node: ast.expr) -> ast.expr:
        """What a conditional expression is in all versions, or itself."""
        while isinstance(node, ast.IfExp):
            holds = self.holds(node.test)
            if holds is None:
                break
            node = node.body if holds else node.orelse
        return node

    def _answer(self, test: ast.expr, version: Version, left: int) -> bool | None:
        if not left:
            return None
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            answer = self._answer(test.operand, version, left - 1)
            return None if answer is None else not answer
        if isinstance(test, ast.BoolOp):
            decisive = isinstance(test.op, ast.Or)
            parts = [self._answer(part, version, left - 1) for part in test.values]
            return decisive if decisive in parts else None if None in parts else not decisive
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return _compared(test.left, type(test.ops[0]), test.comparators[0], version, self._known)
        if isinstance(test, ast.Name):
            return self._flags.get(test.id, {}).get(version)
        if isinstance(test, ast.Call):
            return _has(test, version, self._known)
        name = spelled(test)
        if name not in _ASKED["six"] or name not in self._known:
            return None
        return version[0] == int(name[-1])


def _compared(
    left: ast.expr, op: type[ast.cmpop], right: ast.expr, version: Version, known: frozenset[str]
) -> bool | None:
    """Whether a comparison of the version with a constant holds."""
    wanted, parts = _constant(right), _part(left, known)
    if parts is None:  # `(3, 11) <= sys.version_info`
        wanted, parts, op = _constant(left), _part(right, known), _THE_OTHER_WAY.get(op, op)
    compare = _COMPARED.get(op)
    if parts is None or compare is None or wanted is None:
        return None
    if isinstance(parts, int):
        return compare(version[parts], wanted) if isinstance(wanted, int) else None
    if not isinstance(wanted, tuple):
        return None
    begun = version[: parts.stop]
    more = parts.stop is None or parts.stop > 2
    if more and len(wanted) > 2:
        return compare(begun, wanted[:2]) if begun != wanted[:2] else None  # it depends on the patch
    return compare((*begun, 0) if more else begun, wanted)


def _part(node: ast.expr, known: frozenset[str]) -> int | slice | None:
    """Which part of the version an expression is: an item of it, or what it begins with."""
    if isinstance(node, ast.Attribute) and node.attr in ("major", "minor"):
        return ("major", "minor").index(node.attr) if spelled(node.value) in known else None
    if spelled(node) in known:
        return slice(None)
    if not isinstance(node, ast.Subscript) or spelled(node.value) not in known:
        return None
    index = node.slice
    if isinstance(index, ast.Slice):
        starts = index.lower is None or _constant(index.lower) == 0
        stop = _constant(index.upper) if index.upper is not None else None
        return slice(stop) if starts and index.step is None and isinstance(stop, int) and stop > 0 else None
    number = _constant(index)
    return number if number in (0, 1) and isinstance(number, int) else None


def _constant(node: ast.expr) -> int | tuple[int, ...] | None:
    """A number, or a tuple that begins with numbers."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if not isinstance(node, ast.Tuple):
        return None
    numbers = [item.value for item in node.elts if isinstance(item, ast.Constant)]
    whole = [number for number in numbers if type(number) is int]
    return tuple(whole) if len(whole) == len(node.elts) or len(whole) > 2 else None


def _has(test: ast.Call, version: Version, known: frozenset[str]) -> bool | None:
    """Whether asyncio has what ``hasattr(asyncio, "Runner")`` asks for."""
    if spelled(test.func) != "hasattr" or len(test.args) != 2 or not known.issuperset({"hasattr", "asyncio"}):
        return None
    owner, name = test.args
    if not isinstance(owner, ast.Name) or owner.id != "asyncio" or not isinstance(name, ast.Constant):
        return None
    since = SINCE.get(name.value) if isinstance(name.value, str) else None
    return version >= since if since is not None else None

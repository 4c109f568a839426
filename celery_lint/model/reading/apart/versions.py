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
_SPELLED = frozenset({"sys.version_info", "_sys.version_info", "version_info"})
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
    asked = _Asked(_flags(tree), pythons)
    pending: list[list[Any]] = [tree.body]
    for block in pending:  # which grows meanwhile
        pending.extend(_cut(block, asked))
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.IfExp):
                setattr(node, name, asked.chosen(value))
            elif isinstance(value, list):
                value[:] = [asked.chosen(each) if isinstance(each, ast.IfExp) else each for each in value]


def _flags(tree: ast.Module) -> dict[str, ast.expr]:
    """What the top of a module binds once, by name."""
    found: dict[str, list[ast.expr]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


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
    """What tests say about versions; ``flags`` are the names that a module binds."""

    def __init__(self, flags: Mapping[str, ast.expr], pythons: Pythons) -> None:
        self._pythons = pythons
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
            return _compared(test.left, type(test.ops[0]), test.comparators[0], version)
        if isinstance(test, ast.Name):
            return self._flags.get(test.id, {}).get(version)
        if isinstance(test, ast.Call):
            return _has(test, version)
        name = spelled(test)
        return version[0] == int(name[-1]) if name in ("six.PY2", "six.PY3") else None


def _compared(left: ast.expr, op: type[ast.cmpop], right: ast.expr, version: Version) -> bool | None:
    """Whether a comparison of the version with a constant holds."""
    wanted, parts = _constant(right), _part(left)
    if parts is None:  # `(3, 11) <= sys.version_info`
        wanted, parts, op = _constant(left), _part(right), _THE_OTHER_WAY.get(op, op)
    compare = _COMPARED.get(op)
    if parts is None or compare is None or wanted is None:
        return None
    if isinstance(parts, int):
        return compare(version[parts], wanted) if isinstance(wanted, int) else None
    if not isinstance(wanted, tuple):
        return None
    known = version[: parts.stop]
    more = parts.stop is None or parts.stop > 2
    if more and len(wanted) > 2:
        return compare(known, wanted[:2]) if known != wanted[:2] else None  # it depends on the patch
    return compare((*known, 0) if more else known, wanted)


def _part(node: ast.expr) -> int | slice | None:
    """Which part of the version an expression is: an item of it, or what it begins with."""
    if isinstance(node, ast.Attribute) and node.attr in ("major", "minor"):
        return ("major", "minor").index(node.attr) if _is_version(node.value) else None
    if _is_version(node):
        return slice(None)
    if not isinstance(node, ast.Subscript) or not _is_version(node.value):
        return None
    index = node.slice
    if isinstance(index, ast.Slice):
        starts = index.lower is None or _constant(index.lower) == 0
        stop = _constant(index.upper) if index.upper is not None else None
        return slice(stop) if starts and index.step is None and isinstance(stop, int) and stop > 0 else None
    number = _constant(index)
    return number if number in (0, 1) and isinstance(number, int) else None


def _is_version(node: ast.expr) -> bool:
    return spelled(node) in _SPELLED


def _constant(node: ast.expr) -> int | tuple[int, ...] | None:
    """A number, or a tuple that begins with numbers."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if not isinstance(node, ast.Tuple):
        return None
    numbers = [item.value for item in node.elts if isinstance(item, ast.Constant)]
    whole = [number for number in numbers if type(number) is int]
    return tuple(whole) if len(whole) == len(node.elts) or len(whole) > 2 else None


def _has(test: ast.Call, version: Version) -> bool | None:
    """Whether asyncio has what ``hasattr(asyncio, "Runner")`` asks for."""
    if not isinstance(test.func, ast.Name) or test.func.id != "hasattr" or len(test.args) != 2:
        return None
    owner, name = test.args
    if not isinstance(owner, ast.Name) or owner.id != "asyncio" or not isinstance(name, ast.Constant):
        return None
    since = SINCE.get(name.value) if isinstance(name.value, str) else None
    return version >= since if since is not None else None

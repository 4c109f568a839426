"""Lines that run on Windows or macOS only, or where the product is developed: no deployed worker runs them.

``if sys.platform == "win32":``, ``if os.name == "nt":``, ``if platform.system() == "Darwin":``, and the same
by way of a name: ``if IS_WINDOWS:``, ``if settings.DEBUG:``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

_WORDS = (
    "win32",
    '"nt"',
    "'nt'",
    "indows",
    '"win"',
    "'win'",
    "INDOWS",
    "DEBUG",
    "arwin",
    "DARWIN",
    "macos",
    "MACOS",
    "IS_MAC",
)
_ASKING = ("sys.platform", "os.name", "platform.system")
_NAMES = ("win", "nt", "cygwin", "msys", "darwin", "macos")
# What projects call it, as a whole name or a part of one: `IS_WINDOWS`, `settings.DEBUG`, `is_windows()`.
_CALLED = re.compile(
    r"(?:[a-z]+_)*(?:windows|win32|nt|darwin|macos|mac|osx)|debug|dev_?mode|(?:is_)?(?:local_)?dev(?:elopment)?"
)


def lines_apart(tree: ast.Module, text: str) -> tuple[tuple[int, int], ...]:
    """The first and the last line of each stretch that a deployed worker does not run."""
    if not any(word in text for word in _WORDS):
        return ()
    named = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _asks(node.value, frozenset()) is True
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    pending: list[ast.stmt] = list(tree.body)
    for node in pending:  # which grows meanwhile
        if isinstance(node, ast.If):
            asked = _asks(node.test, named)
            apart = node.body if asked else node.orelse if asked is False else []
            if apart:
                found.append((apart[0].lineno, apart[-1].end_lineno or apart[-1].lineno))
        for part in ("body", "orelse", "handlers", "finalbody"):
            pending.extend(getattr(node, part, ()))
    return tuple(found)


def asks_for_no_deployment(test: ast.expr) -> bool | None:
    """Whether a test is true only there, as far as itself says it; ``False``: only elsewhere."""
    return _asks(test, ())


def _asks(test: ast.expr, named: Iterable[str]) -> bool | None:
    """Whether a test is true only there; ``False``: only elsewhere; ``None``: it asks for something else."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, not negated
    if isinstance(test, ast.BoolOp):
        parts = [_asks(part, named) for part in test.values]
        wanted = isinstance(test.op, ast.And)  # of `and` one part is enough, where all must be true
        answer = wanted if wanted in parts else parts[0] if len({*parts}) == 1 else None
    else:
        answer = _asks_one(test, named)
    return answer if answer is None or not negated else not answer


def _asks_one(test: ast.expr, named: Iterable[str]) -> bool | None:
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and _spelled(test.left).startswith(_ASKING):
        there = _all_there(test.comparators[0])
        return None if there is None else there is isinstance(test.ops[0], (ast.Eq, ast.In, ast.Is))
    spelled = _spelled(test)
    if spelled.startswith(_ASKING):
        is_start = isinstance(test, ast.Call) and spelled.endswith(".startswith()") and len(test.args) == 1
        return _all_there(test.args[0]) if is_start and isinstance(test, ast.Call) else None
    leaf = spelled.removesuffix("()").rpartition(".")[2]
    return True if leaf in named or _CALLED.fullmatch(leaf.lower().lstrip("_")) else None


def _all_there(value: ast.expr) -> bool | None:
    """Whether names of platforms are all those of Windows, or all of others."""
    items = value.elts if isinstance(value, (ast.Tuple, ast.List, ast.Set)) else [value]
    texts = [item.value for item in items if isinstance(item, ast.Constant)]
    answers = {text.lower().startswith(_NAMES) for text in texts if isinstance(text, str)}
    return answers.pop() if len(answers) == 1 and len(texts) == len(items) else None


def _spelled(node: ast.expr) -> str:
    """A dotted path as it is spelled, ``()`` behind each call."""
    tail = ""
    while isinstance(node, (ast.Call, ast.Attribute)):
        tail = f"(){tail}" if isinstance(node, ast.Call) else f".{node.attr}{tail}"
        node = node.func if isinstance(node, ast.Call) else node.value
    return f"{node.id}{tail}" if isinstance(node, ast.Name) else tail

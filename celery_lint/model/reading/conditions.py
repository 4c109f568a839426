"""What the tests of ``if`` and ``while`` ask for, in the words of :class:`celery_lint.model.steps.Step`."""

from __future__ import annotations

import ast

from celery_lint.model.chains import is_constant_name
from celery_lint.model.reading.scopes import Scope, chain_of
from celery_lint.model.reading.values import word_of

_BY_SIZE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_RETRIES = ".retries"


def test_of(test: ast.expr, scope: Scope) -> str:
    """What a test asks for, in words."""
    asked = _asked(test, scope)
    if not asked:
        return _compound(test, scope)
    key = _key(test)
    if key:
        return f"{asked} '{key}"
    return f"{asked} #None" if _is_variable(asked) and _is_of_none(test) else asked


def _key(test: ast.expr) -> str:
    """The text by which a test takes what it asks for out of a mapping: `config["DEBUG"]`, or nothing."""
    while isinstance(test, ast.UnaryOp):
        test = test.operand
    key: ast.expr | None = None
    if isinstance(test, ast.Subscript):
        key = test.slice
    elif isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "get":
        key = test.args[0] if test.args else None
    text = key.value if isinstance(key, ast.Constant) else None
    return text if isinstance(text, str) and text.isidentifier() else ""


def _compound(test: ast.expr, scope: Scope) -> str:
    """A test of several parts, or a comparison with a constant, as far as variables decide it."""
    among = _among(test, scope)
    if among:
        return among
    if not isinstance(test, ast.BoolOp):
        part = _part(test, scope)
        return _counted(test, scope) if part == "?" else f"={part}"
    parts = [_part(value, scope) for value in test.values]
    if all(part == "?" for part in parts):
        return ""
    return " ".join(["&" if isinstance(test.op, ast.And) else "|", *parts])


def _among(test: ast.expr, scope: Scope) -> str:
    """A test whether something is one of several constants, as one of several comparisons, or nothing."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return ""
    known, there = test.comparators[0], isinstance(test.ops[0], ast.In)
    if not there and not isinstance(test.ops[0], ast.NotIn):
        return ""
    if not isinstance(known, (ast.List, ast.Set, ast.Tuple)) or not known.elts:
        return ""
    chain, words = chain_of(test.left, scope), [_constant(each, scope) for each in known.elts]
    if not chain or not all(words):
        return ""
    parts = [f"{'' if there else '!'}{chain}:{word}" for word in words]
    return f"={parts[0]}" if len(parts) == 1 else " ".join(["|" if there else "&", *parts])


def _counted(test: ast.expr, scope: Scope) -> str:
    """A comparison of the number of retries by size, the bound and what is added to it, or nothing."""
    negative = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negative = not negative
        test = test.operand
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], _BY_SIZE):
        return ""
    below, equal = isinstance(test.ops[0], (ast.Lt, ast.LtE)), isinstance(test.ops[0], (ast.LtE, ast.GtE))
    (one, added), (other, more) = _sum(test.left, scope), _sum(test.comparators[0], scope)
    if not chain_of(one, scope).endswith(_RETRIES):
        one, added, other, more, below = other, more, one, added, not below
    bound = chain_of(other, scope) or _constant(other, scope)
    if not chain_of(one, scope).endswith(_RETRIES) or bound[:1] in ("", "'"):
        return ""
    difference = more - added + (1 if equal is below else 0)
    return f"{'' if below is not negative else '!'}<{bound}:{difference}"


def _sum(node: ast.expr, scope: Scope) -> tuple[ast.expr, int]:
    """An expression without the whole number that is added to it, also where it was bound, and the number."""
    if isinstance(node, ast.Name):
        bound = scope.values.get(node.id, ())
        if len(bound) == 1 and type(bound[0]) is ast.BinOp and node.id not in scope.opaque:
            node = bound[0]
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        number = node.right.value if isinstance(node.right, ast.Constant) else None
        if type(number) is int:
            return node.left, number if isinstance(node.op, ast.Add) else -number
    return node, 0


def _part(test: ast.expr, scope: Scope) -> str:
    """One part of a test in one word: `%x`, `!%x`, `%x:#None`, `%x:'all`, `%x:=Kind.ALL`, or `?`."""
    asked = _asked(test, scope)
    if _is_variable(asked):
        return f"{asked}:#None" if _is_of_none(test) else asked
    if is_constant_name(asked.lstrip("!")):
        return asked
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        chain, word = chain_of(test.left, scope), _constant(test.comparators[0], scope)
        equal = isinstance(test.ops[0], (ast.Eq, ast.Is))
        if chain and word and (equal or isinstance(test.ops[0], (ast.NotEq, ast.IsNot))):
            return f"{'' if equal else '!'}{chain}:{word}"
    return "?"


def _is_variable(asked: str) -> bool:
    """Whether a test asks for a variable, or for what an object of the module keeps: `self.mode`."""
    chain = asked.lstrip("!")
    return chain[:1] == "%" or (chain[:1] == ":" and chain.partition("().")[2].isidentifier())


def _constant(node: ast.expr, scope: Scope) -> str:
    """A constant that a test compares with in one word, or nothing."""
    if not isinstance(node, ast.Constant):
        chain = chain_of(node, scope)
        return f"={chain}" if is_constant_name(chain) else ""
    if isinstance(node.value, str):
        return f"'{node.value}" if node.value.isidentifier() else ""
    return word_of(node.value) if isinstance(node.value, (bool, int, float)) else ""


def _is_of_none(test: ast.expr) -> bool:
    """Whether a test compares with ``None``."""
    while isinstance(test, ast.UnaryOp):
        test = test.operand
    return isinstance(test, ast.Compare)


def _asked(test: ast.expr, scope: Scope) -> str:
    """The chain that a test asks for, ``!`` before it where it is to be false or ``None``."""
    negative = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negative = not negative
        test = test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Constant):
        operator, other = test.ops[0], test.comparators[0].value
        if other is not None or not isinstance(operator, (ast.Is, ast.Eq, ast.IsNot, ast.NotEq)):
            return ""
        negative ^= isinstance(operator, (ast.Is, ast.Eq))
        test = test.left
    chain = chain_of(test, scope)
    if chain == "~isinstance()" and isinstance(test, ast.Call) and len(test.args) == 2:
        kinds = test.args[1]
        named = [test.args[0], *(kinds.elts if isinstance(kinds, ast.Tuple) else [kinds])]
        chain = " ".join([chain, *(chain_of(each, scope) or "?" for each in named)])
    return f"!{chain}" if chain and negative else chain

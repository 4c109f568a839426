"""What becomes of the operands of an expression: which decides something, which is looked into.

The letters of the roles are flags of the calls there, see :class:`celery_lint.model.calls.Call`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from celery_lint.model.reading.expressions import is_none
from celery_lint.model.reading.scopes import CallRecord, Scope, StepRecord
from celery_lint.model.steps import TASK_ATTRIBUTES, StepRole

#: The flag of what stands in an operand that is worked out only if another one says so.
PERHAPS = "o"
#: The flag of what stands in a comprehension: it is made for each item, so perhaps never.
_FOR_EACH = "c"
_SUMS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod)


class Position:
    """Where the walk is: the scope, the flags that hold for everything below, the call and statement around.

    ``part`` is the part of that statement in which the statements below stand.
    """

    __slots__ = ("call", "flags", "names", "part", "scope", "step")

    def __init__(
        self, scope: Scope, flags: str, call: CallRecord | None, step: StepRecord, part: StepRole = "body"
    ) -> None:
        self.scope = scope
        self.flags = flags
        self.call = call
        self.step = step
        self.part = part
        #: Takes the names that are read here.
        self.names = step.perhaps if PERHAPS in flags else step.loads


class Walk(Protocol):
    """Whoever walks over the tree."""

    def visit(self, node: Any, position: Position, role: str = "") -> None:
        """Visit an expression next."""

    def push(self, nodes: Sequence[Any], position: Position, role: str = "") -> None:
        """Visit these expressions next."""


def only_asked(nodes: Iterable[ast.expr], position: Position, mark: str = "") -> None:
    """Note the names among these of which only the value is asked; ``mark`` goes before those names."""
    position.step.valued.extend(f"{mark}{node.id}" for node in nodes if isinstance(node, ast.Name))


def _assert(walk: Walk, node: ast.Assert, position: Position, _: str) -> None:
    walk.visit(node.msg, position)
    walk.visit(node.test, position, "?")


def _note_attributes(nodes: Iterable[ast.expr | None], position: Position) -> None:
    """Note what is taken from modules and objects, where no chain tells it: `x.id`, `str(x.id)`."""
    inner = (node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else node for node in nodes)
    found = (node for node in inner if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
    position.step.loads.extend(f".{node.attr}" for node in found if node.attr not in TASK_ATTRIBUTES)


def _listed(walk: Walk, node: ast.List | ast.Tuple | ast.Set, position: Position, _: str) -> None:
    _note_attributes(node.elts, position)
    walk.push(node.elts, position)


def _mapped(walk: Walk, node: ast.Dict, position: Position, _: str) -> None:
    _note_attributes(node.values, position)
    walk.push(node.values, position)
    walk.push(node.keys, position)


def _conditional(walk: Walk, node: ast.IfExp, position: Position, role: str) -> None:
    _note_attributes((node.body, node.orelse), position)
    walk.push([node.body, node.orelse], _perhaps(position), "?" if role == "?" else "")
    walk.visit(node.test, position, "?")


def _joined(walk: Walk, node: ast.BoolOp, position: Position, role: str) -> None:
    perhaps = _perhaps(position)
    if isinstance(node.op, ast.Or) and role != "?":  # `x or y` may be `x` itself
        position.names.extend(value.id for value in node.values[:-1] if isinstance(value, ast.Name))
    if _is_settled(node):
        first, *others = map(_without_not, node.values)
        walk.push(others, perhaps)
        walk.visit(first, position)
        return
    walk.push(node.values[-1:], perhaps, "?" if role == "?" else "")
    walk.push(node.values[1:-1], perhaps, "?")
    walk.push(node.values[:1], position, "?")
    names = {root for value in node.values if (root := _asked_alone(value))}
    if names:
        looked = {root for value in node.values for root in _all_looked_into(value) if root in names}
        position.step.loads.extend(f"@{name}" for name in sorted(looked))


def _is_settled(node: ast.BoolOp) -> bool:
    """Whether the last operand is written to make it constant: ``not send() or True`` only sends."""
    last = node.values[-1]
    return isinstance(last, ast.Constant) and last.value is isinstance(node.op, ast.Or)


def _without_not(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else node


def _perhaps(position: Position) -> Position:
    """The place of operands that are worked out only if another one says so."""
    return Position(position.scope, position.flags + PERHAPS, position.call, position.step, position.part)


def _asked_alone(node: ast.expr) -> str:
    """The variable whose truth alone an operand asks for."""
    operand = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else node
    return operand.id if isinstance(operand, ast.Name) else ""


def _all_looked_into(node: ast.expr) -> Iterator[str]:
    """The variables that an operand looks into: itself, or to give a function what it finds there."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    for value in node.values if isinstance(node, ast.BoolOp) else (node,):
        yield _looked_into(value)
        compared = (value.left, *value.comparators) if isinstance(value, ast.Compare) else (value,)
        for side in compared:
            if isinstance(side, ast.Call):
                yield from map(_looked_into, side.args)
            elif side is not value:
                yield _looked_into(side)


def _looked_into(node: ast.expr) -> str:
    """The variable of whose attributes or items an operand asks for one."""
    while True:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Compare):
            node = node.left
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            if isinstance(node.value, ast.Name):
                return node.value.id
            node = node.value
        else:
            return ""


def _unary(walk: Walk, node: ast.UnaryOp, position: Position, _: str) -> None:
    walk.visit(node.operand, position, "?" if isinstance(node.op, ast.Not) else "")


def _compared(walk: Walk, node: ast.Compare, position: Position, _: str) -> None:
    """``result == "done"`` decides as ``result`` does, by what it is and not by what it holds."""
    equal = isinstance(node.ops[0], (ast.Eq, ast.NotEq)) and not is_none(node.comparators[0])
    walk.push(node.comparators, position)
    walk.visit(node.left, position, "?" if equal else "")
    asked = node.comparators if equal else [node.left, *node.comparators]
    only_asked(asked, position)


def _operation(walk: Walk, node: ast.BinOp, position: Position, _: str) -> None:
    walk.visit(node.right, position, "|" if isinstance(node.op, ast.BitOr) else "")
    walk.visit(node.left, position)
    if isinstance(node.op, _SUMS):
        only_asked((node.left, node.right), position)


def _shown(walk: Walk, node: ast.FormattedValue, position: Position, _: str) -> None:
    walk.visit(node.format_spec, position)
    walk.visit(node.value, position)
    only_asked((node.value,), position)


def _starred(walk: Walk, node: ast.Starred, position: Position, _: str) -> None:
    walk.visit(node.value, position)


def _index(walk: Walk, node: ast.Subscript, position: Position, _: str) -> None:
    walk.visit(node.slice, position)
    walk.visit(node.value, position, "i")


def _lambda(walk: Walk, node: ast.Lambda, position: Position, _: str) -> None:
    # Its body belongs to the function around it, flagged: it runs later, or never.
    for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
        if not position.scope.binds(argument.arg):
            position.scope.opaque.add(argument.arg)
    walk.visit(node.body, Position(position.scope, position.flags + "l", position.call, position.step))


def _comprehension(walk: Walk, node: ast.comprehension, position: Position, _: str) -> None:
    for name in ast.walk(node.target):
        if isinstance(name, ast.Name) and not position.scope.binds(name.id):
            position.scope.opaque.add(name.id)
    walk.visit(node.iter, position, "i")
    walk.push(node.ifs, _for_each(position), "?")


def _for_each(position: Position) -> Position:
    """The place of what a comprehension works out for each of its items."""
    return Position(position.scope, position.flags + _FOR_EACH, position.call, position.step, position.part)


def _display(
    walk: Walk, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, position: Position, _: str
) -> None:
    inside = _for_each(position)
    walk.push(node.generators[1:], inside)
    walk.visit(node.generators[0], position)
    walk.visit(node.elt, inside)


def _mapping(walk: Walk, node: ast.DictComp, position: Position, _: str) -> None:
    inside = _for_each(position)
    walk.push(node.generators[1:], inside)
    walk.visit(node.generators[0], position)
    walk.push([node.key, node.value], inside)


def _capture(
    walk: Walk, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping, position: Position, _: str
) -> None:
    """What a pattern of a ``case`` gives a name to, which only the run knows."""
    name = node.rest if isinstance(node, ast.MatchMapping) else node.name
    if name is not None:
        position.step.stores.append(name)
        scope = position.scope
        if name in scope.outside:
            scope = scope.module()
        if scope.kind != "module" or not scope.binds(name):
            scope.opaque.add(name)
    if isinstance(node, ast.MatchMapping):
        walk.push([*node.keys, *node.patterns], position)
    elif isinstance(node, ast.MatchAs):
        walk.visit(node.pattern, position)


OPERANDS: dict[type, Callable[[Any, Any, Position, str], None]] = {
    ast.Assert: _assert,
    ast.Dict: _mapped,
    ast.List: _listed,
    ast.Set: _listed,
    ast.Tuple: _listed,
    ast.IfExp: _conditional,
    ast.BoolOp: _joined,
    ast.UnaryOp: _unary,
    ast.Compare: _compared,
    ast.BinOp: _operation,
    ast.FormattedValue: _shown,
    ast.Starred: _starred,
    ast.Subscript: _index,
    ast.Lambda: _lambda,
    ast.ListComp: _display,
    ast.SetComp: _display,
    ast.GeneratorExp: _display,
    ast.DictComp: _mapping,
    ast.comprehension: _comprehension,
    ast.MatchAs: _capture,
    ast.MatchStar: _capture,
    ast.MatchMapping: _capture,
}
"""Who visits the operands of an expression, by its type."""

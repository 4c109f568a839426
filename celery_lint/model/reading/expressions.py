"""Questions about expressions while a module is read."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from celery_lint.model.steps import TASK_ATTRIBUTES

# What a coroutine has itself: who uses one of these knows that it is one.
_OF_COROUTINES = frozenset({"__await__", "close", "send", "throw"})

# Of these methods only texts are asked where they are written out: `"order {}".format(pk)`.
_TEXT_METHODS = frozenset({"format", "format_map", "join", "replace", "strip"})
# So much of a long text is kept.
_MOST_WORDS = 3


def extends(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a definition extends an earlier one of its name: ``@value.setter def value``."""
    return any(
        isinstance(decorator, ast.Attribute)
        and isinstance(decorator.value, ast.Name)
        and decorator.value.id == node.name
        for decorator in node.decorator_list
    )


def is_none(node: ast.expr) -> bool:
    """Whether an expression is the literal ``None``."""
    return isinstance(node, ast.Constant) and node.value is None


def hidden_below(node: ast.expr, names: list[str], valued: list[str]) -> list[ast.expr]:
    """The nodes below a chain that the walk has still to visit: inner calls, indexes, other expressions.

    The name that the chain starts with goes to ``names``, and to ``valued`` if no coroutine has what is asked
    of it.
    """
    current: ast.expr = node
    own = False
    below: list[ast.expr] = []
    path = ""
    while True:
        if isinstance(current, ast.Name):
            names.append(current.id)
            if not own:
                valued.append(current.id)
            if path:
                names.append(current.id + path)
            return below
        if isinstance(current, ast.Attribute):
            if path or current.attr in TASK_ATTRIBUTES:
                path = f".{current.attr}{path}"
            own = current.attr in _OF_COROUTINES or current.attr.startswith("cr_")
            current = current.value
        elif isinstance(current, ast.Subscript):
            below.append(current.slice)
            own = False
            current = current.value
        else:
            below.append(current)
            if path:
                names.append(f"?{path}")
            return below


def displayed(node: ast.expr) -> Sequence[ast.expr]:
    """The items of a dictionary, list or tuple that is written out."""
    if isinstance(node, ast.Dict):
        return node.values
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else ()


_GENERATORS = frozenset(
    {"AsyncGenerator", "AsyncIterator", "AsyncIterable", "Generator", "Iterator", "Iterable"}
)


def given_class(node: ast.expr | None) -> ast.expr | None:
    """The class of what a function returns, or yields, by its annotation."""
    if isinstance(node, ast.Subscript):
        name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if name in _GENERATORS:
            node = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        node = ast.copy_location(ast.Name(node.value, ast.Load()), node)
    return annotated_class(node)


def annotated_class(node: ast.expr | None) -> ast.expr | None:
    """The class that an annotation names, through ``X | None``, ``Optional[X]`` and ``Annotated[X, ...]``."""
    for _ in range(4):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            node = node.left
        elif isinstance(node, ast.Subscript):
            name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if name not in ("Optional", "Annotated", "Final"):
                return None
            node = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        elif isinstance(node, (ast.Name, ast.Attribute)):
            return node
        else:
            return None
    return None


def annotated_call(node: ast.expr | None) -> ast.Call | None:
    """The call beside the class in ``Annotated[Session, Depends(get_session)]``."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return None
    name = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    calls = [each for each in node.slice.elts[1:] if isinstance(each, ast.Call)]
    return calls[0] if name == "Annotated" and len(calls) == 1 else None


def is_text(node: ast.expr) -> bool:
    """Whether an expression puts a text together: an f-string, ``"…" % x``, ``"…".format(x)``."""
    return isinstance(node, ast.JoinedStr) or beginning_of_text(node) is not None


def beginning_of_text(node: ast.expr) -> ast.expr | None:
    """The part of a text that its source begins with, if an expression puts one together."""
    if isinstance(node, ast.JoinedStr):
        return node.values[0] if node.values else None
    first: ast.expr | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        first = node.left
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        first = node.func.value if node.func.attr in _TEXT_METHODS else None
    known = isinstance(first, ast.JoinedStr) or (
        isinstance(first, ast.Constant) and isinstance(first.value, str)
    )
    return first if known else None


def first_words(call: ast.Call) -> str:
    """The first words of what SQLAlchemy's ``text`` is given, as an argument; ``?`` for other calls.

    They tell what a statement of many lines does, also one that is put together. A colon follows if it has,
    or may have, parameters ahead of its ``WHERE``.
    """
    if "text" not in (getattr(call.func, "attr", ""), getattr(call.func, "id", "")):
        return "?"
    known = beginning_of_text(call.args[0]) or call.args[0]
    if isinstance(known, ast.JoinedStr) and known.values:
        known = known.values[0]
    if not isinstance(known, ast.Constant) or not isinstance(known.value, str):
        return "?"
    words = " ".join(known.value.split(None, _MOST_WORDS)[:_MOST_WORDS])
    ahead, where, _ = known.value.lower().partition("where")
    if ":" in ahead or (known is not call.args[0] and not where):
        words += " :"
    return f"'{words}" if words.isprintable() and len(words) < 120 else "?"


def unpacked(given: ast.expr | None, names: Sequence[ast.expr]) -> Sequence[ast.expr | None]:
    """What each of several targets takes of a value: of what a call gives, an attribute that is a number."""
    if isinstance(given, (ast.Tuple, ast.List)) and len(given.elts) == len(names):
        return given.elts
    value = given.value if isinstance(given, ast.Await) else given
    if value is None or not isinstance(value, (ast.Call, ast.Name)):
        return [None] * len(names)
    if any(isinstance(name, ast.Starred) for name in names):
        return [None] * len(names)
    return [
        ast.copy_location(ast.Attribute(value, str(place), ast.Load()), value) for place in range(len(names))
    ]


def is_part(node: ast.expr) -> bool:
    """Whether an expression is what one of several targets takes, see :func:`unpacked`."""
    return isinstance(node, ast.Attribute) and node.attr.isdecimal()


def spelled(node: ast.expr) -> str:
    """The last name of a receiver as the source spells it."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "engine"


def is_given(node: ast.Call, name: str) -> bool:
    """Whether a call gets this name as an argument of its own."""
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(isinstance(argument, ast.Name) and argument.id == name for argument in given)

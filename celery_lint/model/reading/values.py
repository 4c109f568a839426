"""Expressions as :class:`~celery_lint.model.facts.Value`: constants folded, names resolved, calls kept."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from sys import intern
from typing import Any

from celery_lint.diagnostics import Span
from celery_lint.model.facts import Value
from celery_lint.model.reading.apart.platforms import asks_for_no_deployment
from celery_lint.model.reading.expressions import beginning_of_text, is_text
from celery_lint.model.reading.scopes import Scope, chain_of, lookup

_DEEPEST = 7
_MOST_ITEMS = 1500
_MOST_PARTS = 4
_LARGEST_NUMBER = 10**15
_LONGEST_TEXT = 2000

# Calls that are given an address, by their last component: the first or the second argument, or `url`.
_ASKING = frozenset(
    {
        "delete", "get", "head", "options", "patch", "post", "put", "request", "send", "stream", "urljoin",
        "urlopen",
    }
)  # fmt: skip
# So deep is the beginning of a text: `(BASE + "/%s/%s") % (shop, pk) + "?all"`.
_DEEPEST_TEXT = 4
_LONGEST_ITEM = 60

# What a condition asks for that is never so where workers run.
_ASIDE = re.compile(r"sqlite|(?<![a-z])test", re.IGNORECASE)

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}

_COMPREHENSIONS: dict[type[ast.expr], str] = {
    ast.SetComp: "set",
    ast.GeneratorExp: "generator",
    ast.ListComp: "list",
}

SpanOf = Callable[[ast.AST], Span]


def value_of(node: ast.expr | None, scope: Scope, span_of: SpanOf, depth: int = 0) -> Value:
    """The value that an expression has for a reader of this scope."""
    if node is None:
        return Value("constant", Span(1, 1, 1, 1))
    span = span_of(node)
    if depth > _DEEPEST:
        return Value("unknown", span)
    if isinstance(node, ast.Constant):
        return _constant(node.value, span)
    if isinstance(node, ast.Await):
        return value_of(node.value, scope, span_of, depth)
    if isinstance(node, (ast.Name, ast.Attribute)):
        chain = chain_of(node, scope)
        return Value("name", span, None, intern(chain)) if chain else Value("unknown", span)
    if isinstance(node, ast.Call):
        return _call(node, scope, span_of, depth, span)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        if len(node.elts) > _MOST_ITEMS:
            return Value("unknown", span)
        items = tuple(value_of(item, scope, span_of, depth + 1) for item in node.elts)
        return Value("sequence", span, "set" if isinstance(node, ast.Set) else None, "", items)
    if isinstance(node, (ast.SetComp, ast.GeneratorExp, ast.ListComp)):
        kept = _kept(node)
        items = (value_of(kept, scope, span_of, depth + 1),) if kept is not None else ()
        return Value("unknown", span, _COMPREHENSIONS[type(node)], "", items)
    if isinstance(node, ast.Starred):
        return Value("unknown", span, "*")
    if isinstance(node, ast.Dict):
        return _mapping(node, scope, span_of, depth, span)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.BitOr):
            sides = (node.left, node.right)
            return Value(
                "either", span, "|", "", tuple(value_of(s, scope, span_of, depth + 1) for s in sides)
            )
        return _folded(node, scope, span_of, depth, span)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = value_of(node.operand, scope, span_of, depth + 1)
        if operand.kind == "constant" and isinstance(operand.data, (int, float)):
            return Value("constant", span, -operand.data)
    if isinstance(node, ast.IfExp):
        sides, data = _by_deployment(node)
        return Value("either", span, data, "", tuple(value_of(s, scope, span_of, depth + 1) for s in sides))
    if isinstance(node, ast.BoolOp):
        return Value(
            "either", span, None, "", tuple(value_of(s, scope, span_of, depth + 1) for s in node.values)
        )
    if isinstance(node, ast.Lambda):
        body = value_of(node.body, scope, span_of, depth + 1)
        return Value("lambda", span, _free_names(node), "", (body,))
    if isinstance(node, ast.JoinedStr):
        joined = _joined(node, scope, span) if scope.kind != "function" else None
        return joined or Value("text", span, _scheme(node))
    if isinstance(node, ast.Subscript):
        chain = chain_of(node, scope)
        if chain:
            index = node.slice.value if isinstance(node.slice, ast.Constant) else None
            return Value("name", span, index if isinstance(index, str) else None, intern(chain))
    return Value("unknown", span)


def _by_deployment(node: ast.IfExp) -> tuple[tuple[ast.expr, ast.expr], str | None]:
    """The alternatives; ``deployed`` if the condition asks for tests, SQLite or the machine of a developer.

    All others use the first.
    """
    apart = asks_for_no_deployment(node.test)
    if apart is not None:
        return ((node.orelse, node.body) if apart else (node.body, node.orelse)), "deployed"
    test, negated = node.test, False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, not negated
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn, ast.IsNot)):
        negated = not negated
    if isinstance(test, ast.BoolOp) or not any(map(_is_aside, ast.walk(test))):
        return (node.body, node.orelse), None
    return (node.body, node.orelse) if negated else (node.orelse, node.body), "deployed"


def _is_aside(node: ast.AST) -> bool:
    """Whether a part of a condition names what no deployed process is or has."""
    said = node.value if isinstance(node, ast.Constant) else getattr(node, "attr", getattr(node, "id", None))
    return isinstance(said, str) and _ASIDE.search(said) is not None


def _kept(node: ast.SetComp | ast.GeneratorExp | ast.ListComp) -> ast.Name | None:
    """What a comprehension leaves out some items of, and changes none: ``[app for app in APPS if …]``."""
    own = node.generators[0]
    if not isinstance(node.elt, ast.Name) or not isinstance(own.target, ast.Name):
        return None
    kept = node.elt.id == own.target.id and len(node.generators) == 1
    return own.iter if kept and isinstance(own.iter, ast.Name) else None


def _free_names(node: ast.Lambda) -> str:
    """The names that a lambda reads where it runs, joined by blanks: not its own, and not its defaults."""
    read: dict[str, None] = {}
    own: set[str] = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    for inner in ast.walk(node.body):
        if isinstance(inner, ast.Name):
            if isinstance(inner.ctx, ast.Load):
                read[inner.id] = None
            else:
                own.add(inner.id)
        elif isinstance(inner, ast.arg):
            own.add(inner.arg)
    return " ".join([name for name in read if name not in own])


def _joined(node: ast.JoinedStr, scope: Scope, span: Span) -> Value | None:
    """A text that begins with a constant of another name, ``f"{REDIS}/0"``, as the sum of its parts.

    Only of settings, which no function makes: of those the beginning tells the broker.
    """
    parts: list[Value] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(_constant(part.value, span))
            continue
        plain = isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None
        named = part.value if plain and isinstance(part, ast.FormattedValue) else None
        if not isinstance(named, (ast.Name, ast.Attribute)) or not (chain := chain_of(named, scope)):
            return None
        parts.append(Value("name", span, None, chain))
    if not parts or len(parts) > _MOST_PARTS or parts[0].kind != "name":
        return None
    total = parts[0]
    for each in parts[1:]:
        total = Value("arithmetic", span, "Add", "", (total, each))
    return total if len(parts) > 1 else None


def _scheme(node: ast.expr) -> str | None:
    """The beginning of a text that only the run knows, if that is the scheme of a URL."""
    first = beginning_of_text(node)
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and "://" in first.value:
        return first.value.partition("://")[0] + "://"
    return None


def address(call: ast.Call, given: ast.expr, scope: Scope) -> str:
    """The host or the name that an address begins with which only the run knows, as an argument; or ``?``."""
    if not _asks(call):
        return "?"
    first = given
    for _ in range(_DEEPEST_TEXT):
        if isinstance(first, ast.JoinedStr) and first.values:
            first = first.values[0]
        elif isinstance(first, ast.FormattedValue) and first.conversion == -1 and first.format_spec is None:
            first = first.value
        elif (filled := _filled(first)) is not None:
            first = filled
        elif isinstance(first, ast.BinOp) and isinstance(first.op, (ast.Mod, ast.Add)):
            first = first.left
        elif isinstance(first, ast.Call) and getattr(first.func, "attr", "") == "format":
            first = first.func.value  # type: ignore[attr-defined]
        elif isinstance(first, ast.Call) and first.args and _called(first) == "urljoin":
            first = first.args[0]
        else:
            break
    item = _item(first, scope)
    if item:
        return f"^={item}"
    if first is given and not isinstance(first, (ast.Constant, ast.Call)):
        return "?"
    if isinstance(first, (ast.Name, ast.Attribute)):
        chain = chain_of(first, scope)
        if isinstance(first, ast.Name) and ("[]" in chain or "()" in chain):
            chain = f"%{first.id}"  # what it was made of may give another thing each time
        return f"^={chain}" if chain else "?"
    if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute):
        chain = chain_of(first.func, scope)
        return f"^={chain}()" if chain else "?"
    text = first.value if isinstance(first, ast.Constant) else None
    if not isinstance(text, str) or "://" not in text:
        return "?"
    scheme, _, rest = text.partition("://")
    host, slash, _ = rest.partition("/")
    begins = f"{scheme}://{host}{slash}"
    return f"^'{begins}" if begins.isprintable() and "{" not in begins and "%" not in begins else "?"


def _filled(node: ast.expr) -> ast.expr | None:
    """What fills the very beginning of a text: ``"%s/orders" % BASE``, ``"{}/orders".format(BASE)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        if not _text(node.left).startswith("%s"):
            return None
        given = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        return given[0] if given and not isinstance(given[0], ast.Starred) else None
    if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") != "format":
        return None
    name, ends, _ = _text(node.func.value)[1:].partition("}")  # type: ignore[attr-defined]
    if not ends or _text(node.func.value)[:1] != "{":  # type: ignore[attr-defined]
        return None
    if name in ("", "0"):
        return node.args[0] if node.args and not isinstance(node.args[0], ast.Starred) else None
    return next((keyword.value for keyword in node.keywords if keyword.arg == name), None)


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def address_in_variable(call: ast.Call, scope: Scope) -> str:
    """What the text of a variable begins with that a call is given as an address, the same way; or nothing.

    ``url = f"{BASE}/orders"``, ``requests.get(url)``: nobody else asks for what such a variable begins with.
    """
    if not _asks(call):
        return ""
    for given in (*call.args[:2], *(keyword.value for keyword in call.keywords if keyword.arg == "url")):
        binder = lookup(given.id, scope) if isinstance(given, ast.Name) else None
        if isinstance(given, ast.Name) and binder is not None and given.id not in binder.opaque:
            values = binder.values.get(given.id, ())[:_MOST_PARTS]
            found = {address(call, value, binder) for value in values if not isinstance(value, ast.Name)}
            if len(found) == 1 and "?" not in found:
                return found.pop()
    return ""


def _asks(call: ast.Call) -> bool:
    return _called(call) in _ASKING


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _item(node: ast.expr, scope: Scope) -> str:
    """An item of a mapping or a list by a constant, ``options["url"]``, as a chain; or nothing."""
    keys = ""
    while isinstance(node, ast.Subscript):
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if not isinstance(key, (str, int)):
            return ""
        keys, node = f"[{key!r}]{keys}", node.value
    chain = chain_of(node, scope) if keys and isinstance(node, (ast.Name, ast.Attribute)) else ""
    return f"{chain}{keys}" if chain and len(keys) <= _LONGEST_ITEM else ""


def word_of(data: bool | int | float | None) -> str:
    """A constant in one word, as the arguments of calls and the values of statements have it.

    ``?`` for a number beyond all that Celery counts; Python refuses to write some of these out.
    """
    return "?" if isinstance(data, int) and abs(data) >= _LARGEST_NUMBER else f"#{data!r}"


def _constant(data: str | bytes | complex | int | float | bool | Any | None, span: Span) -> Value:
    if data is None or isinstance(data, (bool, float)):
        return Value("constant", span, data)
    if isinstance(data, int) and -_LARGEST_NUMBER < data < _LARGEST_NUMBER:
        return Value("constant", span, data)
    if isinstance(data, str):
        return Value("constant", span, data[:_LONGEST_TEXT])
    return Value("unknown", span)


def _call(node: ast.Call, scope: Scope, span_of: SpanOf, depth: int, span: Span) -> Value:
    items: list[Value] = []
    keywords: list[tuple[str, Value]] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            keywords.append(("*", value_of(argument.value, scope, span_of, depth + 1)))
        else:
            items.append(value_of(argument, scope, span_of, depth + 1))
    for keyword in node.keywords:
        keywords.append((keyword.arg or "**", value_of(keyword.value, scope, span_of, depth + 1)))
        if keyword.arg is None and isinstance(keyword.value, ast.Name):
            # What a local dictionary holds: a chain would not tell.
            binder = lookup(keyword.value.id, scope)
            if binder is not None and binder.kind == "function":
                for bound in binder.values.get(keyword.value.id, ())[:2]:
                    if isinstance(bound, ast.Dict):
                        keywords.append(("**", value_of(bound, binder, span_of, depth + 1)))
    if is_text(node):
        return Value("text", span, _scheme(node))
    chain = chain_of(node.func, scope)
    if not chain and isinstance(node.func, ast.Call):
        return Value("unknown", span)
    # A call of a call, `shared_task(bind=True)(run)`: the inner call is the first keyword "()".
    if isinstance(node.func, ast.Call):
        keywords.insert(0, ("()", value_of(node.func, scope, span_of, depth + 1)))
    return Value("call", span, None, intern(chain), tuple(items), tuple(keywords))


def _mapping(node: ast.Dict, scope: Scope, span_of: SpanOf, depth: int, span: Span) -> Value:
    if len(node.keys) > _MOST_ITEMS:
        return Value("unknown", span)
    keys: list[Value] = []
    entries: list[tuple[str, Value]] = []
    for key, item in zip(node.keys, node.values, strict=True):
        value = value_of(item, scope, span_of, depth + 1)
        if key is None:
            keys.append(Value("unknown", value.span))
            entries.append(("**", value))
            continue
        known = value_of(key, scope, span_of, depth + 1)
        keys.append(known)
        word = known.data if known.kind == "constant" else None
        entries.append((word if isinstance(word, str) else "?", value))
    return Value("mapping", span, None, "", tuple(keys), tuple(entries))


def _folded(node: ast.BinOp, scope: Scope, span_of: SpanOf, depth: int, span: Span) -> Value:
    if isinstance(node.op, ast.Mod) and is_text(node):
        return Value("text", span, _scheme(node))
    left = value_of(node.left, scope, span_of, depth + 1)
    right = value_of(node.right, scope, span_of, depth + 1)
    operate = _ARITHMETIC.get(type(node.op))
    numbers = (left.data, right.data)
    if operate is not None and left.kind == right.kind == "constant":
        if all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers):
            try:
                return _constant(operate(*numbers), span)
            except ArithmeticError:
                return Value("unknown", span)
        if isinstance(node.op, ast.Add) and all(isinstance(n, str) for n in numbers):
            return _constant(operate(*numbers), span)
    if isinstance(node.op, ast.Add) and left.kind == right.kind == "sequence":
        return Value("sequence", span, None, "", left.items + right.items)
    if {left.kind, right.kind} & {"name", "call", "arithmetic"}:
        # Kept apart from "unknown": the linker may know the constant behind the name.
        return Value("arithmetic", span, type(node.op).__name__, "", (left, right))
    return Value("unknown", span)


def constant_word(data: object) -> str:
    """A constant among the arguments of a call."""
    if isinstance(data, str) and len(data) < 120 and data.isprintable():
        return f"'{data}"
    return word_of(data) if data is None or isinstance(data, (bool, int, float)) else "?"

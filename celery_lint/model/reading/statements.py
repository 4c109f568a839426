"""Statements while a module is read; what remains of them is :mod:`celery_lint.model.steps`."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from celery_lint.model.reading.conditions import test_of
from celery_lint.model.reading.expressions import is_text
from celery_lint.model.reading.scopes import Scope, StepRecord, chain_of, resolve_name
from celery_lint.model.reading.values import word_of
from celery_lint.model.steps import COMPOSED, StepKind, pack_step
from celery_lint.source import Source

_KINDS: dict[type[ast.AST], StepKind] = {
    ast.Expr: "expr",
    ast.Assign: "assign",
    ast.AnnAssign: "assign",
    ast.AugAssign: "augment",
    ast.Delete: "delete",
    ast.Return: "return",
    ast.Raise: "raise",
    ast.If: "if",
    ast.For: "for",
    ast.AsyncFor: "for",
    ast.While: "while",
    ast.With: "with",
    ast.AsyncWith: "with",
    ast.Try: "try",
    ast.ExceptHandler: "handler",
    ast.Match: "match",
    ast.match_case: "case",
    ast.Assert: "assert",
    ast.FunctionDef: "def",
    ast.AsyncFunctionDef: "def",
    ast.ClassDef: "class",
    ast.Global: "global",
    ast.Nonlocal: "global",
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.Pass: "pass",
    ast.Break: "break",
    ast.Continue: "continue",
}
for _name in ("TryStar", "TypeAlias"):  # Python 3.11 and 3.12
    if hasattr(ast, _name):
        _KINDS[getattr(ast, _name)] = "try" if _name == "TryStar" else "pass"
STATEMENTS = frozenset(_KINDS)
_VALUED = frozenset({"assign", "augment", "return", "expr"})
_HOLDING = frozenset({"if", "for", "while", "with", "try", "handler", "match", "def", "class"})
_MARKS = "![@/"
_OPERATIONS: dict[type[ast.operator], str] = {ast.BitOr: "|", ast.Mult: "*", ast.Pow: "*"}
_BY_SIZE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ASYNCHRONOUS = (ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)


def steps_of(scope: Scope, source: Source, task: str = "") -> str:
    """The statements of a function, packed. ``task`` is the parameter that holds the task itself, if any."""
    if task and scope.steps and _is_given_away(scope.node, task):
        scope.steps[0].loads.append("&self")
    called = _called(scope)
    return "\n".join([_packed(record, scope, called, source) for record in scope.steps])


def _called(scope: Scope) -> set[str]:
    """The local variables that are bound to what some call gives: of others nobody asks how they are used."""
    return {name for name, values in scope.values.items() if any(type(value) is ast.Call for value in values)}


def _packed(record: StepRecord, scope: Scope, called: Collection[str], source: Source) -> str:
    node: Any = record.node
    kind = _KINDS[type(node)]
    loads = {name: None for name in record.loads if name[0] not in _MARKS or name[1:] in called}
    for name in record.perhaps:
        if name not in loads and f"/{name}" not in loads:
            loads[name] = None
            if name in called:
                loads[f"/{name}"] = None
    if record.inner is not None:
        for inner in _with_inner(record.inner):
            for step in inner.steps:
                names = (name for name in (*step.loads, *step.perhaps) if name[0] not in _MARKS)
                loads.update(dict.fromkeys(names))
    if called and record.valued and record.inner is None:  # who knows what an inner function does with it
        for name, mark in _valued(record, scope, called).items():
            loads[mark + name] = None
    read = " ".join(loads)
    if record.unbound:
        read += "".join([f" ;{name}" for name in dict.fromkeys(record.unbound)])
    if ".max_retries" in read:
        for path in [path for path in loads if path.endswith(".max_retries")]:
            if _only_calculated(node, kind, path):
                read += f" <{path}"
    chains = _chains(node, kind, scope)
    if chains in COMPOSED and (attribute := _attribute_set(node)):
        read += f" >{attribute}"
    return pack_step(
        kind,
        record.parent,
        record.role,
        _place(node, kind, source),
        _flags(node, kind),
        record.calls,
        read,
        " ".join(dict.fromkeys(record.stores)) if record.stores else "",
        chains,
    )


def _attribute_set(node: ast.AST) -> str:
    """The attribute of a variable that a statement sets, and nothing else besides."""
    target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return target.attr
    return ""


def _valued(record: StepRecord, scope: Scope, called: Collection[str]) -> dict[str, str]:
    """The variables of which a statement only uses the value, with their marks: `=`, or `{` if it returns it.

    Of those alone that are bound to what a function with a name gives: it may be a coroutine.
    """
    names = {
        name: None
        for name in [name.lstrip("{") for name in record.valued]
        if name in called and resolve_name(name, scope)[0] not in "~%"
    }
    if not names:
        return {}
    reads, uses = Counter((*record.loads, *record.perhaps)), Counter(record.valued)
    returned = {name: uses[f"{{{name}"] for name in names}
    return {
        name: "{" if returned[name] else "=" for name in names if reads[name] == uses[name] + returned[name]
    }


def _with_inner(scope: Scope) -> Iterator[Scope]:
    """A function and the functions in it."""
    pending = [scope]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(step.inner for step in current.steps if step.inner is not None)


def _is_given_away(function: ast.AST, name: str) -> bool:
    """Whether a name stands anywhere but before an attribute and as an argument of a call."""
    uses, plain = 0, 0
    pending = [function]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            uses += node.id == name
            continue
        if isinstance(node, ast.Attribute):
            plain += isinstance(node.value, ast.Name) and node.value.id == name
        elif isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            plain += sum(isinstance(value, ast.Name) and value.id == name for value in given)
        for value in vars(node).values():  # a third of the time of ast.walk
            if type(value) is list:
                pending += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                pending.append(value)
    return uses > plain


def _only_calculated(node: Any, kind: StepKind, path: str) -> bool:
    """Whether the statement uses this attribute only in sums and comparisons by size."""
    own = node.test if kind in ("if", "while") else getattr(node, "value", None)
    if own is None or (kind in _HOLDING and kind not in ("if", "while")):
        return False
    calculated: list[ast.AST] = []
    for inner in ast.walk(own):
        if isinstance(inner, ast.BinOp):
            calculated += [inner.left, inner.right]
        elif isinstance(inner, ast.Compare) and all(isinstance(op, _BY_SIZE) for op in inner.ops):
            calculated += [inner.left, *inner.comparators]
    reads = [inner for inner in ast.walk(own) if _is_path(inner, path)]
    return bool(reads) and all(any(read is other for other in calculated) for read in reads)


def _is_path(node: ast.AST, path: str) -> bool:
    owner, _, name = path.rpartition(".")
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    )


def _place(node: Any, kind: StepKind, source: Source) -> str:
    if kind in _HOLDING:
        line, column = node.lineno, source.column(node.lineno, node.col_offset)
        return f"{line} {column} {line} {column + (6 if kind == 'handler' else len(kind))}"  # "except"
    return source.place(node.pattern if kind == "case" else node)


def _flags(node: Any, kind: StepKind) -> str:
    if kind in _VALUED:
        value = type(node.value)
        if value is ast.Await:
            return "a"
        if value is ast.Call or value is ast.Subscript:
            return "t" if _gives_text(node.value) else ""
        return "y" if value is ast.Yield or value is ast.YieldFrom else ""
    if kind == "while":
        return "T" if isinstance(node.test, ast.Constant) and node.test.value else ""
    return "a" if isinstance(node, _ASYNCHRONOUS) else ""


def _gives_text(node: Any) -> bool:
    """Whether a value begins with a method of a variable, or of an attribute, that is given a text."""
    made: ast.Call | None = None
    while True:
        kind = type(node)
        if kind is ast.Call:
            made, node = node, node.func
        elif kind is ast.Subscript or kind is ast.Attribute:
            node = node.value
        else:
            break
    first = made.args[0] if made is not None and made.args else None
    return (
        kind is ast.Name
        and made is not None
        and type(made.func) is ast.Attribute
        and type(first) is ast.Constant
        and type(first.value) is str
    )


def _chains(node: Any, kind: StepKind, scope: Scope) -> str:
    if kind in _VALUED:
        return _value(node.value, scope)
    if kind == "with":
        return " ".join([_item(item, scope) for item in node.items])
    if kind == "handler":
        caught = node.type
        if caught is None:
            return ""
        kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
        return " ".join([chain_of(each, scope) or "?" for each in kinds])
    if kind == "raise":
        return "" if node.exc is None else chain_of(node.exc, scope) or "?"
    if kind in ("def", "class"):
        return scope.definitions.get(node.name) or ""
    if kind in ("if", "while"):
        return test_of(node.test, scope)
    if kind == "for":
        taken = chain_of(node.iter, scope) if isinstance(node, ast.AsyncFor) else ""
        return f"{taken}[]" if taken else ""
    return _imported(node) if kind == "import" and scope.kind == "function" else ""


def _imported(node: ast.Import | ast.ImportFrom) -> str:
    """What an import within a function takes: the module and the names, or modules alone.

    Their dots are slashes: who searches for the words of a name looks for uses of it, and not for these.
    """
    if isinstance(node, ast.Import):
        return " ".join([f"={alias.name.replace('.', '/')}" for alias in node.names])
    module = "." * node.level + (node.module or "")
    names = [f"{each.name}={each.asname or ''}".rstrip("=") for each in node.names]
    is_standard = module.partition(".")[0] in sys.stdlib_module_names
    return "" if is_standard else " ".join([module.replace(".", "/"), *names])


def _item(item: ast.withitem, scope: Scope) -> str:
    chain = chain_of(item.context_expr, scope) or "?"
    if isinstance(item.optional_vars, ast.Name):
        return f"{chain}={item.optional_vars.id}"
    return chain


def _value(node: ast.expr | None, scope: Scope) -> str:
    """A value in one word."""
    if isinstance(node, ast.Call):  # most are
        return chain_of(node, scope) or ("'" if is_text(node) else "?")
    if isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom)):
        node = node.value
    if node is None or isinstance(node, ast.Constant):
        data = node.value if isinstance(node, ast.Constant) else None
        if data is None or isinstance(data, (bool, int, float)):
            return word_of(data)
        return "#'" if isinstance(data, str) else "#?"
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return "{"
    if isinstance(node, (ast.List, ast.ListComp)):
        return "["
    if isinstance(node, ast.Tuple):
        return "("
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)]
    if isinstance(node, (ast.JoinedStr, ast.BinOp)):
        return "'" if is_text(node) else "?"
    return chain_of(node, scope) or "?"

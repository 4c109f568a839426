"""Names that are certainly not bound where a function reads them, whatever else is so.

A local variable that is bound only later (``UnboundLocalError``), and a name that the module, the functions
around and Python itself have not (``NameError``). Only what a statement reads whenever it is come to counts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

from celery_lint.model.reading.scopes import BUILTINS, Scope, StepRecord

#: Before a name that nothing binds at all, in place of one that is bound later.
NOWHERE = "~"
# What other versions of Python and those that run notebooks bring along, and what gettext installs.
_BROUGHT = frozenset(
    {
        "BaseExceptionGroup", "EncodingWarning", "ExceptionGroup", "PythonFinalizationError",
        "WindowsError", "_", "aiter", "anext", "apply", "basestring", "buffer", "cmp", "coerce", "display",
        "execfile", "exit", "file", "get_ipython", "intern", "long", "ngettext", "quit", "raw_input",
        "reduce", "reload", "reveal_locals", "reveal_type", "unichr", "unicode", "xrange",
    }
)  # fmt: skip
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_PATTERNS = ("MatchAs", "MatchStar", "MatchMapping")
_FIRST_OF: dict[type, str] = {
    ast.If: "test",
    ast.While: "test",
    ast.For: "iter",
    ast.AsyncFor: "iter",
    ast.Match: "subject",
}
_VALUED = (ast.Expr, ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign)


class Unbound:
    """The names of one module that are read where they are not bound."""

    def __init__(self, top: Scope) -> None:
        self.top = top
        self._visible: dict[int, frozenset[str]] = {}
        self._oddly: frozenset[str] | None = None

    def noted(self, scope: Scope) -> Scope:
        """A function whose statements tell what they certainly read in vain: of each name the first."""
        if scope.steps and scope.kind == "function":
            self._note(scope)
        return scope

    def _note(self, scope: Scope) -> None:
        steps = scope.steps
        stored: set[str] = set()
        declared = len(scope.outside)
        for record in steps:
            stored.update(_bound_by(record))
            declared += record.inner is not None or type(record.node) is ast.Nonlocal
        if declared:
            stored.difference_update(_of_others(scope))
        seen, bound = self._seen(scope.outer), {*_parameters(scope.node)}
        again: dict[int, set[str]] | None = None
        for record in steps:
            read: set[str] | None = None
            for name in record.loads:
                if name in bound or (name in seen and name not in stored) or not name[:1].isidentifier():
                    continue
                read = _read(record.node) if read is None else read
                if name not in read:
                    continue
                bound.add(name)
                if name not in stored:
                    if not self.top.stars and self._is_nowhere(name):
                        record.unbound.append(f"{NOWHERE}{name}")
                    continue
                if again is None:
                    if any(isinstance(each.node, ast.Match) for each in steps):
                        return  # its patterns bind names as well
                    again = _bound_in_loops(steps)
                if name not in again.get(record.number, ()):
                    record.unbound.append(name)
            bound.update(_bound_by(record))

    def _seen(self, scope: Scope | None) -> frozenset[str]:
        """What functions in a scope know by name without binding it."""
        while scope is not None and scope.kind == "class":
            scope = scope.outer
        if scope is None:
            return BUILTINS | _BROUGHT
        found = self._visible.get(id(scope))
        if found is None:
            own = (scope.definitions, scope.imports, scope.values, scope.opaque, scope.outside)
            found = self._visible[id(scope)] = self._seen(scope.outer).union(*own)
        return found

    def _is_nowhere(self, name: str) -> bool:
        """Whether nothing in the module binds a name that no scope knows."""
        if self._oddly is None:
            self._oddly = frozenset(_oddly_bound(self.top.node))
        return name[:2] != "__" and name not in self._oddly


def _bound_by(record: StepRecord) -> Iterable[str]:
    node = record.node
    if type(node) is ast.ImportFrom or type(node) is ast.Import:
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return record.stores


def _bound_in_loops(steps: list[StepRecord]) -> dict[int, set[str]]:
    """What is bound somewhere in the outermost loop around a statement: it is bound when that comes again."""
    found: dict[int, set[str]] = {}
    for record in steps:
        above = steps[record.parent] if record.parent >= 0 else None
        if above is not None and above.number in found:
            found[record.number] = found[above.number]
        elif above is not None and isinstance(above.node, _LOOPS):
            found[record.number] = found.setdefault(-2 - above.number, set())
        if record.number in found:
            found[record.number].update(_bound_by(record))
    return found


def _of_others(scope: Scope) -> Iterator[str]:
    """The names that a function and those within declare to be of a module or of a function around."""
    pending = [scope]
    while pending:
        current = pending.pop()
        yield from current.outside
        for record in current.steps:
            if isinstance(record.node, ast.Nonlocal):
                yield from record.node.names
            if record.inner is not None:
                pending.append(record.inner)


def _parameters(node: Any) -> Iterator[str]:
    arguments: ast.arguments = node.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            yield extra.arg


def _oddly_bound(tree: ast.AST) -> Iterator[str]:
    """What patterns, parameters of types and `global` bind."""
    for node in ast.walk(tree):
        kind = type(node).__name__
        if kind in _PATTERNS or kind in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            yield getattr(node, "name", None) or getattr(node, "rest", None) or ""
        elif kind == "TypeAlias":
            yield getattr(node.name, "id", "")  # type: ignore[attr-defined]
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names


def _read(statement: Any) -> set[str]:
    """The names that a statement reads by itself, whatever else is so; none where it may bind one before."""
    pending: list[Any] = []
    kind = type(statement)
    if kind in _FIRST_OF:
        pending.append(getattr(statement, _FIRST_OF[kind]))
    elif isinstance(statement, _VALUED):
        pending.append(statement.value)
    elif isinstance(statement, (ast.With, ast.AsyncWith)):
        pending.append(statement.items[0].context_expr)
    elif isinstance(statement, ast.Raise):
        pending.append(statement.exc)
    found = set()
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        found.add(statement.target.id)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.NamedExpr):
            return set()
        elif isinstance(node, ast.BoolOp):
            pending.append(node.values[0])
        elif isinstance(node, ast.IfExp):
            pending.append(node.test)
        elif isinstance(node, ast.Compare):
            pending += (node.left, node.comparators[0])
        elif isinstance(node, _COMPREHENSIONS):
            pending.append(node.generators[0].iter)
        elif node is not None and not isinstance(node, ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return found

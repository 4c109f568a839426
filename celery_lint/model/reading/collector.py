"""The one walk over a module's tree: who binds what, who calls what, in which statement.

What it collects lives only until :mod:`celery_lint.model.reading.reader` has made facts of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from celery_lint.model.reading.expressions import (
    annotated_call,
    annotated_class,
    displayed,
    extends,
    hidden_below,
    unpacked,
)
from celery_lint.model.reading.nodes import COUNTING, SHOWING, children
from celery_lint.model.reading.operands import OPERANDS, Position, only_asked
from celery_lint.model.reading.scopes import CallRecord, Scope, StepRecord, asked_by_name, child_qualname
from celery_lint.model.reading.statements import STATEMENTS
from celery_lint.model.steps import TASK_ATTRIBUTES, StepRole

Task = tuple[ast.AST, Position, str]
_NAME, _CONSTANT = ast.Name, ast.Constant
# What stands before a name that is used as a condition, or for its items, where it is read.
_MARKS = {"?": "!", "i": "[", "ei": "["}


class Collector:
    """One walk over one module. ``brief`` leaves out what functions do."""

    def __init__(self, tree: ast.Module, brief: bool = False) -> None:
        self.brief = brief
        self.top = Scope("module", "", None, tree)
        self.functions: list[Scope] = [self.top]
        self.classes: list[Scope] = []
        self.assignments: list[tuple[ast.expr, str, bool, ast.AST, ast.expr, Scope]] = []
        self.awaits: list[tuple[Scope, ast.AST, str, ast.expr | None]] = []
        self.stack: list[Task] = []
        #: Stands for the statement around code that is in none: of a module, a class.
        self.nowhere = StepRecord(tree, -1, -1, "body")
        self._walk(tree)

    def let_go(self) -> None:
        """Cut the circles in what was collected: the tree is freed at once, though the collector rests."""
        for scope in (*self.functions, *self.classes):
            scope.outer = None
            scope.attributes = {}

    def _walk(self, tree: ast.Module) -> None:
        handlers = _HANDLERS
        stack = self.stack
        self._enter(tree.body, Position(self.top, "", None, self.nowhere))
        while stack:
            node, position, role = stack.pop()
            kind = type(node)
            if kind in STATEMENTS and position.scope.kind == "function":
                position = self._step(node, position)
            handler = handlers.get(kind)
            if handler is not None:
                handler(self, node, position, role)
            else:
                for child in reversed(children(node, position.names)):
                    stack.append((child, position, ""))

    def _step(self, node: ast.AST, position: Position) -> Position:
        """The position inside a statement of a function."""
        steps = position.scope.steps
        record = StepRecord(node, len(steps), position.step.number, position.part)
        steps.append(record)
        return Position(position.scope, position.flags, position.call, record)

    def visit(self, node: Any, position: Position, role: str = "") -> None:
        """Visit an expression next; a name is noted at once."""
        kind = type(node)
        if kind is _NAME:
            position.names.append(node.id)
            if role in _MARKS:
                position.step.loads.append(f"{_MARKS[role]}{node.id}")
                position.step.valued.append(node.id)
        elif kind is not _CONSTANT and node is not None:
            self.stack.append((node, position, role))

    def push(self, nodes: Sequence[Any], position: Position, role: str = "") -> None:
        """Visit these expressions next."""
        for node in nodes if len(nodes) < 2 else reversed(nodes):
            self.visit(node, position, role)

    def _enter(self, statements: list[Any], position: Position) -> None:
        """Visit the statements of a block next."""
        self.stack += [(node, position, "") for node in reversed(statements)]

    def _enter_part(self, statements: list[Any], position: Position, part: StepRole, flag: str = "") -> None:
        """Visit those in one part of the statement that the walk is at."""
        if statements:
            within = Position(position.scope, position.flags + flag, None, position.step, part)
            self._enter(statements, within)

    def _import(self, node: ast.Import, position: Position, role: str) -> None:
        for alias in node.names:
            if alias.asname:
                self._imported(position.scope, alias.asname, alias.name)
            else:
                top = alias.name.partition(".")[0]
                self._imported(position.scope, top, top)
                if top != alias.name:
                    position.scope.module().further.append(alias.name)

    def _import_from(self, node: ast.ImportFrom, position: Position, role: str) -> None:
        base = "." * (node.level or 0) + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                position.scope.module().stars.append(base)
            else:
                joint = "" if base.endswith(".") or not base else "."
                self._imported(position.scope, alias.asname or alias.name, f"{base}{joint}{alias.name}")

    def _imported(self, scope: Scope, name: str, dotted: str) -> None:
        if scope.imports.setdefault(name, dotted) != dotted or scope.kind != "module":
            scope.module().further.append(dotted)

    def _function(self, node: Any, position: Position, role: str) -> None:
        outer = position.scope
        scope = Scope("function", child_qualname(outer, node.name), outer, node)
        scope.is_async = isinstance(node, ast.AsyncFunctionDef)
        substitute = "h" in position.flags and node.name in outer.imports
        again = node.name in outer.definitions and (outer.kind == "function" or extends(node))
        if substitute or again:
            scope.qualname += f"@{node.lineno}"
        # `except ImportError: def shared_task(f): ...` stands in for an import that does succeed, and the
        # setter of a property stands beside its getter.
        if not substitute and not (again and outer.kind == "class"):
            outer.definitions[node.name] = scope.qualname
        self.functions.append(scope)
        self._parameters(node.args, scope)
        if outer.kind == "class":
            decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
            arguments = [*node.args.posonlyargs, *node.args.args]
            if arguments and "staticmethod" not in decorators:
                scope.first_parameter = arguments[0].arg
                scope.opaque.discard(arguments[0].arg)
                scope.definitions.pop(arguments[0].arg, None)
                scope.values[arguments[0].arg] = []
                if "classmethod" in decorators or node.name in ("__new__", "__init_subclass__"):
                    scope.binds_class = True
        if not self.brief:
            inside = Position(scope, "m" if "m" in position.flags else "", None, self.nowhere)
            self._enter(node.body, inside)
            position.step.inner = scope
            position.step.stores.append(node.name)
        given = (annotated_call(each.annotation) for each in (*node.args.args, *node.args.kwonlyargs))
        self.push([call for call in given if call is not None], position)
        self.push(node.args.defaults, position)
        self.push([d for d in node.args.kw_defaults if d is not None], position)
        self.push(node.decorator_list, position, "d")

    def _parameters(self, arguments: ast.arguments, scope: Scope) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                every.append(extra)
        for argument in every:
            scope.opaque.add(argument.arg)
            annotation = annotated_class(argument.annotation)
            if annotation is not None:
                scope.annotations[argument.arg] = annotation

    def _class(self, node: ast.ClassDef, position: Position, role: str) -> None:
        outer = position.scope
        scope = Scope("class", child_qualname(outer, node.name), outer, node)
        if "h" in position.flags and node.name in outer.imports:
            scope.qualname += f"@{node.lineno}"
        else:
            outer.definitions[node.name] = scope.qualname
        self.classes.append(scope)
        position.step.stores.append(node.name)
        inside = Position(scope, "m" if "m" in position.flags else "", None, self.nowhere)
        self._enter(node.body, inside)
        self.push(node.decorator_list, position, "d")
        self.push(node.bases, position)
        self.push([keyword.value for keyword in node.keywords], position)

    def _assign(self, node: ast.Assign, position: Position, role: str) -> None:
        for target in node.targets:
            self._bind(target, node.value, position)
        position.scope.note_kept(node)
        self.visit(node.value, position, "b")

    def _annotated(self, node: ast.AnnAssign, position: Position, role: str) -> None:
        if node.value is not None:
            self._bind(node.target, node.value, position)
            self.visit(node.value, position, "b")
        elif isinstance(node.target, ast.Name):
            position.scope.note_field(node.target.id)
        else:
            self.visit(node.target.value, position)  # it is evaluated all the same

    def _augmented(self, node: ast.AugAssign, position: Position, role: str) -> None:
        if isinstance(node.target, ast.Name):
            self._bind(node.target, node.value, position)
            position.step.loads.append(node.target.id)
        else:
            self.visit(node.target, position)
        self.visit(node.value, position)

    def _named(self, node: ast.NamedExpr, position: Position, role: str) -> None:
        self._bind(node.target, node.value, position)
        self.visit(node.value, position, "b")

    def _bind(self, target: ast.expr, value: ast.expr | None, position: Position) -> None:
        scope = position.scope
        pending: list[tuple[ast.expr, ast.expr | None]] = [(target, value)]
        while pending:
            bound, given = pending.pop()
            if isinstance(bound, ast.Name):
                position.step.stores.append(bound.id)
                self._bind_name(bound.id, given, scope)
            elif isinstance(bound, (ast.Tuple, ast.List)):
                pairs = unpacked(given, bound.elts)
                pending.extend(zip(bound.elts, pairs, strict=True))
            elif isinstance(bound, ast.Starred):
                pending.append((bound.value, None))
            elif isinstance(bound, ast.Attribute):
                if given is not None:
                    self._bind_attribute(bound, given, scope)
                self.visit(bound.value, position)
            elif isinstance(bound, ast.Subscript):
                key = bound.slice.value if isinstance(bound.slice, ast.Constant) else ""
                if given is not None and isinstance(key, str):  # "" for a key that only the run knows
                    self.assignments.append((bound.value, key, True, bound.slice, given, scope))
                self.push([bound.value, bound.slice], position)

    def _bind_name(self, name: str, value: ast.expr | None, scope: Scope) -> None:
        if name in scope.outside:
            scope = scope.lend(value)
        if scope.kind == "class":
            scope.definitions.pop(name, None)
            if value is not None:
                scope.attributes.setdefault(name, []).append((value, scope))
        if value is None:
            if scope.kind != "module" or not scope.binds(name):
                scope.opaque.add(name)
            return
        scope.values.setdefault(name, []).append(value)

    def _bind_attribute(self, target: ast.Attribute, value: ast.expr, scope: Scope) -> None:
        owner = scope.owner()
        if (
            owner is not None
            and isinstance(target.value, ast.Name)
            and target.value.id == scope.first_parameter
        ):
            owner.attributes.setdefault(target.attr, []).append((value, scope))
        self.assignments.append((target.value, target.attr, False, target, value, scope))

    def _global(self, node: ast.Global | ast.Nonlocal, position: Position, role: str) -> None:
        position.scope.outside.update(node.names if isinstance(node, ast.Global) else ())
        position.step.stores.extend(node.names)

    def _for(self, node: Any, position: Position, role: str) -> None:
        if isinstance(node, ast.AsyncFor):
            self._check_await(node, "async for", node.iter, position)
        self._bind(node.target, None, position)
        self._enter_part(node.orelse, position, "else")
        self._enter(node.body, position)
        self.visit(node.iter, position, "i")

    def _with(self, node: Any, position: Position, role: str) -> None:
        is_async = isinstance(node, ast.AsyncWith)
        for item in node.items:
            if is_async:
                self._check_await(node, "async with", item.context_expr, position)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr, position)
        self._enter(node.body, position)
        self.push([item.context_expr for item in node.items], position, "w")

    def _try(self, node: Any, position: Position, role: str) -> None:
        self._enter_part(node.finalbody, position, "finally", "f")
        self._enter_part(node.orelse, position, "else")
        self._enter_part(node.handlers, position, "handler", "h")
        self._enter_part(node.body, position, "body", "t")

    def _handler(self, node: ast.ExceptHandler, position: Position, role: str) -> None:
        if node.name:
            position.scope.opaque.add(node.name)
            position.step.stores.append(node.name)
        self._enter(node.body, position)
        # What it catches is looked up where the ``try`` stands.
        outside = Position(position.scope, position.flags[:-1], position.call, position.step)
        self.visit(node.type, outside)

    def _if(self, node: ast.If, position: Position, role: str) -> None:
        body = position
        test = node.test
        if (
            position.scope.kind == "module"
            and isinstance(test, ast.Compare)
            and isinstance(test.left, ast.Name)
            and test.left.id == "__name__"
        ):
            body = Position(position.scope, position.flags + "m", None, position.step)
        self._enter_part(node.orelse, position, "else")
        self._enter(node.body, body)
        self.visit(test, position, "?")

    def _while(self, node: ast.While, position: Position, role: str) -> None:
        self._enter_part(node.orelse, position, "else")
        self._enter(node.body, position)
        self.visit(node.test, position, "?")

    def _match(self, node: ast.Match, position: Position, role: str) -> None:
        self._enter_part(node.cases, position, "case")
        self.visit(node.subject, position)

    def _return(self, node: ast.Return, position: Position, role: str) -> None:
        if node.value is not None:
            position.scope.returns.append(node.value)
            self.visit(node.value, position, "r")
            only_asked(displayed(node.value), position, "{")

    def _expression(self, node: ast.Expr, position: Position, role: str) -> None:
        self.visit(node.value, position, "s")

    def _await(self, node: ast.Await, position: Position, role: str) -> None:
        self._check_await(node, "await", node.value, position)
        self.visit(node.value, position, role + "a")

    def _check_await(self, node: ast.AST, keyword: str, value: ast.expr | None, position: Position) -> None:
        scope = position.scope
        if scope.kind == "function" and not scope.is_async:
            self.awaits.append((scope, node, keyword, value))

    def _yield(self, node: Any, position: Position, role: str) -> None:
        position.scope.note_yielded(node.value)
        if node.value is not None:
            self.visit(node.value, position)

    def _call(self, node: ast.Call, position: Position, role: str) -> None:
        record = CallRecord(node, position.flags + role, position.call, position.step)
        position.scope.calls.append(record)
        inside = Position(position.scope, position.flags, record, position.step)
        if asked_by_name(node) in TASK_ATTRIBUTES:
            position.step.loads.append(f"?.{asked_by_name(node)}")
        self.push([keyword.value for keyword in node.keywords], inside, "e")
        name = node.func.id if type(node.func) is ast.Name else ""
        self.push(node.args, inside, "ei" if name in COUNTING else "e")
        if name in SHOWING:
            only_asked(node.args, position)
        self._push_below(node.func, position)

    def _push_below(self, chain: ast.expr, position: Position) -> None:
        """What is still to be visited below a chain: the call that it starts with, and indexes."""
        below = hidden_below(chain, position.names, position.step.valued)
        if below and isinstance(below[-1], ast.Call):
            self.push(below[-1:], position, "i" if below[-1] is not chain else "")
            below = below[:-1]
        self.push(below, position)

    def _attribute(self, node: ast.Attribute, position: Position, role: str) -> None:
        self._push_below(node, position)


_HANDLERS: dict[type, Callable[[Collector, Any, Position, str], None]] = {
    ast.Import: Collector._import,
    ast.ImportFrom: Collector._import_from,
    ast.FunctionDef: Collector._function,
    ast.AsyncFunctionDef: Collector._function,
    ast.ClassDef: Collector._class,
    ast.Assign: Collector._assign,
    ast.AnnAssign: Collector._annotated,
    ast.AugAssign: Collector._augmented,
    ast.NamedExpr: Collector._named,
    ast.Global: Collector._global,
    ast.Nonlocal: Collector._global,
    ast.For: Collector._for,
    ast.AsyncFor: Collector._for,
    ast.With: Collector._with,
    ast.AsyncWith: Collector._with,
    ast.Try: Collector._try,
    ast.ExceptHandler: Collector._handler,
    ast.If: Collector._if,
    ast.While: Collector._while,
    ast.Match: Collector._match,
    ast.Return: Collector._return,
    ast.Expr: Collector._expression,
    ast.Await: Collector._await,
    ast.Yield: Collector._yield,
    ast.YieldFrom: Collector._yield,
    ast.Call: Collector._call,
    **OPERANDS,
    ast.Attribute: Collector._attribute,
}
if hasattr(ast, "TryStar"):
    _HANDLERS[ast.TryStar] = Collector._try

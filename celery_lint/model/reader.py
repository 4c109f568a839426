"""Reading one module: a single iterative walk over its tree, then its facts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from celery_lint.diagnostics import Span
from celery_lint.model.facts import (
    Assignment,
    Class,
    Function,
    MisplacedAwait,
    Module,
    Parameter,
    Value,
    leaf_of_chain,
    pack_call,
)
from celery_lint.model.purpose import is_test_path
from celery_lint.model.scopes import BUILTINS, CallRecord, Scope, chain_of, child_qualname
from celery_lint.model.values import value_of
from celery_lint.source import Source, digest_of
from celery_lint.walk import UNVISITED, children

# Calls that are kept whole, with the values of their arguments, wherever they stand in a function.
_KEPT_WHOLE = frozenset(
    [
        "Celery",
        "task",
        "shared_task",
        "periodic_task",
        "register_task",
        "partial",
        "update",
        "create_async_engine",
        "async_sessionmaker",
        "sessionmaker",
        "async_engine_from_config",
        "config_from_object",
    ]
)
# Calls that are kept even on a receiver that nobody can see through.
_KEPT_BLIND = frozenset(
    [
        "dispose",
        "run",
        "run_until_complete",
        "run_forever",
        "delay",
        "apply_async",
        "task",
        "register_task",
        "retry",
        "setdefault",
        "update",
        "submit",
        "apply",
        "close",
        "aclose",
        "execute",
        "commit",
        "connect",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "request",
        "send",
        "read",
        "recv",
        "sleep",
        "wait",
        "communicate",
    ]
)

# Tables of test cases are no facts about tasks.
_TEST_DECORATORS = ("pytest.", "unittest.mock.", "mock.", "hypothesis.")

Task = tuple[ast.AST, "Position", str]


class Position:
    """Where the walk is: the scope, the flags that hold for everything below, the call around."""

    __slots__ = ("call", "flags", "scope")

    def __init__(self, scope: Scope, flags: str, call: CallRecord | None) -> None:
        self.scope = scope
        self.flags = flags
        self.call = call


class Reader:
    """One reading of one module; ``module()`` gives the facts."""

    def __init__(self, source: Source, tree: ast.Module, brief: bool = False) -> None:
        #: Whether what functions do is left out.
        self.brief = brief
        self.source = source
        self.ascii = source.text.isascii()
        self.top = Scope("module", "", None, tree)
        self.functions: list[Scope] = [self.top]
        self.classes: list[Scope] = []
        self.assignments: list[tuple[ast.expr, str, bool, ast.AST, ast.expr, Scope]] = []
        self.awaits: list[tuple[Scope, ast.AST, str, ast.expr | None]] = []
        self.stack: list[Task] = []
        self._walk(tree)

    # ------------------------------------------------------------------ the walk

    def _walk(self, tree: ast.Module) -> None:
        handlers = _HANDLERS
        stack = self.stack
        self._push(tree.body, Position(self.top, "", None))
        while stack:
            node, position, role = stack.pop()
            handler = handlers.get(type(node))
            if handler is not None:
                handler(self, node, position, role)
            else:
                found = children(node)
                if found:
                    found.reverse()
                    for child in found:
                        stack.append((child, position, ""))

    def _push(self, nodes: Any, position: Position, role: str = "") -> None:
        for node in reversed(nodes):
            if node is not None and type(node) not in UNVISITED:
                self.stack.append((node, position, role))

    def _import(self, node: ast.Import, position: Position, role: str) -> None:
        for alias in node.names:
            if alias.asname:
                position.scope.imports.setdefault(alias.asname, alias.name)
            else:
                top = alias.name.partition(".")[0]
                position.scope.imports.setdefault(top, top)

    def _import_from(self, node: ast.ImportFrom, position: Position, role: str) -> None:
        base = "." * (node.level or 0) + (node.module or "")
        for alias in node.names:
            if alias.name == "*":
                position.scope.module().stars.append(base)
            else:
                joint = "" if base.endswith(".") or not base else "."
                position.scope.imports.setdefault(alias.asname or alias.name, f"{base}{joint}{alias.name}")

    def _function(self, node: Any, position: Position, role: str) -> None:
        outer = position.scope
        scope = Scope("function", child_qualname(outer, node.name), outer, node)
        scope.is_async = isinstance(node, ast.AsyncFunctionDef)
        substitute = "h" in position.flags and node.name in outer.imports
        again = node.name in outer.definitions and (outer.kind == "function" or _extends(node))
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
            self._push(node.body, Position(scope, "m" if "m" in position.flags else "", None))
        self._push(node.args.defaults, position)
        self._push([d for d in node.args.kw_defaults if d is not None], position)
        self._push(node.decorator_list, position, "d")

    def _parameters(self, arguments: ast.arguments, scope: Scope) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for extra in (arguments.vararg, arguments.kwarg):
            if extra is not None:
                every.append(extra)
        for argument in every:
            scope.opaque.add(argument.arg)
            annotation = _annotation(argument.annotation)
            if annotation is not None:
                scope.annotations[argument.arg] = annotation

    def _lambda(self, node: ast.Lambda, position: Position, role: str) -> None:
        # Its body belongs to the function around it, flagged: it runs later, or never.
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if not position.scope.binds(argument.arg):
                position.scope.opaque.add(argument.arg)
        self._push([node.body], Position(position.scope, position.flags + "l", position.call))

    def _class(self, node: ast.ClassDef, position: Position, role: str) -> None:
        outer = position.scope
        scope = Scope("class", child_qualname(outer, node.name), outer, node)
        if "h" in position.flags and node.name in outer.imports:
            scope.qualname += f"@{node.lineno}"
        else:
            outer.definitions[node.name] = scope.qualname
        self.classes.append(scope)
        self._push(node.body, Position(scope, "m" if "m" in position.flags else "", None))
        self._push(node.decorator_list, position, "d")
        self._push(node.bases, position)
        self._push([keyword.value for keyword in node.keywords], position)

    def _assign(self, node: ast.Assign, position: Position, role: str) -> None:
        for target in node.targets:
            self._bind(target, node.value, position)
        self._push([node.value], position, "b")

    def _annotated(self, node: ast.AnnAssign, position: Position, role: str) -> None:
        if node.value is not None:
            self._bind(node.target, node.value, position)
            self._push([node.value], position, "b")

    def _augmented(self, node: ast.AugAssign, position: Position, role: str) -> None:
        if isinstance(node.target, ast.Name):
            self._bind(node.target, node.value, position)
        self._push([node.value], position)

    def _named(self, node: ast.NamedExpr, position: Position, role: str) -> None:
        self._bind(node.target, node.value, position)
        self._push([node.value], position, "b")

    def _bind(self, target: ast.expr, value: ast.expr | None, position: Position) -> None:
        scope = position.scope
        pending: list[tuple[ast.expr, ast.expr | None]] = [(target, value)]
        while pending:
            bound, given = pending.pop()
            if isinstance(bound, ast.Name):
                self._bind_name(bound.id, given, scope)
            elif isinstance(bound, (ast.Tuple, ast.List)):
                pairs: list[ast.expr | None] = [None] * len(bound.elts)
                if isinstance(given, (ast.Tuple, ast.List)) and len(given.elts) == len(bound.elts):
                    pairs = list(given.elts)
                pending.extend(zip(bound.elts, pairs, strict=True))
            elif isinstance(bound, ast.Starred):
                pending.append((bound.value, None))
            elif given is not None and isinstance(bound, ast.Attribute):
                self._bind_attribute(bound, given, scope)
            elif given is not None and isinstance(bound, ast.Subscript):
                key = bound.slice.value if isinstance(bound.slice, ast.Constant) else ""
                if isinstance(key, str):  # "" for a key that only the run knows
                    self.assignments.append((bound.value, key, True, bound.slice, given, scope))
                self._push([bound.value, bound.slice], position)

    def _bind_name(self, name: str, value: ast.expr | None, scope: Scope) -> None:
        if name in scope.outside:
            scope = scope.module()
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

    def _global(self, node: ast.Global, position: Position, role: str) -> None:
        position.scope.outside.update(node.names)

    def _for(self, node: Any, position: Position, role: str) -> None:
        if isinstance(node, ast.AsyncFor):
            self._check_await(node, "async for", node.iter, position)
        self._bind(node.target, None, position)
        self._push(node.orelse, position)
        self._push(node.body, position)
        self._push([node.iter], position)

    def _comprehension(self, node: ast.comprehension, position: Position, role: str) -> None:
        for name in ast.walk(node.target):
            if isinstance(name, ast.Name) and not position.scope.binds(name.id):
                position.scope.opaque.add(name.id)
        self._push([node.iter, *node.ifs], position)

    def _with(self, node: Any, position: Position, role: str) -> None:
        is_async = isinstance(node, ast.AsyncWith)
        for item in node.items:
            if is_async:
                self._check_await(node, "async with", item.context_expr, position)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr, position)
        self._push(node.body, position)
        self._push([item.context_expr for item in node.items], position, "w")

    def _try(self, node: Any, position: Position, role: str) -> None:
        flags = position.flags
        self._push(node.finalbody, Position(position.scope, flags + "f", None))
        self._push(node.orelse, position)
        for handler in reversed(node.handlers):
            if handler.name:
                position.scope.opaque.add(handler.name)
            self._push(handler.body, Position(position.scope, flags + "h", None))
        self._push(node.body, Position(position.scope, flags + "t", None))

    def _if(self, node: ast.If, position: Position, role: str) -> None:
        body = position
        test = node.test
        if (
            position.scope.kind == "module"
            and isinstance(test, ast.Compare)
            and isinstance(test.left, ast.Name)
            and test.left.id == "__name__"
        ):
            body = Position(position.scope, position.flags + "m", None)
        self._push(node.orelse, position)
        self._push(node.body, body)
        self._push([test], position)

    def _return(self, node: ast.Return, position: Position, role: str) -> None:
        if node.value is not None:
            position.scope.returns.append(node.value)
            self._push([node.value], position, "r")

    def _expression(self, node: ast.Expr, position: Position, role: str) -> None:
        self._push([node.value], position, "s")

    def _await(self, node: ast.Await, position: Position, role: str) -> None:
        self._check_await(node, "await", node.value, position)
        self._push([node.value], position, role + "a")

    def _check_await(self, node: ast.AST, keyword: str, value: ast.expr | None, position: Position) -> None:
        scope = position.scope
        if scope.kind == "function" and not scope.is_async:
            self.awaits.append((scope, node, keyword, value))

    def _yield(self, node: Any, position: Position, role: str) -> None:
        position.scope.is_generator = True
        if node.value is not None:
            self._push([node.value], position)

    def _call(self, node: ast.Call, position: Position, role: str) -> None:
        record = CallRecord(node, position.flags + role, position.call)
        position.scope.calls.append(record)
        inside = Position(position.scope, position.flags, record)
        self._push([keyword.value for keyword in node.keywords], inside, "e")
        self._push(node.args, inside, "e")
        self._push(_hidden_below(node.func), position)

    def _starred(self, node: ast.Starred, position: Position, role: str) -> None:
        self._push([node.value], position, "")

    def _attribute(self, node: ast.Attribute, position: Position, role: str) -> None:
        self._push(_hidden_below(node), position)

    # ------------------------------------------------------------------ the facts

    def _span(self, node: Any) -> Span:
        if self.ascii:
            return Span(node.lineno, node.col_offset + 1, node.end_lineno, node.end_col_offset + 1)
        column = self.source.column
        line, end = node.lineno, node.end_lineno or node.lineno
        last = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return Span(line, column(line, node.col_offset), end, column(end, last))

    def _name_span(self, node: Any) -> Span:
        """The span of the name in a ``def`` or ``class`` statement."""
        keyword = {"FunctionDef": "def", "AsyncFunctionDef": "def", "ClassDef": "class"}[type(node).__name__]
        start = self.source.column(node.lineno, node.col_offset)
        line = self.source.line(node.lineno)
        after = line.find(keyword, start - 1) + len(keyword)
        column = line.find(node.name, after) + 1
        if column <= 0:  # `def \` and the name on the next line
            return Span(node.lineno, start, node.lineno, start + len(keyword))
        return Span(node.lineno, column, node.lineno, column + len(node.name))

    def _value(self, node: ast.expr, scope: Scope) -> Value:
        return value_of(node, scope, self._span)

    def _brief(self, node: ast.expr, scope: Scope) -> Value:
        """The value, without the arguments of calls that nobody asks about: a model's fields are many."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.Call):
            chain = chain_of(node.func, scope)
            if chain and chain.rpartition(".")[2].rstrip("()[]").lstrip(":~%") not in _KEPT_WHOLE:
                return Value("call", self._span(node), None, chain)
        return self._value(node, scope)

    def module(self, path: str) -> Module:
        """The facts of the module."""
        top = self.top
        stars = tuple(dict.fromkeys(top.stars))
        return Module(
            path=path,
            digest=digest_of(self.source.text),
            imports=dict(top.imports),
            star_imports=stars,
            bindings={
                name: tuple(self._value(value, top) for value in values[:6])
                for name, values in top.values.items()
            },
            functions=self._functions(bool(stars)),
            classes={scope.qualname: self._class_facts(scope) for scope in self.classes},
            assignments=tuple(self._assignment_facts()),
            misplaced_awaits=tuple(
                MisplacedAwait(
                    scope.qualname,
                    self._span(node),
                    keyword,
                    chain_of(value, scope) if value is not None else "",
                )
                for scope, node, keyword, value in self.awaits
            ),
            suppressions=self._suppressions(),
        )

    def _functions(self, has_stars: bool) -> dict[str, Function]:
        """The functions by qualified name; of several with one name the last has it, as when it runs."""
        found: dict[str, Function] = {}
        for scope in self.functions:
            earlier = found.pop(scope.qualname, None)
            if earlier is not None:
                other = f"{earlier.qualname}@{earlier.span.line}"
                found[other] = earlier._replace(qualname=other)
            found[scope.qualname] = self._function_facts(scope, has_stars)
        return found

    def _suppressions(self) -> dict[int, str]:
        if "noqa" not in self.source.text.lower():
            return {}
        return {
            number: line[line.index("#") :]
            for number, line in enumerate(self.source.lines, 1)
            if "#" in line and "noqa" in line.lower()
        }

    def _assignment_facts(self) -> list[Assignment]:
        facts = []
        for target, key, subscript, key_node, value, scope in self.assignments:
            chain = chain_of(target, scope)
            if chain and _worth_setting(chain, key, subscript):
                span = self._span(key_node)
                facts.append(
                    Assignment(chain, key, subscript, span, self._value(value, scope), scope.qualname)
                )
        return facts

    def _class_facts(self, scope: Scope) -> Class:
        node: Any = scope.node
        outer = scope.outer or self.top
        return Class(
            scope.qualname,
            node.name,
            self._name_span(node),
            tuple(chain_of(base, outer) for base in node.bases),
            tuple(self._value(decorator, outer) for decorator in node.decorator_list),
            {
                name: tuple(self._brief(value, inside) for value, inside in values[:4])
                for name, values in scope.attributes.items()
            },
            tuple(name for name, qualname in scope.definitions.items() if qualname),
        )

    def _function_facts(self, scope: Scope, has_stars: bool) -> Function:
        node: Any = scope.node
        calls, values = self._call_facts(scope, has_stars)
        span, end, name = Span(1, 1, 1, 1), 1, ""
        decorators: tuple[Value, ...] = ()
        parameters: tuple[Parameter, ...] = ()
        if scope is not self.top:
            span, end, name = self._name_span(node), node.end_lineno or node.lineno, node.name
            outer = scope.outer or self.top
            decorators = tuple(self._decorators(node.decorator_list, outer))
            parameters = tuple(_parameter_facts(node.args, scope))
        owner = scope.owner()
        outer_function = scope.outer
        while outer_function is not None and outer_function.kind == "class":
            outer_function = outer_function.outer
        return Function(
            scope.qualname,
            name,
            scope.is_async,
            scope.is_generator,
            span,
            end,
            owner.qualname if owner is not None else "",
            outer_function.qualname if outer_function is not None else "",
            parameters,
            decorators,
            tuple(self._returned(scope)),
            values,
            calls,
        )

    def _decorators(self, nodes: list[ast.expr], outer: Scope) -> Iterator[Value]:
        for node in nodes:
            callee = node.func if isinstance(node, ast.Call) else node
            if chain_of(callee, outer).startswith(_TEST_DECORATORS):
                yield Value("name", self._span(node), None, "pytest.mark")
            else:
                yield self._value(node, outer)

    def _returned(self, scope: Scope) -> Iterator[Value]:
        """What a function may return, as far as that can lead anywhere."""
        for node in scope.returns[:6]:
            value = self._brief(node, scope)
            if value.kind not in ("unknown", "constant") and not value.chain.startswith("%"):
                yield value

    def _call_facts(self, scope: Scope, has_stars: bool) -> tuple[str, tuple[tuple[int, Value], ...]]:
        """The calls of a function, packed, and the whole of those that are kept whole."""
        kept: dict[int, int] = {}
        chains: list[tuple[CallRecord, str]] = []
        receiver = _receiver(scope)
        for record in scope.calls:
            chain = chain_of(record.node.func, scope)
            if _worth_keeping(chain, has_stars) or (receiver and chain.startswith(receiver)):
                kept[id(record.node)] = len(chains)
                chains.append((record, chain))
        lines: list[str] = []
        values: list[tuple[int, Value]] = []
        for index, (record, chain) in enumerate(chains):
            parent = record.parent
            while parent is not None and id(parent.node) not in kept:
                parent = parent.parent
            above = kept[id(parent.node)] if parent is not None else -1
            arguments = self._arguments(record.node, scope, kept)
            lines.append(pack_call(chain, self._span(record.node), record.flags, above, arguments))
            leaf = leaf_of_chain(chain)
            if leaf in _KEPT_WHOLE or leaf.startswith(("register", "dispatch")):
                values.append((index, self._value(record.node, scope)))
        return "\n".join(lines), tuple(values)

    def _arguments(self, node: ast.Call, scope: Scope, kept: dict[int, int]) -> list[str]:
        described = [self._argument(argument, scope, kept) for argument in node.args[:8]]
        for keyword in node.keywords[:24]:
            name = keyword.arg or "**"
            described.append(f"{name}:{self._argument(keyword.value, scope, kept)}")
        if isinstance(node.func, ast.Attribute) and node.func.attr == "dispose":
            described.append(f"@{_spelled(node.func.value)}")
        return described

    def _argument(self, node: ast.expr, scope: Scope, kept: dict[int, int]) -> str:
        for _ in range(3):
            if isinstance(node, ast.Lambda):
                node = node.body
            elif isinstance(node, ast.Await):
                node = node.value
        if isinstance(node, ast.Call):
            index = kept.get(id(node))
            return f"({index}" if index is not None else "?"
        if isinstance(node, (ast.Name, ast.Attribute)):
            chain = chain_of(node, scope)
            return f"={chain}" if chain else "?"
        if isinstance(node, ast.Starred):
            return "*"
        if isinstance(node, ast.Dict) and len(node.keys) <= 24:
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            return "{" + ",".join(key for key in keys if isinstance(key, str) and key.isidentifier())
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and len(node.value) < 120 and node.value.isprintable():
                return f"'{node.value}"
            if node.value is None or isinstance(node.value, (bool, int, float)):
                return f"#{node.value!r}"
        return "?"


def read_module(path: str, source: Source) -> Module:
    """The facts of one module; raises :class:`~celery_lint.source.NotParsed`.

    What the functions of a test do is no fact about the product, and tests are half of many projects: only
    what they define is read.
    """
    return Reader(source, source.parse(), is_test_path(path)).module(path)


def _worth_keeping(chain: str, has_stars: bool) -> bool:
    if not chain:
        return False
    first = chain[0]
    if first == "~":
        name = chain[1:].partition(".")[0].rstrip("()[]")
        return (has_stars and name not in BUILTINS) or name in ("super", "open", "__import__")
    if first == "%":
        return chain.rpartition(".")[2].rstrip("()[]").lstrip("%") in _KEPT_BLIND or "." not in chain
    return True


def _receiver(scope: Scope) -> str:
    """How chains on the task begin inside a task that asks for itself by ``bind``."""
    node: Any = scope.node
    if scope.kind != "function" or not node.args.args:
        return ""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and any(keyword.arg == "bind" for keyword in decorator.keywords):
            return f"%{node.args.args[0].arg}."
    return ""


def _worth_setting(chain: str, key: str, subscript: bool) -> bool:
    """Whether setting an attribute or item of this chain can configure anything outside its function."""
    if key in ("time_limit", "soft_time_limit"):  # options of a task that is defined or sent
        return True
    if chain.endswith(".conf") or ".conf." in chain:
        return True
    if chain[0] == "%" or (chain[0] == ":" and chain.endswith("()") and not subscript):
        return False
    return chain[0] != "~" or subscript


def _extends(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a definition extends an earlier one of its name: ``@value.setter def value``."""
    return any(
        isinstance(decorator, ast.Attribute)
        and isinstance(decorator.value, ast.Name)
        and decorator.value.id == node.name
        for decorator in node.decorator_list
    )


def _hidden_below(node: ast.expr) -> list[ast.expr]:
    """The nodes below a chain that the walk has still to visit: inner calls, indexes, other expressions."""
    current: ast.expr = node
    below: list[ast.expr] = []
    while True:
        if isinstance(current, ast.Attribute):
            current = current.value
        elif isinstance(current, ast.Subscript):
            below.append(current.slice)
            current = current.value
        elif isinstance(current, ast.Name):
            return below
        else:
            below.append(current)
            return below


def _spelled(node: ast.expr) -> str:
    """The last name of a receiver as the source spells it."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else "engine"


def _annotation(node: ast.expr | None) -> ast.expr | None:
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


def _parameter_facts(arguments: ast.arguments, scope: Scope) -> list[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    outer = scope.outer or scope
    annotations = {name: chain_of(annotation, outer) for name, annotation in scope.annotations.items()}
    found = [
        Parameter(argument.arg, "positional", index < without_default, annotations.get(argument.arg, ""))
        for index, argument in enumerate(positional)
    ]
    if arguments.vararg is not None:
        found.append(Parameter(arguments.vararg.arg, "*", False, ""))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(argument.arg, "keyword", default is None, annotations.get(argument.arg, "")))
    if arguments.kwarg is not None:
        found.append(Parameter(arguments.kwarg.arg, "**", False, ""))
    return found


_HANDLERS: dict[type, Callable[[Reader, Any, Position, str], None]] = {
    ast.Import: Reader._import,
    ast.ImportFrom: Reader._import_from,
    ast.FunctionDef: Reader._function,
    ast.AsyncFunctionDef: Reader._function,
    ast.Lambda: Reader._lambda,
    ast.ClassDef: Reader._class,
    ast.Assign: Reader._assign,
    ast.AnnAssign: Reader._annotated,
    ast.AugAssign: Reader._augmented,
    ast.NamedExpr: Reader._named,
    ast.Global: Reader._global,
    ast.For: Reader._for,
    ast.AsyncFor: Reader._for,
    ast.comprehension: Reader._comprehension,
    ast.With: Reader._with,
    ast.AsyncWith: Reader._with,
    ast.Try: Reader._try,
    ast.If: Reader._if,
    ast.Return: Reader._return,
    ast.Expr: Reader._expression,
    ast.Await: Reader._await,
    ast.Yield: Reader._yield,
    ast.YieldFrom: Reader._yield,
    ast.Call: Reader._call,
    ast.Starred: Reader._starred,
    ast.Attribute: Reader._attribute,
}
if hasattr(ast, "TryStar"):
    _HANDLERS[ast.TryStar] = Reader._try

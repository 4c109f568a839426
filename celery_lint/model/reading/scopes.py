"""Scopes while a module is read: who binds a name, and what a chain means from inside.

These objects live only during the reading of one module; what remains are the facts.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import Any

from celery_lint.model.reading.expressions import is_part
from celery_lint.model.steps import StepRole

BUILTINS = frozenset(dir(builtins))
# Longer chains are method calls on results of method calls: nothing there is ever resolved.
MAXIMUM_COMPONENTS = 14
_COMPONENTS = range(MAXIMUM_COMPONENTS * 2)
_NAME, _ATTRIBUTE, _CALL, _SUBSCRIPT = ast.Name, ast.Attribute, ast.Call, ast.Subscript
_LONGEST_CHAIN = 200
_CONTEXT_MANAGERS = frozenset({"asynccontextmanager", "contextmanager"})

# What says no more of a class than that it has parameters.
_GENERIC = frozenset({"typing.Generic", "typing_extensions.Generic"})


class StepRecord:
    """A statement as the walk met it, before names are known."""

    __slots__ = (
        "calls", "inner", "loads", "node", "number", "parent", "perhaps", "role", "stores", "unbound",
        "valued",
    )  # fmt: skip

    def __init__(self, node: ast.AST, number: int, parent: int, role: StepRole) -> None:
        self.node = node
        self.number = number
        self.parent = parent
        self.role = role
        self.loads: list[str] = []
        #: The names that are read only if another operand says so.
        self.perhaps: list[str] = []
        self.stores: list[str] = []
        #: The names that are certainly read before anything binds them.
        self.unbound: list[str] = []
        #: The names again of which only the value is asked: an item, an attribute, whether it is true.
        self.valued: list[str] = []
        #: Numbers of the calls that are kept, filled once the walk is over.
        self.calls: list[int] = []
        #: The scope of the function that a ``def`` makes.
        self.inner: Scope | None = None


class CallRecord:
    """A call as the walk met it, before names are known."""

    __slots__ = ("flags", "node", "parent", "step")

    def __init__(self, node: ast.Call, flags: str, parent: CallRecord | None, step: StepRecord) -> None:
        self.node = node
        self.flags = flags
        self.parent = parent
        self.step = step


class Scope:
    """A module, class or function while its names are collected."""

    __slots__ = (
        "annotations",
        "attributes",
        "binds_class",
        "calls",
        "definitions",
        "first_parameter",
        "further",
        "imports",
        "is_async",
        "is_generator",
        "kept",
        "kind",
        "lent",
        "node",
        "opaque",
        "outer",
        "outside",
        "pending",
        "qualname",
        "returns",
        "roots",
        "stars",
        "steps",
        "values",
    )

    def __init__(self, kind: str, qualname: str, outer: Scope | None, node: ast.AST) -> None:
        self.kind = kind
        self.qualname = qualname
        self.outer = outer
        self.node = node
        self.definitions: dict[str, str] = {}
        self.imports: dict[str, str] = {}
        self.values: dict[str, list[ast.expr]] = {}
        self.opaque: set[str] = set()
        self.outside: set[str] = set()
        self.calls: list[CallRecord] = []
        self.returns: list[ast.expr] = []
        self.is_async = False
        self.is_generator = False
        self.attributes: dict[str, list[tuple[ast.expr, Scope]]] = {}
        self.first_parameter = ""
        #: Where the value of a local name is put, too: `engine = self._engine = make()`.
        self.kept: dict[str, ast.expr] = {}
        self.annotations: dict[str, ast.expr] = {}
        self.binds_class = False
        #: What names mean when they are used in this scope, filled once the walk is over.
        self.roots: dict[str, str] = {}
        #: Local names whose meaning is being worked out; until then they stand for themselves.
        self.pending: set[str] = set()
        self.stars: list[str] = []
        #: Of a module: what its import statements name, and its own names do not show.
        self.further: list[str] = []
        self.steps: list[StepRecord] = []
        #: Of a module: the functions whose `global` statements bind its names, by the value.
        self.lent: dict[int, Scope] = {}

    def lend(self, value: ast.expr | None) -> Scope:
        """The module, which a `global` statement of this function binds a name of to a value."""
        module = self.module()
        module.lent[id(value)] = self
        return module

    def meaning(self, value: ast.expr) -> Scope:
        """The scope in which a value of this module has a meaning: a function may import what makes it."""
        scope = self.lent.get(id(value))
        if scope is not None:
            names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
            for name in names:
                binder = lookup(name, scope)
                if binder is not None and binder.kind == "function" and name in binder.imports:
                    return scope
        return self

    def binds(self, name: str) -> bool:
        """Whether the scope itself gives the name a meaning."""
        return (
            name in self.definitions or name in self.imports or name in self.values or name in self.opaque
        ) and name not in self.outside

    def note_yielded(self, value: ast.expr | None) -> None:
        """Note that it is a generator, and what it yields, where a ``with`` binds a name to that."""
        self.is_generator = True
        for decorator in getattr(self.node, "decorator_list", ()):
            name = getattr(decorator, "attr", "") or getattr(decorator, "id", "")
            if value is not None and name in _CONTEXT_MANAGERS:
                self.returns.append(value)

    def note_field(self, name: str) -> None:
        """Note a field of a class that only its objects fill: `engine: AsyncEngine`."""
        if self.kind == "class":
            self.attributes.setdefault(name, [])

    def note_kept(self, node: ast.Assign) -> None:
        """Note where an assignment puts what a local name holds."""
        value = node.value
        if self.kind != "function" or (len(node.targets) == 1 and not isinstance(value, ast.Name)):
            return
        names = [value.id] if isinstance(value, ast.Name) else []
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id not in self.outside:
                names.append(target.id)
        for target in node.targets:
            if isinstance(target, ast.Attribute) or getattr(target, "id", None) in self.outside:
                for name in names:
                    self.kept.setdefault(name, target)

    def owner(self) -> Scope | None:
        """The class that a method stands in directly."""
        return self.outer if self.outer is not None and self.outer.kind == "class" else None

    def module(self) -> Scope:
        """The module's own scope."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope


def child_qualname(scope: Scope, name: str) -> str:
    """The qualified name of something defined in this scope: ``Class.method``, ``function/inner``."""
    if scope.kind == "module":
        return name
    return f"{scope.qualname}{'.' if scope.kind == 'class' else '/'}{name}"


def lookup(name: str, scope: Scope) -> Scope | None:
    """The scope that binds the name as seen from inside ``scope``; class scopes are not seen by functions."""
    current: Scope | None = scope
    while current is not None:
        if current.binds(name) and (current is scope or current.kind != "class"):
            return current
        current = current.outer
    return None


def asked_by_name(node: ast.Call, or_none: bool = False) -> str:
    """The attribute that a call of ``getattr`` asks for; with ``or_none`` only one that stands for itself."""
    if type(node.func) is not ast.Name or node.func.id != "getattr" or len(node.args) < 2:
        return ""
    name, *otherwise = [getattr(given, "value", "") for given in node.args[1:]]
    if or_none and otherwise and otherwise[0] is not None:
        return ""
    return name if isinstance(name, str) else ""


def chain_of(node: ast.expr, scope: Scope) -> str:
    """The chain that an expression is, or ``""`` when it is none."""
    rest = ""
    current: Any = node
    for _ in _COMPONENTS:
        kind = type(current)
        if kind is _NAME:
            name = current.id
            return (scope.roots.get(name) or resolve_name(name, scope)) + rest
        if kind is _ATTRIBUTE:
            rest = f".{current.attr}{rest}"
        elif kind is _CALL:
            called = current.func
            name = asked_by_name(current, or_none=True) if type(called) is _NAME else ""
            rest = f".{name}{rest}" if name else f"(){rest}"
            current = current.args[0] if name else called
            continue
        elif kind is _SUBSCRIPT:
            rest = f"[]{rest}"
        elif kind is not ast.Await and kind is not ast.NamedExpr:
            return ""
        current = current.value
    return ""


def resolve_name(name: str, scope: Scope) -> str:
    """The first component of a chain: what a bare name means in this scope. Only after the walk."""
    root = scope.roots.get(name)
    if root is not None:
        return root
    binder = lookup(name, scope)
    root = f"~{name}" if binder is None else _resolve_global(name, binder)
    if root:
        scope.roots[name] = root
        return root
    assert binder is not None
    known = binder.roots.get(name)
    if known is None:
        if name in binder.pending:  # `query = query.filter(...)` is its own value
            return f"%{name}"
        binder.pending.add(name)
        known = binder.roots[name] = _resolve_local(name, binder)
    scope.roots[name] = known
    return known


def _resolve_global(name: str, binder: Scope) -> str:
    """A name whose meaning does not depend on the values of local variables, or ``""``."""
    definition = binder.definitions.get(name)
    if definition is not None:
        return f":{definition}"
    imported = binder.imports.get(name)
    if imported is not None:
        return imported
    if binder.kind == "module":
        return f":{name}"
    return f":{binder.qualname}.{name}" if binder.kind == "class" else ""


def _is_function(chain: str, scope: Scope) -> bool:
    """Whether a chain names a function of the module, which is no class: ``def send(self: send): ...``."""
    name = chain[1:]
    if chain[:1] != ":" or not name[:1].islower() or "." in name:
        return False
    body = getattr(scope.module().node, "body", ())
    return any(
        isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == name for each in body
    )


def _resolve_local(name: str, binder: Scope) -> str:
    if name == binder.first_parameter:
        owner = binder.owner()
        if owner is not None:
            return f":{owner.qualname}{'' if binder.binds_class else '()'}"
    values = binder.values.get(name, ())
    if name in binder.opaque:
        annotation = binder.annotations.get(name)
        if annotation is None or values:
            return f"%{name}"
        chain = chain_of(annotation, binder.outer or binder)
        is_class = chain and chain[:1] not in "~%" and not _is_function(chain, binder)
        return f"{chain}()" if is_class else f"%{name}"
    chains: list[str] = []
    for value in values:
        if isinstance(value, ast.Constant) and value.value is None:
            continue
        chain = chain_of(value, binder)
        if chain[:1] in "%~" and is_part(value):
            return f"%{name}"  # of what nobody can see through
        if chain not in chains:
            chains.append(chain)
    if len(chains) > 1 and name in binder.kept:
        # `engine = self._engine`, and where there is none `engine = self._engine = make()`.
        kept = chain_of(binder.kept[name], binder)
        chains = [kept] if kept in chains else chains
    if len(chains) > 1:
        # `try: loop = get_running_loop() except RuntimeError: loop = new_event_loop()` and the like:
        # the alternatives differ, but they are all loops.
        loops = [chain for chain in chains if chain.endswith("_loop()")]
        chains = loops[-1:] if len(loops) == len(chains) else []
    chain = chains[0] if len(chains) == 1 else ""
    if chain and not chain.startswith(f"%{name}") and len(chain) <= _LONGEST_CHAIN:
        return chain
    return f"%{name}"


def bases_of(node: ast.ClassDef, outer: Scope) -> Iterator[str]:
    """The chains of what a class derives from: of `Repository[Order]` that is `Repository`."""
    for base in node.bases:
        typed = isinstance(base, ast.Subscript) and isinstance(base.value, (ast.Name, ast.Attribute))
        chain = chain_of(base.value if isinstance(base, ast.Subscript) and typed else base, outer)
        if not typed or chain not in _GENERIC:
            yield chain


def made_by(node: ast.ClassDef, outer: Scope, inside: Scope) -> Iterator[str]:
    """What a class may get from more than its bases.

    A metaclass of somebody, what pydantic is told, what its body binds by loops, imports and patterns.
    """
    matches = any(isinstance(each, ast.Match) for each in node.body)
    if node.bases and (inside.opaque or inside.imports or matches):
        yield "body="
    for keyword in node.keywords:
        chain = chain_of(keyword.value, outer)
        if keyword.arg == "extra" or (keyword.arg == "metaclass" and chain != "abc.ABCMeta"):
            yield f"{keyword.arg}={chain}"


def by_name(functions: Iterable[Scope]) -> dict[str, Scope]:
    """Functions by qualified name: of several with one name the last has it, as when it runs.

    The others have their line behind theirs. One that the next repeats word for word is left out: that is
    one function, pasted twice.
    """
    found: dict[str, Scope] = {}
    for scope in functions:
        earlier = found.pop(scope.qualname, None)
        if earlier is not None and ast.dump(earlier.node) != ast.dump(scope.node):
            node: Any = earlier.node
            found[f"{scope.qualname}@{node.lineno}"] = earlier
        found[scope.qualname] = scope
    return found

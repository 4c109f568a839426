"""What a variable holds that takes the items of a list or dictionary, one after the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from celery_lint.model.reading.scopes import Scope, chain_of

Path = tuple[int, ...]

# Calls whose items are those of their first argument, and methods that put an item in or take one out.
_PASSING = frozenset({"list", "tuple", "set", "reversed", "sorted", "iter"})
_EMPTY = frozenset({"list", "dict", "set", "deque", "defaultdict", "OrderedDict"})
_FILLING = frozenset({"append", "add", "appendleft"})
_TAKING = frozenset({"pop", "popleft"})
_DEEPEST = 6
_MOST = 4
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)
_TIMES = frozenset({"countdown", "eta"})
#: What sends a message that may be due later.
DELAYING = frozenset({"apply_async", "retry", "send_task"})
#: What starts a worker with words, as a shell would have them.
STARTING = "worker_main"


def worth_following(node: ast.Call) -> bool:
    """Whether a call may wait for an item, as ``r.get()``; that of a dictionary takes a key."""
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "wait") and not node.args


class Elements:
    """The items that the variables of one function stand for."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.loops: list[tuple[ast.expr, ast.expr, list[ast.expr]]] = []
        #: What is put into containers after they are made, by their names.
        self.filled: dict[str, list[ast.expr]] = {}
        for inner in ast.walk(scope.node):
            if isinstance(inner, _LOOPS):
                self.loops.append((inner.target, inner.iter, getattr(inner, "ifs", [])))
            elif isinstance(inner, ast.Call):
                owner = inner.func.value if isinstance(inner.func, ast.Attribute) else None
                if isinstance(owner, ast.Name) and inner.func.attr in _FILLING and len(inner.args) == 1:  # type: ignore[attr-defined]
                    self.filled.setdefault(owner.id, []).append(inner.args[0])
            elif isinstance(inner, ast.Assign):
                for target in inner.targets:
                    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                        self.filled.setdefault(target.value.id, []).append(inner.value)

    def chains(self, node: ast.expr) -> list[str]:
        """All that an expression may stand for as an item, as chains; none where one of them is hidden.

        An item of what the function is given, or of what another call gives, is a chain with ``[]``.
        """
        try:
            found = dict.fromkeys(self._taken(node, 0))
        except LookupError:
            return []
        return list(found) if 0 < len(found) <= _MOST else []

    def _taken(self, node: ast.expr, depth: int) -> Iterator[str]:
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
            yield from self._items(node.value, (), depth + 1)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in _TAKING:
                raise LookupError
            yield from self._items(node.func.value, (), depth + 1)
        elif isinstance(node, ast.Name) and node.id in self.scope.values:
            values = self.scope.values[node.id]
            if len(values) != 1 or node.id in self.scope.opaque or depth > _DEEPEST:
                raise LookupError
            yield from self._taken(values[0], depth + 1)
        elif isinstance(node, ast.Name) and node.id in self.scope.opaque:
            yield from self._looped(node.id, depth)
        else:
            raise LookupError

    def _looped(self, name: str, depth: int) -> Iterator[str]:
        """The items of all loops that bind a name."""
        for target, iterable, tests in self.loops:
            path = _path_to(name, target)
            if path is None:
                continue
            if any(isinstance(inner, ast.Name) and inner.id == name for t in tests for inner in ast.walk(t)):
                raise LookupError  # `for r in rs if r.ready()`
            yield from self._items(iterable, path, depth + 1)

    def _items(self, node: ast.expr, path: Path, depth: int) -> Iterator[str]:
        """What the items of an expression are, or what stands at a place in each of them."""
        if depth > _DEEPEST:
            raise LookupError
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            yield self._picked(node.elt, path)
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            for item in node.elts:
                yield self._picked(item, path)
        elif isinstance(node, ast.DictComp):
            yield self._picked(node.value, path)
        elif isinstance(node, ast.Dict):
            for value in node.values:
                yield self._picked(value, path)
        elif isinstance(node, ast.Name) and node.id in self.scope.values and not self._is_hidden(node.id):
            yield from self._held(node.id, path, depth)
        elif isinstance(node, ast.Call):
            yield from self._of_call(node, path, depth)
        else:
            yield self._outside(node, path)

    def _is_hidden(self, name: str) -> bool:
        return name in self.scope.opaque or name in self.scope.outside

    def _held(self, name: str, path: Path, depth: int) -> Iterator[str]:
        """What a container holds that the function makes."""
        for value in self.scope.values[name]:
            if not _is_empty(value):
                yield from self._items(value, path, depth + 1)
        for value in self.filled.get(name, ()):
            yield self._picked(value, path)

    def _of_call(self, node: ast.Call, path: Path, depth: int) -> Iterator[str]:
        called = node.func
        name = called.id if isinstance(called, ast.Name) else ""
        given = node.args
        if isinstance(called, ast.Attribute) and not given and called.attr == "values":
            yield from self._items(called.value, path, depth + 1)
        elif isinstance(called, ast.Attribute) and not given and called.attr == "items":
            if path[:1] != (1,):
                raise LookupError
            yield from self._items(called.value, path[1:], depth + 1)
        elif name in _PASSING and given:
            yield from self._items(given[0], path, depth + 1)
        elif name == "enumerate" and given and path[:1] == (1,):
            yield from self._items(given[0], path[1:], depth + 1)
        elif name == "zip" and path and path[0] < len(given):
            yield from self._items(given[path[0]], path[1:], depth + 1)
        else:
            yield self._outside(node, path)

    def _outside(self, node: ast.expr, path: Path) -> str:
        chain = chain_of(node, self.scope)
        if not chain or path:
            raise LookupError
        return f"{chain}[]"

    def _picked(self, node: ast.expr, path: Path) -> str:
        for place in path:
            if not isinstance(node, (ast.Tuple, ast.List)) or place >= len(node.elts):
                raise LookupError
            node = node.elts[place]
        chain = chain_of(node, self.scope)
        if not chain:
            raise LookupError
        return chain


def _path_to(name: str, target: ast.expr) -> Path | None:
    """Where a name stands in the target of a loop: ``r`` of ``i, (k, r)`` at ``(1, 1)``."""
    pending: list[tuple[ast.expr, Path]] = [(target, ())]
    while pending:
        node, path = pending.pop()
        if isinstance(node, ast.Name) and node.id == name:
            return path
        if isinstance(node, (ast.Tuple, ast.List)) and not any(
            isinstance(item, ast.Starred) for item in node.elts
        ):
            pending += [(item, (*path, place)) for place, item in enumerate(node.elts)]
    return None


def _is_empty(node: ast.expr) -> bool:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return not node.elts
    if isinstance(node, ast.Dict):
        return not node.keys
    if isinstance(node, ast.Call):
        called = node.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
        return name in _EMPTY and (not node.args or name == "defaultdict")
    return False


def with_its_words(node: ast.Call, scope: Scope) -> ast.Call:
    """The call with the words in place of their name, and each text that is joined as a sum of its parts."""
    given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "argv"), None)
    made = _made(given, scope) if given is not None else None
    if made is None:
        return node
    words = [_summed(word, scope) for word in made.elts]
    stated = ast.copy_location(ast.List(words, ast.Load()), made)
    return ast.copy_location(ast.Call(node.func, [stated], []), node)


def with_its_times(node: ast.Call, scope: Scope) -> ast.Call:
    """The call with the sum in place of a local name that holds when its message is due.

    ``when = now() + timedelta(days=3)`` above ``apply_async(eta=when)``; it stands where the name does.
    """
    keywords = [_with_its_time(keyword, scope) for keyword in node.keywords]
    if keywords == node.keywords:
        return node
    return ast.copy_location(ast.Call(node.func, node.args, keywords), node)


def _with_its_time(keyword: ast.keyword, scope: Scope) -> ast.keyword:
    given = keyword.value
    if keyword.arg not in _TIMES or not isinstance(given, ast.Name) or given.id in scope.opaque:
        return keyword
    values = scope.values.get(given.id, ())
    if len(values) != 1 or not isinstance(values[0], ast.BinOp):
        return keyword
    total = ast.copy_location(ast.BinOp(values[0].left, values[0].op, values[0].right), given)
    return ast.copy_location(ast.keyword(keyword.arg, total), keyword)


def _made(given: ast.expr, scope: Scope) -> ast.List | ast.Tuple | None:
    """The list that an argument is, or that its local name stands for, with what is put into it later."""
    if isinstance(given, (ast.List, ast.Tuple)):
        return given
    if not isinstance(given, ast.Name) or given.id in scope.opaque:
        return None
    values = scope.values.get(given.id, ())
    made = values[0] if len(values) == 1 else None
    if not isinstance(made, (ast.List, ast.Tuple)):
        return None
    more = _added(given.id, scope)
    return ast.copy_location(ast.List([*made.elts, *more], ast.Load()), made)


def _added(name: str, scope: Scope) -> Iterator[ast.expr]:
    """The words that a list gets later; what only some runs put in, or several at once, is hidden."""
    always = [step.value for step in getattr(scope.node, "body", ()) if isinstance(step, ast.Expr)]
    for inner in ast.walk(scope.node):
        function = inner.func if isinstance(inner, ast.Call) else None
        owner = function.value if isinstance(function, ast.Attribute) else None
        if not isinstance(inner, ast.Call) or not isinstance(owner, ast.Name) or owner.id != name:
            continue
        if isinstance(function, ast.Attribute) and function.attr in ("append", "extend", "insert"):
            known = function.attr == "append" and inner in always and len(inner.args) == 1
            yield inner.args[0] if known else inner


def _summed(word: ast.expr, scope: Scope) -> ast.expr:
    """``f"--pool={POOL}"`` as ``"--pool=" + POOL``; a local name as the text that it stands for."""
    if isinstance(word, ast.Name) and word.id not in scope.opaque:
        values = scope.values.get(word.id, ())
        return values[0] if len(values) == 1 and isinstance(values[0], ast.Constant) else word
    if not isinstance(word, ast.JoinedStr):
        return word
    total: ast.expr | None = None
    for part in word.values:
        plain = isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None
        each = _summed(part.value, scope) if plain and isinstance(part, ast.FormattedValue) else part
        total = each if total is None else ast.copy_location(ast.BinOp(total, ast.Add(), each), word)
    return total or word

"""Names of a module that no import statement and no plain binding shows, and imports that it needs.

Files that it runs, as django-split-settings' ``include("components/celery.py")`` does: their names are then
those of the module, as after a star import of a module beside it. ``globals().update(…)``, and loops.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from posixpath import normpath
from sys import intern

from celery_lint.diagnostics import Span
from celery_lint.libraries.django import INCLUDES, INCLUDING, OF_MAILS
from celery_lint.model.facts import ANYTHING, PATH, ImportStatement
from celery_lint.model.reading.scopes import Scope

# What binds names, or puts modules in place, as only the run knows. Each begins with its letters, since what
# begins with a boundary is tried at every place.
_BINDING = {
    word: re.compile(rf"{word}(?<=\b{word})\b")
    for word in (
        "__getattr__",
        "__dict__",
        "globals",
        "vars",
        "locals",
        "exec",
        "eval",
        "setattr",
        "import_module",
    )
} | {"modules": re.compile(r"sys(?<=\bsys)(?:\s*\.|\s+import\b[^\n]{0,99}?)\s*\bmodules\b")}
# Statements whose names the walk does not note.
_UNSEEN = tuple(getattr(ast, name) for name in ("Match", "TypeAlias") if hasattr(ast, name))
_EXITS = frozenset({"exit", "_exit", "quit", "abort"})
_NAMESPACES = frozenset({"globals", "locals", "vars"})
_LENGTHENING = frozenset({"append", "extend", "insert"})
_SPREADING = "declare_namespace"


def included(top: Scope) -> Iterator[str]:
    """What a module includes, as relative star imports; ``*`` stands for what a pattern leaves open.

    A path that only the run knows is told as a star import of the library: from where nobody can look.
    """
    names = {name for name, dotted in top.imports.items() if dotted in INCLUDES}
    for record in top.calls:
        node = record.node
        if isinstance(node, ast.Call) and _is_update_of_names(node.func) and not _is_about_mails(top, node):
            yield INCLUDING
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            for given in node.args:
                yield from _paths(top, given, names)


def _is_update_of_names(called: ast.expr) -> bool:
    """Whether ``globals().update`` is called, or ``vars().update``."""
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "update"
        and isinstance(called.value, ast.Call)
        and isinstance(called.value.func, ast.Name)
        and called.value.func.id in _NAMESPACES
        and not called.value.args
    )


def _is_about_mails(top: Scope, node: ast.Call) -> bool:
    """``vars().update(env.email_url("MAILS"))``: what django-environ takes apart names ``EMAIL_…`` only."""
    for given in node.args[:1]:
        values = top.values.get(given.id, []) if isinstance(given, ast.Name) else [given]
        return bool(values) and all(
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and value.func.attr in OF_MAILS
            for value in values
        )
    return False


def _paths(top: Scope, given: ast.expr, names: set[str]) -> Iterator[str]:
    if isinstance(given, ast.Starred):
        listed = top.values.get(given.value.id, ()) if isinstance(given.value, ast.Name) else [given.value]
        for value in listed or [ast.Constant(None)]:
            for item in value.elts if isinstance(value, (ast.List, ast.Tuple)) else [ast.Constant(None)]:
                yield from _paths(top, item, names)
        return
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id in names:
        return  # `optional("local.py")`: a call of its own
    path = _path(given)
    yield _dotted(path) if path.endswith(".py") else INCLUDING


def _path(given: ast.expr) -> str:
    """A path; what an f-string fills in is a ``*``."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    if isinstance(given, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in given.values]
        return "".join(map(str, parts))
    return ""


def _dotted(path: str) -> str:
    """``../shared/mail.py`` as ``..shared.mail``."""
    parts = normpath(path.removesuffix(".py")).split("/")
    above = parts.count("..")
    return "." * (above + 1) + ".".join(parts[above:])


def needed_imports(tree: ast.Module, span: Callable[[ast.stmt], Span]) -> Iterator[ImportStatement]:
    """The imports that are statements of their own at the top, up to one that ends the import."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield ImportStatement(
                intern(base), tuple([intern(alias.name) for alias in node.names]), span(node)
            )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield ImportStatement(intern(alias.name), (), span(node))
        elif isinstance(node, ast.Raise) or _is_exit(node):
            return


def _is_exit(node: ast.stmt) -> bool:
    """``sys.exit()``, ``exit()``, ``pytest.exit()``."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in _EXITS


def hidden_names(tree: ast.Module, text: str, top: Scope, functions: Iterable[Scope]) -> tuple[str, ...]:
    """The names of a module that loops, handlers and ``global`` bind, and :data:`ANYTHING` for any."""
    found = {*top.opaque, *(name for scope in functions for name in scope.outside)}
    for loop in tree.body:
        if isinstance(loop, ast.For):  # what has a value or a definition besides
            found.update(each.id for each in ast.walk(loop.target) if isinstance(each, ast.Name))
    if _binds(tree, text) or any(isinstance(node, _UNSEEN) for node in tree.body):
        found.add(ANYTHING)
    if (PATH in text or _SPREADING in text) and any(map(_is_spreading, ast.walk(tree))):
        found.add(PATH)
    return tuple(sorted(found))


def _is_spreading(node: ast.AST) -> bool:
    """Whether a package gets another folder: ``__path__.append(…)``, ``__path__[:] = …``.

    To read what ``__path__`` holds changes nothing.
    """
    if isinstance(node, ast.Name):
        return node.id == PATH and isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.Subscript):
        return _is_path(node.value) and isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.alias):
        return PATH in (node.name, node.asname)
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in _LENGTHENING:
        return _is_path(called.value)
    return _word(called) == _SPREADING


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == PATH


def _binds(tree: ast.Module, text: str) -> bool:
    """Whether code says one of these words: a comment may as well, of variables of the environment."""
    words = {word for word, pattern in _BINDING.items() if word in text and pattern.search(text)}
    return bool(words) and any(_word(node) in words for node in ast.walk(tree))


def _word(node: ast.AST) -> str:
    """The last name that an expression, a definition or a part of an import says by itself."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    return node.name.rpartition(".")[2] if isinstance(node, ast.alias) else ""

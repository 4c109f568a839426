"""Folders that a module puts on ``sys.path``, as far as its text says which they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from celery_lint.model.records import NamedTuple

ABSOLUTE = "/"
ANYWHERE = "*"

# What a module must hold to put anything on the path.
_WORDS = ("sys.path", "addsitedir")
_ADDING = frozenset({"append", "insert", "extend"})
_PLAIN = frozenset(
    {
        "Path", "PosixPath", "PurePath", "PurePosixPath", "abspath", "absolute", "as_posix", "expanduser",
        "expandvars", "fsdecode", "fspath", "normpath", "realpath", "resolve", "str",
    }
)  # fmt: skip
_JOINING = frozenset({"child", "join", "joinpath", "path"})
_HERE = frozenset({"cwd", "getcwd", "getcwdu"})
_ABOVE = frozenset({"pardir"})
_DEEPEST = 12


class Folder(NamedTuple):
    """A folder as code or a launch file names it: ``path`` is what follows ``base``.

    ``base`` is ``""`` for the folder of the workspace, :data:`ABSOLUTE` for a folder of the machine that
    runs it, :data:`ANYWHERE` for one that only the run knows, or the name of a variable of another module.
    """

    base: str
    path: str = ""

    def above(self) -> Folder | None:
        """The folder that holds it."""
        if self.path:
            return Folder(self.base, self.path.rpartition("/")[0])
        return Folder(ANYWHERE) if self.base else None

    def below(self, text: str) -> Folder | None:
        """What a relative path leads to from here; an absolute one leads there from everywhere."""
        found: Folder | None = Folder(ABSOLUTE) if text.startswith("/") else self
        for part in text.replace("\\", "/").split("/"):
            if found is None:
                return None
            if part == "..":
                found = found.above()
            elif part not in ("", "."):
                found = Folder(found.base, f"{found.path}/{part}" if found.path else part)
        return found


def folders_on_path(
    tree: ast.Module, text: str, path: str, values: Mapping[str, Sequence[ast.expr]]
) -> tuple[Folder, ...]:
    """The folders that a module puts on the path; ``values`` is what is bound to its names."""
    if not any(word in text for word in _WORDS):
        return ()
    reader = _Reader(path, values)
    found = (reader.of(node) for node in _added(tree))
    return tuple(dict.fromkeys(folder for folder in found if folder is not None))


def _added(tree: ast.Module) -> Iterator[ast.expr]:
    """The expressions that are put on the path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[-1], ast.Starred):
            called, given = node.func, node.args[-1]
            if _leaf(called) == "addsitedir":
                yield node.args[0]
            elif isinstance(called, ast.Attribute) and called.attr in _ADDING and _is_path(called.value):
                yield from _items(given) if called.attr == "extend" else (given,)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_is_path(t.value if isinstance(t, ast.Subscript) else t) for t in targets):
                yield from _items(node.value)


def _items(node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """The items of a display, also of one that is added to another."""
    if isinstance(node, (ast.List, ast.Tuple)):
        yield from (item for item in node.elts if not isinstance(item, ast.Starred))
    elif isinstance(node, ast.BinOp) and depth < _DEEPEST:
        yield from _items(node.left, depth + 1)
        yield from _items(node.right, depth + 1)


def _is_path(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "path"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )


def _leaf(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


class _Reader:
    """What expressions of a module mean that are paths: of os.path, pathlib, environ and unipath."""

    def __init__(self, path: str, values: Mapping[str, Sequence[ast.expr]]) -> None:
        self._path = path
        self._values = values

    def of(self, node: ast.expr, depth: int = 0) -> Folder | None:
        """The folder or file of an expression; ``None`` where it is none that can be told."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return Folder(ANYWHERE).below(node.value) if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._of_name(node.id, depth)
        if isinstance(node, ast.Attribute):
            inner = self.of(node.value, depth + 1) if node.attr in ("parent", "root") else None
            if node.attr == "parent":
                return inner.above() if inner is not None else None
            return inner or Folder(node.attr)
        if isinstance(node, ast.Subscript):
            return self._of_parents(node, depth)
        if isinstance(node, ast.BinOp):
            return self._of_operation(node, depth)
        if isinstance(node, ast.JoinedStr):
            return self._of_format(node, depth)
        return self._of_call(node, depth) if isinstance(node, ast.Call) else None

    def _of_name(self, name: str, depth: int) -> Folder | None:
        if name == "__file__":
            return Folder("", self._path)
        for value in self._values.get(name, ()):
            found = self.of(value, depth + 1)
            if found is not None:
                return found
        return Folder(name)

    def _of_parents(self, node: ast.Subscript, depth: int) -> Folder | None:
        """``Path(__file__).resolve().parents[1]``."""
        many = _number(node.slice)
        if not isinstance(node.value, ast.Attribute) or node.value.attr != "parents" or many < 0:
            return None
        return _climbed(self.of(node.value.value, depth + 1), many + 1)

    def _of_operation(self, node: ast.BinOp, depth: int) -> Folder | None:
        left = self.of(node.left, depth + 1)
        if isinstance(node.op, ast.Sub):  # `environ.Path(__file__) - 2`
            return _climbed(left, _number(node.right)) if _number(node.right) > 0 else None
        text = self._text(node.right)
        if left is None or text is None or not isinstance(node.op, (ast.Add, ast.Div)):
            return None
        return left.below(text.lstrip("/") if isinstance(node.op, ast.Add) else text)

    def _of_format(self, node: ast.JoinedStr, depth: int) -> Folder | None:
        """``f"{BASE_DIR}/apps"``."""
        first, *rest = node.values
        found = self.of(first.value if isinstance(first, ast.FormattedValue) else first, depth + 1)
        for part in rest:
            text = self._text(part)
            found = found.below(text.lstrip("/")) if found is not None and text is not None else None
        return found

    def _of_call(self, node: ast.Call, depth: int) -> Folder | None:
        leaf, called = _leaf(node.func), node.func
        owner = called.value if isinstance(called, ast.Attribute) else None
        if leaf in _HERE:
            return Folder(ANYWHERE)
        if leaf == "ancestor" and owner is not None and node.args:
            return _climbed(self.of(owner, depth + 1), _number(node.args[0]))
        first, rest = (node.args[0], node.args[1:]) if node.args else (owner, [])
        of_module = owner is None or _leaf(owner) in ("os", "path", "pathlib", "environ", "unipath")
        if leaf in _JOINING and not of_module:
            first, rest = owner, node.args
        elif leaf not in _PLAIN and leaf not in _JOINING and leaf != "dirname":
            # `ROOT("apps")` of environ, or a function that joins by itself
            first, rest = (called if isinstance(called, ast.Name) else None), node.args
        found = self.of(first, depth + 1) if first is not None else Folder(ANYWHERE)
        for given in rest:
            text = self._text(given)
            found = found.below(text) if found is not None and text is not None else None
        return found.above() if leaf == "dirname" and found is not None else found

    def _text(self, node: ast.expr) -> str | None:
        """A part of a path."""
        if isinstance(node, ast.Name):
            known = self._values.get(node.id, ())
            return self._text(known[0]) if len(known) == 1 and isinstance(known[0], ast.Constant) else None
        if isinstance(node, ast.Attribute) and node.attr in _ABOVE:
            return ".."
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _climbed(folder: Folder | None, levels: int) -> Folder | None:
    for _ in range(min(levels, _DEEPEST)):
        folder = folder.above() if folder is not None else None
    return folder


def _number(node: ast.expr) -> int:
    """A number that is written down, or -1."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else -1

"""Lines that run on Windows or macOS only, or where the product is developed: no deployed worker runs them.

``if sys.platform == "win32":``, ``if os.name == "nt":``, ``if platform.system() == "Darwin":``, and the same
by way of a name: ``if IS_WINDOWS:``, ``if settings.DEBUG:``. Or in tests only, and where tasks run in the
process that sends them: ``if self.request.is_eager:``, ``if app.conf.task_always_eager:``,
``if settings.TESTING:``, ``if "pytest" in sys.modules:``. Or where a task is called as a function, which has
no message and no id: ``if self.request.called_directly:``, ``if not self.request.id:``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterable
from typing import NamedTuple

_WORDS = (
    "win32",
    '"nt"',
    "'nt'",
    "indows",
    '"win"',
    "'win'",
    "INDOWS",
    "DEBUG",
    "arwin",
    "DARWIN",
    "macos",
    "MACOS",
    "IS_MAC",
    "eager",
    "EAGER",
    "testing",
    "TESTING",
    "pytest",
    "PYTEST",
    "called_directly",
    "request.id",
)
_ASKING = ("sys.platform", "os.name", "platform.system")
_NAMES = ("win", "nt", "cygwin", "msys", "darwin", "macos")
# What projects call it, as a whole name or a part of one: `IS_WINDOWS`, `settings.DEBUG`, `is_windows()`.
_CALLED = re.compile(
    r"(?:[a-z]+_)*(?:windows|win32|nt|darwin|macos|mac|osx)|debug|dev_?mode|(?:is_)?(?:local_)?dev(?:elopment)?"
    r"|is_eager|called_directly|(?:celery_)?(?:tasks?_)?always_eager|(?:is_|in_)?(?:testing|pytest)"
)
# What only a process of tests has: `"pytest" in sys.modules`.
_OF_TESTS = {"sys.modules": "pytest", "os.environ": "PYTEST_CURRENT_TEST"}
# The id of a task's message: a task that is called as a function has none.
_ID = ".request.id"
_CURRENT = ("current_task", "celery.current_task", "app.current_task")
_PARTS = ("body", "orelse", "finalbody")
# Who holds a `debug` that was given for one call or one object.
_GIVEN = frozenset({"self", "cls", "args", "options", "opts", "kwargs", "request"})
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


class _Within(NamedTuple):
    """What the functions around a statement are given, and which of these names are tasks.

    ``is_task_class``: the statement stands in a class of tasks itself.
    """

    given: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    is_task_class: bool = False


_NOWHERE = _Within()


def lines_apart(tree: ast.Module, text: str) -> tuple[tuple[int, int], ...]:
    """The first and the last line of each stretch that a deployed worker does not run."""
    if not any(word in text for word in _WORDS):
        return ()
    named = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _asks(node.value, ()) is True
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    pending: list[tuple[list[ast.stmt], _Within]] = [(tree.body, _Within())]
    for block, within in pending:  # which grows meanwhile
        for node in block:
            own = within
            if isinstance(node, ast.If):
                asked = _asks(node.test, named, within)
                apart = node.body if asked else node.orelse if asked is False else []
                if asked is False and isinstance(node.body[-1], _LEAVING):
                    apart = [*apart, *block[block.index(node) + 1 :]]
                if apart:
                    found.append((apart[0].lineno, apart[-1].end_lineno or apart[-1].lineno))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                own = _within_function(node, within)
            elif isinstance(node, ast.ClassDef):
                of_tasks = any(spelled(base).endswith("Task") for base in node.bases)
                own = _Within(within.given, within.tasks, of_tasks)
            pending.extend((getattr(node, part, []), own) for part in _PARTS)
            pending.extend((handler.body, own) for handler in getattr(node, "handlers", ()))
    return tuple(found)


def _within_function(node: ast.FunctionDef | ast.AsyncFunctionDef, within: _Within) -> _Within:
    """What a function is given, and what of it is a task: the first parameter of a task or of its method."""
    names = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    decorated = any("task" in spelled(each).lower() for each in node.decorator_list)
    first = [each.arg for each in (*node.args.posonlyargs, *node.args.args)][:1]
    tasks = frozenset(first if decorated or within.is_task_class else ())
    return _Within(within.given | names, (within.tasks - names) | tasks)


def asks_for_no_deployment(test: ast.expr) -> bool | None:
    """Whether a test is true only there, as far as itself says it; ``False``: only elsewhere."""
    return _asks(test, ())


def _asks(test: ast.expr, named: Container[str], within: _Within = _NOWHERE) -> bool | None:
    """Whether a test is true only there; ``False``: only elsewhere; ``None``: it asks for something else.

    What a function or an object is given says nothing: whoever makes the call may want to be told more.
    """
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, not negated
    if isinstance(test, ast.BoolOp):
        parts = [_asks(part, named, within) for part in test.values]
        wanted = isinstance(test.op, ast.And)  # of `and` one part is enough, where all must be true
        answer = wanted if wanted in parts else parts[0] if len({*parts}) == 1 else None
    else:
        answer = _asks_one(test, named, within)
    return answer if answer is None or not negated else not answer


def _asks_one(test: ast.expr, named: Container[str], within: _Within) -> bool | None:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        held = _OF_TESTS.get(spelled(test.comparators[0]))
        if held is not None and isinstance(test.left, ast.Constant) and test.left.value == held:
            return isinstance(test.ops[0], ast.In)
        if spelled(test.left).startswith(_ASKING):
            there = _all_there(test.comparators[0])
            return None if there is None else there is isinstance(test.ops[0], (ast.Eq, ast.In, ast.Is))
    absent = _is_absent(test, within.tasks)
    if absent is not None:
        return absent
    word = spelled(test)
    if word.startswith(_ASKING):
        is_start = isinstance(test, ast.Call) and word.endswith(".startswith()") and len(test.args) == 1
        return _all_there(test.args[0]) if is_start and isinstance(test, ast.Call) else None
    owner, _, leaf = word.removesuffix("()").rpartition(".")
    leaf = _looked_up(test) or leaf
    if (leaf in within.given and isinstance(test, ast.Name)) or (leaf == "debug" and owner in _GIVEN):
        return None
    return True if leaf in named or _CALLED.fullmatch(leaf.lower().lstrip("_")) else None


def _is_absent(test: ast.expr, tasks: Iterable[str]) -> bool | None:
    """Whether a test asks for a task without an id; ``False``: for one that has it.

    The ``request`` of anything else is one of the web, or a row.
    """
    ids = [f"{task}{_ID}" for task in (*tasks, *_CURRENT)]
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Is, ast.IsNot)):
        to_none = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None
        if to_none and len(test.ops) == 1 and spelled(test.left) in ids:
            return isinstance(test.ops[0], ast.Is)
    return False if spelled(test) in ids else None


def _looked_up(test: ast.expr) -> str:
    """The name that a setting is asked for by: ``config["TESTING"]``, ``getattr(settings, "DEBUG")``."""
    key: ast.expr | None = None
    if isinstance(test, ast.Subscript):
        key = test.slice
    elif isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "getattr":
        key = test.args[1] if len(test.args) > 1 else None
    elif isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "get":
        key = test.args[0] if test.args else None
    name = key.value if isinstance(key, ast.Constant) else None
    return name if isinstance(name, str) and name.isupper() else ""


def _all_there(value: ast.expr) -> bool | None:
    """Whether names of platforms are all those of Windows, or all of others."""
    items = value.elts if isinstance(value, (ast.Tuple, ast.List, ast.Set)) else [value]
    texts = [item.value for item in items if isinstance(item, ast.Constant)]
    answers = {text.lower().startswith(_NAMES) for text in texts if isinstance(text, str)}
    return answers.pop() if len(answers) == 1 and len(texts) == len(items) else None


def spelled(node: ast.expr) -> str:
    """A dotted path as it is spelled, ``()`` behind each call."""
    tail = ""
    while isinstance(node, (ast.Call, ast.Attribute)):
        tail = f"(){tail}" if isinstance(node, ast.Call) else f".{node.attr}{tail}"
        node = node.func if isinstance(node, ast.Call) else node.value
    return f"{node.id}{tail}" if isinstance(node, ast.Name) else tail

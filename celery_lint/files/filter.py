"""Which files are worth reading: a search for words in their bytes.

Parsing is what a cold run spends its time on, and nine files in ten of a large project have nothing to do
with Celery. The first pass knows what to look for in any project, the second what the first has taught:
the names of the project's own decorators, helpers and relays. Tests mock, send and await what the product
defines, and nothing of that is judged: they are worth reading if they define a task or an application.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from celery_lint.model.purpose import is_test_path

Pair = tuple[str, str]
"""The name of something, and the last component of the module that defines it; ``""`` if any may."""

# The searches are for plain bytes because these are several times faster than one regular expression for
# all of them; words that share a part are only looked for where that part is.
_ANY_CASE = (b"celery", b"time_limit")
_EXACT = (b".delay", b"run_until_complete", b".revoke", b".control.terminate(", b".worker_main(", b".Beat(")
# Pandas and mock objects have these methods too: a file that dispatches like this names a module of tasks.
_WITH_TASK = (b"shared_task", b"send_task", b".register_task(", b".s(", b".si(", b".apply(")
_WITH_ASYNC = (
    b"apply_async",
    b"create_async_engine",
    b"async_to_sync",
    b"asyncer",
    b"set_event_loop",
    b"run_coroutine_threadsafe",
    b"nest_asyncio",
)
# `@app.task` where `app` comes from a module of the project: the file need not say more.
_DECORATOR = re.compile(rb"@[\w.]*[._]task\b")
# These begin with letters, since what begins with a boundary is tried at every place.
_LOOP = re.compile(rb"io(?:(?<=\basyncio)|(?<=\banyio))(?:\.(?:run|Runner)\b|\s+as\s|\s+import\s*[(*\\])")
# `from asyncio import sleep, run`: what is imported may stand anywhere behind it on the line.
_IMPORTING = re.compile(rb"io(?:(?<=\basyncio)|(?<=\banyio))\s+import\b")
_RUNNER = re.compile(rb"\b(?:run|Runner)\b")
# What makes an application, or a task without a decorator; and the decorators and classes that make tasks.
_MAKERS = (b"Celery(", b".task(", b"register_task(")
_MADE = re.compile(rb"@[\w.]*task\b")
_TASK_CLASS = re.compile(rb"\bclass[ \t]+\w+\([^()]*Task\b")
# What stands before the name that is defined, and after it. One expression for each name would cost more to
# compile than all searches with it.
_DEFINING = re.compile(rb"[ \t]*(async[ \t]+)?(?:def|class)[ \t]+")
_DEFINED = re.compile(rb"\b(?:\([\w.]*(Error|Exception)\b)?")
_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | set(
    range(128, 256)
)
_TABLE = bytes(byte if byte in _WORD_BYTES else 32 for byte in range(256))
_FEW = 12
# So far before a name its line begins, or it defines nothing that anybody writes by hand.
_DEEPEST = 200


def words_of(*paths: str) -> frozenset[Pair]:
    """What a file must hold to use one of these dotted paths: its last component, and the package.

    Or what is called on the way, as ``Session`` of ``requests.Session().get``: another file may go on there.
    What is builtin needs no import, and so no second word.
    """
    found = set()
    for path in paths:
        package = path.partition(".")[0]
        for part in path.removesuffix("()").split("()"):
            found.add((part.rpartition(".")[2], "" if package == "builtins" else package))
    return frozenset(found)


class FirstPass:
    """The words that any project's use of Celery, and of event loops, needs."""

    def __init__(self, task_decorators: Sequence[str] = ()) -> None:
        self._own = tuple(
            _bytes(name.rpartition(".")[2]) for name in task_decorators if name.rpartition(".")[2]
        )
        self._exact = _EXACT + self._own

    def passes(self, path: str, data: bytes) -> bool:
        """Whether a file with this content is worth reading."""
        if not self._speaks(data) and not _puts_on_path(path, data):
            return False
        return not is_test_path(path) or self.defines(data)

    def defines(self, data: bytes) -> bool:
        """Whether a file may define a task or an application."""
        return (
            _any(_MAKERS, data)
            or _any(self._own, data)
            or (b"task" in data and _MADE.search(data) is not None)
            or (b"Task" in data and _TASK_CLASS.search(data) is not None)
        )

    def _speaks(self, data: bytes) -> bool:
        lowered = data.lower()
        for word in _ANY_CASE:
            if word in lowered:
                return True
        for word in self._exact:
            if word in data:
                return True
        if b"task" in data and (_any(_WITH_TASK, data) or _DECORATOR.search(data)):
            return True
        if b"on_commit(" in data and b"lambda" in data and _commits_in_loops(data):
            return True
        if b"async" in data and (_any(_WITH_ASYNC, data) or (b"asyncio" in data and _runs_loops(data))):
            return True
        if b"AsyncToSync(" in data:
            return True
        if b"anyio" in data or b"tortoise" in data:
            return b"blocking_portal" in data or b"run_async" in data or _runs_loops(data)
        return False


def _bytes(name: str) -> bytes:
    """A name as sources have it. That of a file, or an argument, may hold bytes that are no text."""
    return name.encode("utf-8", "surrogatepass")


def _any(words: tuple[bytes, ...], data: bytes) -> bool:
    return any(word in data for word in words)


def _puts_on_path(path: str, data: bytes) -> bool:
    """Whether a file that Django runs may say where modules are imported from."""
    if not path.endswith("manage.py") and b"INSTALLED_APPS" not in data:
        return False
    return b"sys.path" in data or b"addsitedir" in data


def _commits_in_loops(data: bytes) -> bool:
    """Whether callbacks for a commit may be made in a loop: what runs after a commit is mostly a task."""
    opened: list[tuple[int, bool]] = []  # the indents of loops and definitions around a line; is it a loop
    for line in data.split(b"\n"):
        text = line.lstrip()
        indent = len(line) - len(text)
        while opened and text and opened[-1][0] >= indent:
            opened.pop()
        if text.startswith((b"for ", b"while ", b"async for ")):
            opened.append((indent, True))
        elif text.startswith((b"def ", b"async def ", b"class ")):
            opened.append((indent, False))
        elif b"on_commit(" in text and opened and opened[-1][1]:
            return True
    return False


def _runs_loops(data: bytes) -> bool:
    """Whether a file may name what runs an event loop."""
    if _LOOP.search(data):
        return True
    importing = _IMPORTING.search(data)
    while importing is not None:
        end = data.find(b"\n", importing.end())
        end = len(data) if end < 0 else end
        if _RUNNER.search(data, importing.end(), end):
            return True
        importing = _IMPORTING.search(data, end)
    return False


# What a definition does that tasks are told apart by, although nothing else in its file is about them.
_TELLING = (b"contextmanager", b"__exit__", b"retries")
# A function in another that takes any arguments, below the line that begins the outer one: a decorator's.
_WRAPPING = re.compile(rb"[^\n]*(?:\n(?:[ \t)#][^\n]*)?)*?\n[ \t]+def \w+\([^\n]*\*")


def leads_on(data: bytes, name: str) -> bool:
    """Whether a file that binds this name can tell anything about tasks by it.

    What it imports or assigns may be an application, a constant or a re-export. What it defines itself says
    something only if it makes coroutines, if it is an exception that may say what it is made of, if it may be
    a context manager, which keeps exceptions, or count retries, or if the file knows the word *task*: a class
    for tasks, a decorator that makes some; or if it is a decorator itself.
    """
    word = _bytes(name)
    at = data.find(word)
    if at < 0:
        return b"import *" in data
    while at >= 0:
        if at and data[at - 1] in b" \t":
            line = data.rfind(b"\n", max(0, at - _DEEPEST), at) + 1
            before = _DEFINING.fullmatch(data, line, at) if line or at < _DEEPEST else None
            after = _DEFINED.match(data, at + len(word)) if before is not None else None
            if before is not None and after is not None:
                error = after[1] is not None and b"super(" in data
                tells = any(word in data for word in _TELLING) or b"task" in data.lower()
                if error or before[1] is not None or tells:
                    return True
                return b"def " in before[0] and _WRAPPING.match(data, at) is not None
        at = data.find(word, at + 1)
    return True


def may_lack(data: bytes, name: str) -> bool:
    """Whether a file has this name nowhere but in comments: whoever imports that from it fails."""
    if b"import *" in data:
        return False
    word = _bytes(name)
    at = data.find(word)
    while at >= 0:
        end = at + len(word)
        around = data[max(at - 1, 0) : at] + data[end : end + 1]
        if _WORD_BYTES.isdisjoint(around) and b"#" not in data[data.rfind(b"\n", 0, at) + 1 : at]:
            return False
        at = data.find(word, at + 1)
    return True


def words_in(data: bytes) -> set[bytes]:
    """All words of a text."""
    return set(data.translate(_TABLE).split())


class SecondPass:
    """Names of one project that make another of its files worth reading."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._leaves: dict[bytes, set[bytes]] = {}
        for name, leaf in pairs:
            self._leaves.setdefault(_bytes(name), set()).add(_bytes(leaf))
        self._names = frozenset(self._leaves)

    def __bool__(self) -> bool:
        return bool(self._leaves)

    def passes(self, path: str, data: bytes) -> bool:
        """Whether the content holds one of the names together with the leaf of its module. No test does."""
        return not is_test_path(path) and self._holds(data)  # half of many projects are tests

    def _holds(self, data: bytes) -> bool:
        # A dozen searches for a word cost less than to take the whole text apart.
        if len(self._leaves) < _FEW and not any(name in data for name in self._leaves):
            return False
        words = data.translate(_TABLE).split()
        if self._names.isdisjoint(words):  # which is so of most, and costs less than the set of all words
            return False
        present = set(words)
        for name in self._names & present:
            leaves = self._leaves[name]
            if b"" in leaves or not leaves.isdisjoint(present):
                return True
        return False

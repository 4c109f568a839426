"""Whether any file of the workspace says the name of something that a module has, and may mean it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from celery_lint.inventory.workers.loading.unimported import Unimported
from celery_lint.inventory.workers.loading.unknown_imports import (
    OF_DISTRIBUTIONS,
    UNKNOWN_IMPORTS,
)
from celery_lint.inventory.workers.senders.mentions import modules_that_count
from celery_lint.model.facts import Module
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# What takes anything out of a module, in a file that is not parsed for it; and out of the one it stands in.
# Who asks for one name (`"nltk" in globals()`) takes nothing. Each begins with its letters, since what begins
# with a boundary, or with one of several words, is tried at every place; without the letters it is not tried.
_GLOBALS = (
    b"globals()",
    re.compile(rb"globals\(\)(?<!\wglobals\(\))(?<![\"'] in globals\(\))(?<![\"'] not in globals\(\))"),
)
_FIRE = b"Fire(", re.compile(rb"Fire\((?<!\wFire\()")
_FISHING = (
    (b"getattr(", re.compile(rb"getattr\((?<!\wgetattr\()(?!\s*[\w.]+,\s*[\"'])")),
    (b"getmembers(", re.compile(rb"getmembers\((?<!\wgetmembers\()")),
    (b"vars(", re.compile(rb"vars\((?<!\wvars\()")),
    _FIRE,
    (b"from_module(", re.compile(rb"from_module\((?<!\wfrom_module\()")),
    (b"__dict__", re.compile(rb"__dict__(?<!\w__dict__)\b")),
    _GLOBALS,
)
_FISHING_AT_HOME = (
    _GLOBALS,
    _FIRE,
    (b"vars()", re.compile(rb"vars\(\)(?<!\wvars\(\))")),
    (b"getmembers(", re.compile(rb"__main__(?<!\w__main__)\b.*\bgetmembers\(")),
)
# Begins with letters, since what begins with a boundary is tried at every place.
_IMPORTED = rb"[ \t]*(\([^)]{0,5000}\)|[^\n]*)"
_IMPORT = re.compile(
    rb"from(?<!\wfrom)[ \t]+(?:([\w.]+)[ \t]+import%b|[\w.]+)|import(?<!\wimport)%b" % (_IMPORTED, _IMPORTED)
)
# What imports modules that only the run knows, and what those that distributions tell of.
_LOADS = sorted(UNKNOWN_IMPORTS - OF_DISTRIBUTIONS)
_LOADING = re.compile(
    rb"(?<!def )(?:\b(?:%b)|(?<![.\w])exec)\((?!\s*[\"'])"
    % "|".join(name for name in _LOADS if name != "exec").encode()
)
_LOADS_OF_DISTRIBUTIONS = sorted(OF_DISTRIBUTIONS)
_LOADING_OF_DISTRIBUTIONS = re.compile(rb"\b(?:%b)\(" % "|".join(_LOADS_OF_DISTRIBUTIONS).encode())
# Without these in it no text is searched for any of that: to look for words costs a fifth.
_WORDS_OF_LOADING = tuple(f"{name}(".encode() for name in _LOADS)
_WORDS_OF_DISTRIBUTIONS = tuple(f"{name}(".encode() for name in _LOADS_OF_DISTRIBUTIONS)
# Files for people, who write a word of their language without meaning a function.
_OF_PEOPLE = (".md", ".rst", ".txt")
# Files in which a distribution tells what others may import of it; `setup.py` is read as any other.
_METADATA = ("pyproject.toml", "setup.cfg", "entry_points.txt")

Lines = Sequence[tuple[str, int, int]]
"""Stretches of lines, by path."""


class Said:
    """What the files of a workspace say of what a module has."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.unimported = known.of(Unimported)
        self._taken: dict[Key, bool] = {}
        self._left: dict[str, bool] = {}
        self._lines_of: tuple[str, list[bytes]] = "", []

    def anywhere(self, module: Module, name: str, known: Lines) -> bool:
        """Whether any file says a name outside of these lines, or takes unknown names out of the module.

        Tests and texts count: who knows what starts what they tell.
        """
        return next(self._lines(name, known), None) is not None or self._is_fished(module)

    def of_module(self, module: Module, name: str, known: Lines) -> bool:
        """The same of what stands at the top of a module: whoever means it has that from the module."""
        said = (
            path == module.path or self._counts(path, line, module, name)
            for path, line in self._lines(name, known)
        )
        return any(said) or self._is_fished(module)

    def may_be_listed(self, module: Module) -> bool:
        """Whether somebody may go through what a module has, without saying any of its names."""
        return self._is_fished(module) or self._lists_what_it_loads

    @once
    def _lists_what_it_loads(self) -> bool:
        """Whether a file imports modules that only the run knows, and takes from them what only it knows."""
        written = self.project.deployment.written
        return not written.found(_fishing).keys().isdisjoint(written.found(_loads))

    def may_take(self, path: str, module: Module, name: str) -> bool:
        """Whether a Python file may mean by a name what stands at the top of this module."""
        if path == module.path:
            return True
        key = (module.path, name)
        if key not in self._taken:
            stem, written = leaf_of(module.path), self.project.deployment.written
            self._taken[key] = (
                module.path.endswith("__init__.py")  # those beside it take its names without saying its own
                or any(
                    written.ask(other, _takes, stem, name)
                    for other in written.holding(stem)
                    if other.endswith(".py") and other != module.path and not self.is_left(other)
                )
                or self._may_be_loaded(stem)
            )
        return self._taken[key]

    def _may_be_loaded(self, stem: str) -> bool:
        """Whether code imports modules of this name that only the run, or a distribution, names."""
        written = self.project.deployment.written
        if written.finds(_loads):
            return True
        offered = any(path.endswith(_METADATA) for path in written.holding(stem))
        return offered and written.finds(_loads_of_distributions)

    def is_left(self, path: str) -> bool:
        """Whether nothing imports a module, since no other file says its name: nobody runs what it says."""
        if path not in self._left:
            module = self.project.modules.get(path) if path not in self.imported else None
            self._left[path] = (
                module is not None
                and self.unimported.needs_import(module)
                and all(other == path for other in self.project.deployment.written.holding(leaf_of(path)))
                and not self.project.deployment.written.finds(_loads)
            )
        return self._left[path]

    @once
    def imported(self) -> frozenset[str]:
        """The paths of the modules that others import, who could use what stands there."""
        count = {module.path for module in modules_that_count(self.project)}
        importers = self.unimported.importers
        return frozenset(path for path, others in importers.items() if not others.isdisjoint(count))

    def _lines(self, name: str, known: Lines) -> Iterator[tuple[str, int]]:
        written = self.project.deployment.written
        for path in written.holding(name):
            if self.is_left(path):
                continue
            for line in written.lines_in(path, name):
                if not any(path == own and first <= line <= last for own, first, last in known):
                    yield path, line

    def _counts(self, path: str, line: int, module: Module, name: str) -> bool:
        """Whether a line of another file may mean by a name what this module has."""
        if path.endswith(".py"):
            return self.may_take(path, module, name)
        if leaf_of(module.path).encode() in self.project.deployment.written.text(path):
            return True
        if "_" in name.strip("_") or not path.endswith(_OF_PEOPLE):
            return True
        text = self._prose(path)[line - 1]
        return re.search(rb"[.:`\"']%b\b|\b%b[(`]" % (name.encode(), name.encode()), text) is not None

    def _prose(self, path: str) -> list[bytes]:
        """The lines of a text for people, of which only the last one is kept."""
        if self._lines_of[0] != path:
            self._lines_of = path, self.project.deployment.written.text(path).split(b"\n")
        return self._lines_of[1]

    def _is_fished(self, module: Module) -> bool:
        return not self._fished.isdisjoint((module.path, leaf_of(module.path)))

    @once
    def _fished(self) -> frozenset[str]:
        """Modules of which somebody takes what only the run names: their paths, or words of imports."""
        found: set[str] = set()
        for path, (at_home, words) in self.project.deployment.written.found(_fishing).items():
            found.update((*words, path) if at_home else words)
        return frozenset(found)


def _fishing(text: bytes) -> tuple[bool, frozenset[str]] | None:
    """Whether a file takes unknown names out of itself, and the words of its imports if it does so of any."""
    if not _says_one(text, _FISHING):
        return None
    lines = _IMPORT.finditer(text)
    words = frozenset(word.decode() for line in lines for word in re.findall(rb"[A-Za-z_]\w*", line[0]))
    return _says_one(text, _FISHING_AT_HOME), words


def _says_one(text: bytes, sought: Sequence[tuple[bytes, re.Pattern[bytes]]]) -> bool:
    """Whether a text holds one of these: the letters first, and then the whole."""
    return any(letters in text and whole.search(text) is not None for letters, whole in sought)


def _loads(text: bytes) -> bool:
    """Whether a file imports modules that only the run knows."""
    return any(word in text for word in _WORDS_OF_LOADING) and _LOADING.search(text) is not None


def _loads_of_distributions(text: bytes) -> bool:
    """Whether a file imports what the metadata of a distribution names."""
    if not any(word in text for word in _WORDS_OF_DISTRIBUTIONS):
        return False
    return _LOADING_OF_DISTRIBUTIONS.search(text) is not None


def _takes(text: bytes, stem: str, name: str) -> bool:
    """Whether a file may have a name of a module: not if it only imports others from it, by their names.

    ``from shop.mails import count``, or ``"shop.mails.count"``.
    """
    own, word = stem.encode(), name.encode()
    imports = list(_IMPORT.finditer(text))
    starts = [found.start() for found in imports]
    for said in re.finditer(rb"(?<!\w)%b(?!\w)(?:\.(\w+))?" % re.escape(own), text):
        before = bisect_right(starts, said.start())
        around = imports[before - 1] if before else None
        if around is None or around.end() <= said.start():
            if said[1] is None or said[1] == word:
                return True
            continue
        taken = around[2] or around[3] or b""
        if not around[1] or b"*" in taken or not {own, word}.isdisjoint(re.findall(rb"\w+", taken)):
            return True
    return False

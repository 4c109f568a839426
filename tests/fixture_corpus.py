"""The fixtures: small projects whose comments say what the linter must find in them.

A case is a folder ``fixtures/<rule>/<case>`` with a ``pyproject.toml`` that makes it a workspace. Comments::

    asyncio.run(load())  # expect: CEL110
    asyncio.run(load())  # expect[col=5]: CEL110, CEL210
    asyncio.run(load())  # todo: CEL110 the loop is kept in a list     (a known miss; it must still be missed)
    def refresh():       # task                                        (fixtures/tasks: a task starts here)
"""

from __future__ import annotations

import re
import tokenize
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "fixtures"

_EXPECT = re.compile(r"# expect(?:\[col=(?P<column>\d+)\])?: (?P<codes>CEL\d{3}(?:, CEL\d{3})*)")
_TODO = re.compile(r"# todo: (?P<code>CEL\d{3}) (?P<why>[^#]+)")


class Expectation(NamedTuple):
    """One diagnostic that a comment asks for. ``column`` is 0 where the comment does not say."""

    code: str
    path: str
    line: int
    column: int


class Todo(NamedTuple):
    """One diagnostic that should be there and is known to be missed."""

    code: str
    path: str
    line: int
    why: str


class Case(NamedTuple):
    """One fixture: a folder with its files and what they ask for. Paths are relative to the folder."""

    name: str
    folder: Path
    files: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    todos: tuple[Todo, ...]

    @property
    def rule(self) -> str:
        """The code of the rule that the case is about (``tasks`` for those about tasks)."""
        return self.name.partition("/")[0]


def lines(path: Path) -> list[str]:
    """The lines of a file as the tokenizer splits them, without their ends."""
    with tokenize.open(path) as file:
        return [line.removesuffix("\n") for line in file]


def cases(*rules: str) -> list[Case]:
    """All cases, or those of some rules, by name."""
    found = []
    for marker in sorted(FOLDER.glob("*/*/pyproject.toml")):
        folder = marker.parent
        name = f"{folder.parent.name}/{folder.name}"
        if not rules or folder.parent.name in rules:
            found.append(_case(name, folder))
    return found


def _case(name: str, folder: Path) -> Case:
    files, expectations, todos = [], [], []
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(folder).as_posix()
        files.append(path)
        for number, line in enumerate(lines(file), 1):
            for match in _EXPECT.finditer(line):
                for code in match["codes"].split(", "):
                    expectations.append(Expectation(code, path, number, int(match["column"] or 0)))
            for match in _TODO.finditer(line):
                todos.append(Todo(match["code"], path, number, match["why"].strip()))
    return Case(name, folder, tuple(files), tuple(expectations), tuple(todos))

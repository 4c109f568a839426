"""The fixtures: small projects whose comments say what the linter must find in them, and where it is silent.

A case is a folder ``fixtures/<rule>/<case>`` with a ``pyproject.toml`` that makes it a workspace. A file
``pyproject.<variant>.toml`` beside it is another configuration of the same project: a case of its own.
Comments::

    asyncio.run(load())  # expect: CEL110                  under every configuration
    asyncio.run(load())  # expect[gevent]: CEL110          under ``pyproject.gevent.toml`` only
    asyncio.run(load())  # expect[default, gevent]: CEL110 ``default`` is ``pyproject.toml``
    asyncio.run(load())  # expect[col=5]: CEL110, CEL210   at this column
    asyncio.run(load())  # silent: CEL110 the pool is prefork  (on purpose; on a ``def``: in all of it)
    asyncio.run(load())  # todo: CEL110 the loop is kept in a list     (a known miss; it must still be missed)
    def refresh():       # task                                        (fixtures/tasks: a task starts here)
"""

from __future__ import annotations

import re
import tokenize
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "fixtures"
DEFAULT = "default"
"""The variant of ``pyproject.toml``."""

_EXPECT = re.compile(r"# expect(?:\[(?P<conditions>[\w=, ]+)\])?: (?P<codes>CEL\d{3}(?:, CEL\d{3})*)")
_TODO = re.compile(r"# todo: (?P<code>CEL\d{3}) (?P<why>[^#]+)")
_SILENT = re.compile(r"# silent: (?P<code>CEL\d{3}) (?P<why>[^#]+)")


class Expectation(NamedTuple):
    """One diagnostic that a comment asks for. ``column`` is 0 where the comment does not say."""

    code: str
    path: str
    line: int
    column: int


class Reason(NamedTuple):
    """Why a rule says nothing at a place."""

    code: str
    path: str
    line: int
    why: str


class Case(NamedTuple):
    """One fixture under one configuration: a folder with its files and what they ask for.

    Paths are relative to the folder. ``todos`` are known misses, ``silences`` are on purpose; they are
    those of the default configuration, whatever the variant.
    """

    name: str
    variant: str
    folder: Path
    files: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    todos: tuple[Reason, ...]
    silences: tuple[Reason, ...]

    @property
    def rule(self) -> str:
        """The code of the rule that the case is about (``tasks`` for those about tasks)."""
        return self.name.partition("/")[0]

    @property
    def label(self) -> str:
        """What tells this case from all others."""
        return self.name if self.variant == DEFAULT else f"{self.name}[{self.variant}]"

    @property
    def options(self) -> dict[str, object]:
        """The overrides with which the linter reads this configuration."""
        if self.variant == DEFAULT:
            return {"cache": False}
        return {"cache": False, "config": str(self.folder / f"pyproject.{self.variant}.toml")}


@cache
def lines(path: Path) -> tuple[str, ...]:
    """The lines of a file as the tokenizer splits them, without their ends."""
    with tokenize.open(path) as file:
        return tuple(line.removesuffix("\n") for line in file)


def cases(*rules: str, variants: bool = True) -> list[Case]:
    """All cases, or those of some rules, by name; ``variants``: not only the default configurations."""
    found = _by_rule()
    chosen = [case for rule in found if not rules or rule in rules for case in found[rule]]
    return [case for case in chosen if variants or case.variant == DEFAULT]


@cache
def _by_rule() -> dict[str, list[Case]]:
    """All cases in the order of their names: they are read once in each process."""
    found: dict[str, list[Case]] = {}
    for marker in sorted(FOLDER.glob("*/*/pyproject.toml")):
        folder = marker.parent
        others = sorted(file.name.split(".")[1] for file in folder.glob("pyproject.*.toml"))
        found.setdefault(folder.parent.name, []).extend(_cases(folder, [DEFAULT, *others]))
    return found


def silent_cases(rule: str) -> list[Case]:
    """The cases of a rule in which nothing asks for it and no miss is known, whatever the configuration."""
    own = cases(rule)
    loud = {case.name for case in own if any(rule == entry.code for entry in case.expectations)}
    loud.update(case.name for case in own if any(rule == todo.code for todo in case.todos))
    return [case for case in own if case.variant == DEFAULT and case.name not in loud]


def _cases(folder: Path, variants: list[str]) -> list[Case]:
    files: list[str] = []
    expectations: dict[str, list[Expectation]] = {variant: [] for variant in variants}
    todos, silences = [], []
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(folder).as_posix()
        files.append(path)
        for number, line in enumerate(lines(file), 1):
            if "# " not in line:
                continue
            for match in _EXPECT.finditer(line):
                conditions = [word.strip() for word in (match["conditions"] or "").split(",")]
                columns = [int(word[4:]) for word in conditions if word.startswith("col=")]
                named = [word for word in conditions if word and not word.startswith("col=")]
                for variant in named or variants:
                    # A comment may speak of a variant that was not asked for, but of no other.
                    for code in match["codes"].split(", ") if variant in variants else ():
                        expectations[variant].append(Expectation(code, path, number, *(columns or [0])))
            todos.extend(_reasons(_TODO, path, number, line))
            silences.extend(_reasons(_SILENT, path, number, line))
    name = f"{folder.parent.name}/{folder.name}"
    shared = tuple(todos), tuple(silences)
    return [Case(name, each, folder, tuple(files), tuple(expectations[each]), *shared) for each in variants]


def _reasons(pattern: re.Pattern[str], path: str, number: int, line: str) -> list[Reason]:
    return [Reason(m["code"], path, number, m["why"].strip()) for m in pattern.finditer(line)]


def named_variants(case: Case) -> set[str]:
    """The variants that comments of a case speak of."""
    found = set()
    for file in case.files:
        for line in lines(case.folder / file):
            for match in _EXPECT.finditer(line):
                words = [word.strip() for word in (match["conditions"] or "").split(",")]
                found.update(word for word in words if word and not word.startswith("col="))
    return found

"""What is tried, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic


class Link(NamedTuple):
    """A symbolic link of a workspace on trial."""

    target: str


class Pipe(NamedTuple):
    """A named pipe that nobody writes to: whoever opens it to read waits for ever."""


Files = dict[bytes, bytes | Link | Pipe]
"""A workspace by the paths of its files. Paths are bytes, as file systems have them."""


class Trial(NamedTuple):
    """One trial. ``make`` gives the text of a program, the files of a workspace, or None if there is none."""

    name: str
    make: Callable[[], str | bytes | Files | None]


class Outcome(NamedTuple):
    """What came of a trial: what was wrong (nothing, it is hoped), and what the linter said."""

    faults: list[str]
    diagnostics: list[Diagnostic]
    unparsed: int


Kind = Callable[[int, int], Iterator[Trial]]
"""Makes trials from a seed, as many as asked for or as there are."""

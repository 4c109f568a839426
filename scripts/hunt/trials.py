"""What is tried, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from celery_lint.diagnostics import Diagnostic


class Link(NamedTuple):
    """A symbolic link of a workspace on trial."""

    target: str


class Pipe(NamedTuple):
    """A named pipe that nobody writes to: whoever opens it to read waits for ever."""


Files = dict[bytes, bytes | Link | Pipe]
"""A workspace by the paths of its files. Paths are bytes, as file systems have them."""


class Story(NamedTuple):
    """Something that happens in a folder, step by step; ``told`` gives what went wrong."""

    steps: int
    told: Callable[[Path], Iterator[str]]


Made = str | bytes | Files | Story
"""A program, a workspace, or a story."""


class Trial(NamedTuple):
    """One trial. ``make`` gives what is to be tried, or None if there is nothing."""

    name: str
    make: Callable[[], Made | None]


class Outcome(NamedTuple):
    """What came of a trial: what was wrong (nothing, it is hoped), and what the linter said.

    ``tried`` counts the steps of a story; everything else is one.
    """

    faults: list[str]
    diagnostics: list[Diagnostic]
    unparsed: int
    tried: int = 1


Kind = Callable[[int, int], Iterator[Trial]]
"""Makes trials from a seed, as many as asked for or as there are."""

"""What happens when a chain leads to a file that has not been read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.project.modules import Modules

Mode = Literal["demand", "hint", "quiet"]
"""``demand``: the file is read. ``hint``: it is remembered. ``quiet``: nothing."""

Load = Callable[[str, str], "Module | Unparsed | None"]
"""Reads the file of a path for the sake of a name; ``None`` if it cannot know that name."""


class Reading:
    """The modules of a project, and those that chains lead to beyond them."""

    def __init__(self, modules: Modules, unparsed: frozenset[str], load: Load | None) -> None:
        self.modules = modules
        self.unparsed = unparsed
        self.load = load
        self.mode: Mode = "demand"
        #: How often a chain ended at a file that was not read.
        self.misses = 0
        #: Files that a chain led to and that were not among the modules. `load` reads them on the spot, so
        #: that chains go on; only a project that has them from the start sees all that they say.
        self.wanted: set[str] = set()
        #: All files that a chain led to; a run that starts from what the last one read asks for these.
        self.demanded: set[str] = set()
        #: Files that a chain hinted at, and for which of their names: worth reading if they, or what these
        #: names lead to, hold a word that somebody looks for.
        self.hinted: dict[str, set[str]] = {}

    def settle(self) -> None:
        """Read nothing more: what is known now is what every later question is answered from.

        From here on the mode of a question makes no difference, and nobody asks in another than ``demand``.
        """
        self.load = None

    @property
    def is_settled(self) -> bool:
        """Nothing more is read."""
        return self.load is None

    def noting_in(self, other: Reading) -> None:
        """Let another project know what chains of this one lead to."""
        self.wanted, self.demanded, self.hinted = other.wanted, other.demanded, other.hinted

    def module(self, path: str, name: str) -> Module | None:
        """A module that was not known to be of interest when a chain led to this name of it."""
        module: Module | None = self.modules.find(path)
        if module is not None or path in self.unparsed:
            return module
        if self.mode == "hint":
            self.hinted.setdefault(path, set()).add(name)
        elif self.mode == "demand" and self.load is not None:
            found = self.load(path, name)
            if found is not None:
                self.wanted.add(path)
            if isinstance(found, Module):
                self.modules.add(found)
                return found
        self.misses += 1
        return None

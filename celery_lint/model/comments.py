"""Comments that may silence rules: where they stand, and for which lines."""

from __future__ import annotations

from typing import NamedTuple

OWN = "celery-lint:"
"""How a comment begins that is meant for this linter alone: ``# celery-lint: ignore[CEL110] -- reason``."""


class Comment(NamedTuple):
    """A comment with ``noqa`` or with :data:`OWN` in it.

    ``text`` begins with the ``#`` at this line and column. It holds for the lines from ``first`` to ``last``:
    its own, and those that a backslash or a text over several lines joins to it; for the whole file if both
    are 0. ``own`` tells comments for this linter from those for flake8.
    """

    text: str
    line: int
    column: int
    first: int
    last: int
    own: bool

    @property
    def whole_file(self) -> bool:
        """Whether it holds for the whole file."""
        return self.first == 0

"""Path patterns, as ``exclude`` and ``per-file-ignores`` use them.

``*`` crosses folders, as in flake8; ``**/`` may also stand for nothing. A pattern that names a folder
covers everything below it, and a pattern without a leading ``/`` may start at any folder:
``tests``, ``tests/*``, ``*/migrations/*``, ``test_*.py``, ``/home/me/project/generated``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Patterns:
    """Several patterns, compiled into one regular expression on first use."""

    def __init__(self, root: str, patterns: Sequence[str]) -> None:
        self._root = root.rstrip("/\\")
        self._patterns = patterns
        self._relative = _compiled([pattern for pattern in patterns if not pattern.startswith("/")])
        self._absolute = _compiled([pattern for pattern in patterns if pattern.startswith("/")])

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, path: str) -> bool:
        """Whether a pattern covers the path, which is relative to the root, with ``/`` between folders."""
        return bool(
            (self._relative and self._relative(path))
            or (self._absolute and self._absolute(f"{self._root}/{path}"))
        )


def _compiled(patterns: list[str]) -> Callable[[str], object] | None:
    """The match method of one regular expression for all patterns; None without patterns."""
    if not patterns:
        return None
    # Imported here: a run without patterns does not pay for the regular expressions.
    import fnmatch
    import re

    alternatives = []
    for pattern in patterns:
        bare = pattern.removeprefix("./").removeprefix("**/").rstrip("/").removesuffix("/**") or "*"
        for covering in (bare, f"{bare}/*"):
            alternatives.append(fnmatch.translate(covering))
            if not pattern.startswith("/"):
                alternatives.append(fnmatch.translate(f"*/{covering}"))
    return re.compile("|".join(alternatives)).match

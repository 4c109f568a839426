"""Path patterns, as ``exclude`` and ``per-file-ignores`` use them.

``*`` crosses folders, as in flake8; ``**/`` may also stand for nothing, and ``{a,b}`` for either. A pattern
that names a folder covers everything below it, and a pattern without a leading ``/`` may start at any folder:
``tests``, ``tests/*``, ``tests/**/*.py``, ``*/migrations/*``, ``test_*.{py,pyi}``, ``/home/me/generated``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

_MOST = 64  # patterns out of one with braces


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
    import re

    alternatives = []
    for pattern in [plain for given in patterns for plain in _without_braces(given)]:
        bare = pattern.removeprefix("./").removeprefix("**/").rstrip("/").removesuffix("/**") or "*"
        for covering in (bare, f"{bare}/*"):
            alternatives.append(_translated(covering))
            if not pattern.startswith("/"):
                alternatives.append(_translated(f"*/{covering}"))
    return re.compile("|".join(alternatives)).match


def _translated(pattern: str) -> str:
    """A pattern as a regular expression; ``/**/`` stands for any number of folders, and for none."""
    import fnmatch

    parts = [fnmatch.translate(part) for part in pattern.replace("/**/**/", "/**/").split("/**/")]
    bare = [part[len("(?s:") : part.rindex(")")] for part in parts]
    return f"(?s:{'/(?:.*/)?'.join(bare)})\\Z"


def _without_braces(pattern: str) -> list[str]:
    """The patterns that ``{a,b}`` stands for, of which there may be several in one pattern."""
    found = [""]
    rest = pattern
    while rest:
        before, _, after = rest.partition("{")
        inside, closing, behind = after.partition("}")
        if not closing or len(found) > _MOST:
            return [start + rest for start in found]
        words = inside.split(",") if "," in inside else [f"{{{inside}}}"]
        found = [f"{start}{before}{word}" for start in found for word in words]
        rest = behind
    return found

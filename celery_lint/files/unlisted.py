"""What may be there although it is no file of the workspace: read from what git is told to ignore."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.files.discovery import IGNORING, Listing
from celery_lint.model.unlisted import Unlisted
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LARGEST = 262_144  # bytes


def of(root: str, listing: Listing, installs: frozenset[str] | None = None) -> Unlisted:
    """What the ignore files of a workspace hide, what was seen besides its files, and what it installs."""
    patterns = [pattern for path in listing.launch if _is_ignoring(path) for pattern in _patterns(root, path)]
    folders = frozenset(listing.directories)
    return Unlisted(tuple(listing.unlisted), tuple(dict.fromkeys(patterns)), folders, installs)


def _is_ignoring(path: str) -> bool:
    return path.rpartition("/")[2] == IGNORING


def _patterns(root: str, path: str) -> Iterator[tuple[str, str]]:
    """The patterns of one ignore file that hide something."""
    try:
        text = read_bytes(f"{root}/{path}", _LARGEST, within=root).decode("utf-8", "replace")
    except NotParsed:
        return
    folder = path.rpartition("/")[0]
    for line in text.splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith(("#", "!")):
            yield folder, pattern

"""Which packages a project installs, as far as rules ask: from requirement files, lock files and metadata.

Lock files name everything that is installed, but also what their packages would like to have: there only the
name of a package of its own counts. Elsewhere any mention does, but in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LARGEST = 8_388_608  # bytes; lock files of large projects take a tenth of it
_LOCKS = frozenset({"poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock", "pylock.toml", "conda-lock.yml"})
_NAMES = frozenset({"pyproject.toml", "setup.cfg", "pipfile", "environment.yml", "environment.yaml", *_LOCKS})
_REQUIREMENTS = re.compile(
    r"(?:.*[-_.])?(?:requirements?|constraints?|deps|dependencies)(?:[-_.].*)?\.(?:txt|in|pip)"
)
# Lists for what is done beside the product.
_OTHERS = frozenset(
    {"doc", "docs", "e2e", "example", "examples", "lint", "load", "locust", "test", "tests", "testing"}
)
_MENTION = re.compile(rb"(?<![\w.-])(gevent|eventlet)(?![\w.-])", re.IGNORECASE)
_REQUIRED = re.compile(
    rb"^[ \t]*(?:- )?[\"']?celery[ \t]*(?:[\"'\[<>=~!;@,(]|$)", re.IGNORECASE | re.MULTILINE
)
_LOCKED = re.compile(
    rb'^[ \t]*(?:- )?(?:name[ \t]*[=:][ \t]*)?"?(celery|gevent|eventlet)"?(?::[ \t]*\{)?[ \t]*\r?$',
    re.MULTILINE,
)
_COMMENT = re.compile(rb"#[^\n]*")


def is_list(path: str) -> bool:
    """Whether a file of this path, relative to the workspace, may list what the product installs."""
    folder, _, name = path.lower().rpartition("/")
    known = (
        name in _NAMES
        or _REQUIREMENTS.fullmatch(name)
        or (folder.endswith("requirements") and name.endswith((".txt", ".in", ".pip")))
    )
    words = re.split(r"[-_./]", path.lower())
    return bool(known) and _OTHERS.isdisjoint(words)


def packages(root: str, paths: Iterable[str]) -> frozenset[str] | None:
    """Those of Celery, gevent and eventlet that are listed; ``None`` where no list names Celery."""
    found: set[str] = set()
    for path in paths:
        if is_list(path):
            try:
                found |= listed(path, read_bytes(f"{root}/{path}", _LARGEST, within=root))
            except NotParsed:
                return None
    return frozenset(found) if "celery" in found else None


def listed(path: str, data: bytes) -> set[str]:
    """Which of the packages one list names."""
    if not any(word in data.lower() for word in (b"celery", b"gevent", b"eventlet")):
        return set()
    if path.lower().rpartition("/")[2] in _LOCKS:
        return {name.decode().lower() for name in _LOCKED.findall(data)}
    text = _COMMENT.sub(b"", data)
    found = {name.decode().lower() for name in _MENTION.findall(text)}
    return found | {"celery"} if _REQUIRED.search(text) else found

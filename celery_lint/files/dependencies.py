"""Which packages a project installs, as far as rules ask: from requirement files, lock files and metadata.

Lock files name everything that is installed, but also what their packages would like to have: there only the
name of a package of its own counts. Elsewhere any mention does, but in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from celery_lint.libraries.sqlalchemy import BOUND_DRIVERS, FREE_DRIVERS
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
_METADATA = frozenset({"pyproject.toml", "setup.cfg"})
_DEPENDENCIES = (b"dependencies", b"install_requires")
_DRIVERS = "|".join(sorted(BOUND_DRIVERS | FREE_DRIVERS)).encode()
# Asynchronous drivers are mentioned as extras, too: `sqlalchemy[postgresql_asyncpg]`.
_MENTION = re.compile(
    rb"(?<![\w.-])(gevent|eventlet)(?![\w.-])"
    rb"|(?<![a-zA-Z0-9.])(" + _DRIVERS + rb")(?![a-zA-Z0-9.])",
    re.IGNORECASE,
)
_LOCKED = re.compile(
    rb'^[ \t]*(?:- )?(?:name[ \t]*[=:][ \t]*)?"?'
    rb"(gevent|eventlet|" + _DRIVERS + rb")"
    rb'"?(?::[ \t]*\{)?[ \t]*\r?$',
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
    """Those of green pools and asynchronous drivers that are listed; ``None`` where nothing is."""
    found: set[str] | None = None
    for path in paths:
        if is_list(path):
            try:
                names = listed(path, read_bytes(f"{root}/{path}", _LARGEST, within=root))
            except NotParsed:
                return None
            if names is not None:
                found = names | (found or set())
    return frozenset(found) if found is not None else None


def projects(paths: Iterable[str]) -> frozenset[str]:
    """The folders that have a list of their own: each is a project that is installed by itself."""
    folders = {path.rpartition("/")[0] for path in paths if is_list(path)}
    return frozenset(
        folder.rpartition("/")[0] if folder.lower().endswith("requirements") else folder for folder in folders
    )


def listed(path: str, data: bytes) -> set[str] | None:
    """Which of the packages one list names; ``None`` if the file lists nothing."""
    name = path.lower().rpartition("/")[2]
    if name in _LOCKS:
        return {found.decode().lower() for found in _LOCKED.findall(data)}
    text = _COMMENT.sub(b"", data)
    if not text.strip() or (name in _METADATA and not any(word in text for word in _DEPENDENCIES)):
        return None
    return {(pool or driver).decode().lower() for pool, driver in _MENTION.findall(text)}

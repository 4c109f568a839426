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
# What follows the start of a line, or a quote; in an address each word.
_FIRST = re.compile(rb"(?:^|[\"'])[ \t]*(?:- )?([A-Za-z][A-Za-z0-9._-]*)")
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9._-]*")
# A project is no part of itself.
_OWN_NAME = re.compile(rb"^[ \t]*name[ \t]*=[^\n]*", re.MULTILINE)
# The name after `#` in an address is none.
_REMARK = re.compile(rb"(?:^|(?<=\s))#[^\n]*")
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


def distributions(root: str, paths: Iterable[str]) -> frozenset[str] | None:
    """The names in lists, as far as they may be of what is installed; ``None`` where no list is there.

    Lock files say no more than the lists beside them that anybody would call his own.
    """
    found: set[str] | None = None
    for path in paths:
        name = path.lower().rpartition("/")[2]
        if not is_list(path) or name in _LOCKS:
            continue
        try:
            data = read_bytes(f"{root}/{path}", _LARGEST, within=root)
        except NotParsed:
            return None
        text = _REMARK.sub(b"", data)
        if not _lists(name, text):
            continue
        found = found or set()
        for line in _OWN_NAME.sub(b"", text).splitlines():
            words = _WORD.findall(line) if b"/" in line else _FIRST.findall(line)
            found.update(re.sub(r"[-_.]+", "-", word.decode().lower()) for word in words)
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
    if not _lists(name, text):
        return None
    return {(pool or driver).decode().lower() for pool, driver in _MENTION.findall(text)}


def _lists(name: str, text: bytes) -> bool:
    """Whether a file of this name, without its comments, lists anything."""
    return bool(text.strip()) and (name not in _METADATA or any(word in text for word in _DEPENDENCIES))

"""Which packages a project installs, as far as rules ask: from requirement files, lock files and metadata.

Lock files name everything that is installed, but also what their packages would like to have: there only the
name of a package of its own counts. Elsewhere any mention does, but in comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
# Celery itself in a list, with what is said of its version; and as the key of a table.
_CELERY = re.compile(
    r"""(?im)(?:^[ \t]*(?:-[ \t]+)?|["'])celery(?:\[[\w, -]*\])?[ \t]*((?:[=<>!~][^"'\n#;]*)?)"""
    r"""(?=["';#]|[ \t]*\\?\r?$)"""
)
_KEYED = re.compile(
    r"""(?im)^[ \t]*["']?celery["']?[ \t]*=[ \t]*"""
    r"""(?:["']([^"'\n]*)["']|\{[^}\n]*\bversion[ \t]*=[ \t]*["']([^"'\n]*))"""
)
_LOCKED_CELERY = re.compile(
    r"""(?m)^[ \t]*name[ \t]*=[ \t]*"celery"\r?\n[ \t]*version[ \t]*=[ \t]*"(\d+)\.(\d+)"""
    r"""|"celery":[ \t]*\{[^{}]*?"version":[ \t]*"==(\d+)\.(\d+)"""
)
_CLAUSE = re.compile(
    r"(===?|~=|!=|<=?|>=?|\^|~|=)?[ \t]*v?(\d{1,4})(?:\.(\d{1,4}|\*))?(?:\.(\d{1,4}))?[\w.*-]*"
)
_ANY = 1_000
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


def newest_celery(root: str, paths: Iterable[str]) -> tuple[int, int] | None:
    """The newest version of Celery that any list allows; ``None`` where one allows all, or none is there.

    A list that allows all says nothing where another one of its folder says which is installed: a lock file,
    or what a tool has made of the list.
    """
    found: dict[str, list[tuple[int, int] | None]] = {}
    for path in paths:
        if is_list(path):
            try:
                data = read_bytes(f"{root}/{path}", _LARGEST, within=root)
            except NotParsed:
                return None
            if b"celery" in data.lower():
                folder = path.rpartition("/")[0]
                name = path.lower().rpartition("/")[2]
                found.setdefault(folder, []).extend(_versions(name, data.decode("utf-8", "replace")))
    newest: list[tuple[int, int] | None] = []
    for versions in found.values():
        known = [version for version in versions if version is not None]
        exact = [version for version in known if version[1] < _ANY]
        newest += [max(exact)] if exact else [None] * len(versions)
    return None if None in newest or not newest else max(filter(None, newest))


def _versions(name: str, text: str) -> Iterator[tuple[int, int] | None]:
    """The newest version that each mention of Celery in a list allows."""
    if name in _LOCKS:
        for found in _LOCKED_CELERY.finditer(text):
            yield int(found[1] or found[3]), int(found[2] or found[4])
        return
    poetic = name in ("pyproject.toml", "pipfile")
    for found in _CELERY.finditer(_REMARK.sub(b"", text.encode()).decode()):
        yield _newest(found[1].strip(), False)
    for found in _KEYED.finditer(text) if poetic else ():
        yield _newest(found[1] or found[2], True)


def _newest(said: str, keyed: bool) -> tuple[int, int] | None:
    """The newest version that `==5.3.*`, `>=5.2,<5.4`, `~=5.3.1` allow; Poetry's `5.3.1` is that one."""
    allowed = []
    for clause in said.split(";")[0].split(","):
        found = _CLAUSE.fullmatch(clause.strip())
        if found is None:
            continue
        sign, major, patch = found[1] or "", int(found[2]), found[4]
        minor = _ANY if found[3] == "*" else int(found[3] or 0)
        if sign in ("==", "===", "<=", "~", "=") or (sign == "~=" and patch) or (not sign and keyed):
            allowed.append((major, minor))
        elif sign == "<":
            allowed.append((major, minor) if patch and int(patch) else _before(major, minor))
        elif sign in ("~=", "^"):
            allowed.append((major, _ANY))
    return min(allowed) if allowed else None


def _before(major: int, minor: int) -> tuple[int, int]:
    return (major, minor - 1) if minor else (major - 1, _ANY)


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

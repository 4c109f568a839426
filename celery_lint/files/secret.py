"""What makes a digest ours: a secret that never leaves the user's own folder.

Whoever can write to the cache, a repository that brings one along for example, could otherwise say anything
in our name.
"""

from __future__ import annotations

import os
import stat

from celery_lint.digests import blake2b
from celery_lint.regular_files import create, read_regular, unlink

_NAME = "celery-lint-secret"
_SIZE = 32


class Secret:
    """The user's secret."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, purpose: str, data: bytes) -> str:
        """The digest that nobody else can make. ``purpose``: at most 16 letters that keep uses apart."""
        return blake2b(data, digest_size=32, key=self._key, person=purpose.encode()).hexdigest()


def found(folder: str) -> Secret | None:
    """The secret that lies in the user's folder; None if there is none, or none that is the user's alone."""
    path = os.path.join(folder, _NAME)
    try:
        if not _is_private(os.lstat(path)):
            return None
        return Secret(read_regular(path, _SIZE, links=False))
    except (OSError, ValueError):
        return None


def made(folder: str) -> Secret | None:
    """The secret of the user's folder, made now if there is none; None if that cannot be.

    Of several processes that make one at once, one wins, and all get what it has made.
    """
    secret = found(folder)
    if secret is not None:
        return secret
    path = os.path.join(folder, _NAME)
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        create(temporary, os.urandom(_SIZE))
        try:
            if not os.path.lexists(path):
                _link(temporary, path)
            elif found(folder) is None:  # a damaged one, or one that others could read
                _replace(temporary, path)
        finally:
            unlink(temporary)
    except OSError:
        return None
    return found(folder)


def _is_private(status: os.stat_result) -> bool:
    """Whether only the user can have written or read this file."""
    if not stat.S_ISREG(status.st_mode) or status.st_size != _SIZE:
        return False
    return os.name == "nt" or (status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077)


def _replace(temporary: str, path: str) -> None:
    """Put a new secret in the place of one that is of no use, unless that is somebody else's."""
    status = os.lstat(path)
    if os.name != "nt" and status.st_uid != os.geteuid():
        raise PermissionError(path)
    os.replace(temporary, path)


def _link(temporary: str, path: str) -> None:
    """Put a new secret where there is none; it stays away if somebody else was faster."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except (OSError, NotImplementedError):  # a file system without links: the last one wins
        os.replace(temporary, path)

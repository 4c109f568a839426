"""Files are opened here, and nothing else is: no pipe that never speaks, no device that never ends.

A repository may bring a link of any name to anything, and a linter looks at a folder before anybody has.
"""

from __future__ import annotations

import errno
import os
import stat

LARGEST_CONFIGURATION = 4 << 20
"""The most bytes of a ``pyproject.toml``, ``setup.cfg`` or the like."""

# Read without waiting for somebody who writes, and never get a terminal or a descriptor for children.
_READ = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):
    _READ |= getattr(os, _flag, 0)
# Only for the user, and only where there is nothing yet, not even a link to nowhere.
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for _flag in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    _CREATE |= getattr(os, _flag, 0)
_NO_LINKS: int = getattr(os, "O_NOFOLLOW", 0)


class NotRegular(OSError):
    """What stands there is a pipe, a device, a socket, or a link where none is followed."""


class LeadsOut(OSError):
    """A link in the file's place leads out of the folder that it may not leave."""


class TooLarge(OSError):
    """The file holds more than the caller wants to have in memory."""


def read_regular(path: str, most: int, *, links: bool = True, within: str = "") -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    ``links`` false refuses a link in the file's place (one in the place of a folder above it is followed).
    ``within`` is a folder, as an absolute path without links, that a link in the file's place may not leave.
    Raises :class:`NotRegular`, :class:`LeadsOut`, :class:`TooLarge` and, as ``open`` does, OSError;
    ValueError for a name with a null byte. A folder is an IsADirectoryError.
    """
    if within:
        (path, status), links = _within(path, within), False
    else:
        status = os.stat(path) if links else os.lstat(path)
    _check(path, status, most)  # to open a device may move something
    descriptor = os.open(path, _READ if links else _READ | _NO_LINKS)
    try:
        status = os.fstat(descriptor)
        _check(path, status, most)  # it may have been replaced
        size = status.st_size
        data = os.read(descriptor, size + 1)
        if size and len(data) == size:  # all of it: to ask once more would cost as much again
            return data
        while chunk := os.read(descriptor, 1 << 20):  # a file that grows, or of a system that knows no sizes
            data += chunk
            if len(data) > most:
                raise _too_large(path, most)
        return data
    finally:
        os.close(descriptor)


def create(path: str, data: bytes) -> None:
    """Write a new file that only the user may read; OSError if there is anything of that name already."""
    descriptor = os.open(path, _CREATE, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def unlink(path: str) -> None:
    """Remove a file if it is there and may be removed."""
    try:  # noqa: SIM105 (contextlib would have to be imported)
        os.unlink(path)
    except OSError:
        pass


def lies_within(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, both of them absolute and without links."""
    return path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")


def _within(path: str, folder: str) -> tuple[str, os.stat_result]:
    """The path, or where a link in its place leads, with what stands there."""
    status = os.lstat(path)
    if not stat.S_ISLNK(status.st_mode):
        return path, status
    target = os.path.realpath(path)
    if not lies_within(target, folder):
        raise LeadsOut(errno.EXDEV, "is a link that leads out of the workspace", path)
    return target, os.lstat(target)


def _check(path: str, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        raise NotRegular(errno.EINVAL, "is not a regular file", path)
    if status.st_size > most:
        raise _too_large(path, most)


def _too_large(path: str, most: int) -> TooLarge:
    amount = f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"
    return TooLarge(errno.EFBIG, f"is larger than {amount}", path)

"""A folder of caches: where it lies, when it is ours, and what in it is.

Somebody else's folder may bear any name, so ours is one that was new or empty when we came, or whose
``CACHEDIR.TAG`` says that it is ours. In it only files named ``celery-lint-…`` are read, written or removed,
and no link is followed.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from celery_lint.regular_files import create, read_regular, unlink

_PREFIX = "celery-lint-"
_SECRET_NAME = f"{_PREFIX}secret"
_SWEPT_NAME = f"{_PREFIX}swept"
_TAG_NAME = "CACHEDIR.TAG"
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
_TAG = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of celery-lint. See https://bford.info/cachedir/
"""
_IGNORE_NAME = ".gitignore"
_IGNORE = b"*\n"
_MOST_OF_TAG = 4096

# Who has not asked for a cache for so long has moved on, or his workspace is gone.
_DAY = 86_400
_UNUSED_SECONDS = 60 * _DAY
_LEFT_BEHIND_SECONDS = 3_600
_INSTALLATIONS_KEPT = 3
_OPTIONS_KEPT = 3

# Where the cache of a workspace lay before the first release, and what it held.
_FORMER = ".celery_lint_cache"
_FORMER_NAMES = ("manifest.json", "facts.json", "lock")


class Name:
    """What a cache is of: digests of the workspace's path, of the installation and of the options."""

    __slots__ = ("installation", "options", "root")  # a NamedTuple takes as long to make as to read a cache

    def __init__(self, root: str, installation: str, options: str) -> None:
        self.root = root
        self.installation = installation
        self.options = options

    def of(self, kind: str) -> str:
        """The name of a file of this cache."""
        return f"{_PREFIX}{self.root}-{self.installation}-{self.options}.{kind}"


class CacheFolder:
    """A folder of caches; ``private`` if it is the user's own."""

    __slots__ = ("_private", "path")

    def __init__(self, path: str, *, private: bool) -> None:
        self.path = path
        self._private = private

    def is_ours(self) -> bool:
        """Whether there is such a folder, and it says that it is ours."""
        try:
            status = os.lstat(self.path)
            if not stat.S_ISDIR(status.st_mode):
                return False
            if self._private and os.name != "nt" and status.st_uid != os.geteuid():
                return False
            tag = read_regular(os.path.join(self.path, _TAG_NAME), _MOST_OF_TAG, links=False)
        except (OSError, ValueError):
            return False
        return tag.startswith(_SIGNATURE) and b"celery-lint" in tag

    def make(self) -> bool:
        """See to it that there is such a folder; false if there cannot be one, or it is not ours."""
        if self.is_ours():
            return os.access(self.path, os.W_OK)
        try:
            os.makedirs(self.path, 0o700 if self._private else 0o777, exist_ok=True)
            if stat.S_ISLNK(os.lstat(self.path).st_mode):
                return False
            if any(not name.startswith(_PREFIX) for name in os.listdir(self.path)):
                return self.is_ours()  # another process may have made it meanwhile
        except (OSError, ValueError):
            return False
        self.replace(_TAG_NAME, _TAG)
        if not self._private:  # it may lie in a checkout
            self.replace(_IGNORE_NAME, _IGNORE)
        return self.is_ours()

    def read(self, name: str, most: int) -> bytes:
        """The content of a file of ours; OSError."""
        return read_regular(os.path.join(self.path, name), most, links=False)

    def replace(self, name: str, data: bytes) -> bool:
        """Write a file of ours, whole or not at all; whether that went well."""
        # Of our own names even for a tag, so that whoever comes meanwhile sees nothing foreign.
        own = name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
        temporary = os.path.join(self.path, f"{own}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        try:
            create(temporary, data)
            os.replace(temporary, os.path.join(self.path, name))
        except (OSError, ValueError):
            unlink(temporary)
            return False
        except BaseException:
            unlink(temporary)
            raise
        return True

    def lock(self, name: str) -> int:
        """The descriptor of a file of ours that is there to be locked; OSError."""
        flags = os.O_RDWR | os.O_CREAT
        for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
            flags |= getattr(os, flag, 0)
        descriptor = os.open(os.path.join(self.path, name), flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(name)
        return descriptor

    def use(self, *names: str) -> None:
        """Note that these files are in use, once a day, because unused ones are thrown away."""
        now = time.time()
        for name in names:
            path = os.path.join(self.path, name)
            try:
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and now - status.st_mtime > _DAY:
                    os.utime(path)
            except OSError:
                continue

    def tidy(self, root: str) -> None:
        """Remove what nobody uses: all but the last caches of a workspace, and what is old.

        Of a workspace (``root`` is its digest) stay the last three installations with three sets of options
        each, of everything else what was used within sixty days.
        """
        ages = self._ages(f"{_PREFIX}{root}-")
        kept: dict[str, set[str]] = {}
        for name in sorted(ages, key=lambda name: ages[name]):
            cache = _cache_of(name)
            if name.endswith(".tmp"):
                done = ages[name] > _LEFT_BEHIND_SECONDS
            else:
                done = cache is not None and not _has_room(kept, cache.installation, cache.options)
            if done:
                unlink(os.path.join(self.path, name))
        if self._is_time_to_sweep():
            self._sweep()

    def _is_time_to_sweep(self) -> bool:
        """Whether nobody has swept for a day; then it is noted that we do."""
        try:
            if time.time() - os.lstat(os.path.join(self.path, _SWEPT_NAME)).st_mtime < _DAY:
                return False
        except OSError:
            pass
        return self.replace(_SWEPT_NAME, b"")

    def _sweep(self) -> None:
        """Remove what is old, whosever it is. It takes a look at each file, so once a day is enough."""
        for name, age in self._ages(_PREFIX).items():
            most = _LEFT_BEHIND_SECONDS if name.endswith(".tmp") else _UNUSED_SECONDS
            if age > most and name != _SECRET_NAME:
                unlink(os.path.join(self.path, name))

    def _ages(self, prefix: str) -> dict[str, float]:
        """Our files of such names, and for how many seconds nobody has written or used them."""
        now = time.time()
        ages = {}
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                        ages[entry.name] = now - entry.stat(follow_symlinks=False).st_mtime
        except OSError:
            pass
        return ages

    def remove(self, root: str) -> bool:
        """Remove all caches of a workspace (``root`` is its digest); whether there were any.

        A folder in which nothing else is goes too, but for the user's own, which holds the secret.
        """
        if not self.is_ours():
            return False
        names = self._ages(f"{_PREFIX}{root}-")
        for name in names:
            unlink(os.path.join(self.path, name))
        if not self._private:
            self._remove_if_empty()
        return bool(names)

    def _remove_if_empty(self) -> None:
        try:
            if [name for name in os.listdir(self.path) if name.startswith(_PREFIX)] == [_SWEPT_NAME]:
                unlink(os.path.join(self.path, _SWEPT_NAME))
            if set(os.listdir(self.path)) <= {_TAG_NAME, _IGNORE_NAME}:
                _remove_if_it_says(os.path.join(self.path, _IGNORE_NAME), _IGNORE)
            if os.listdir(self.path) == [_TAG_NAME]:
                os.unlink(os.path.join(self.path, _TAG_NAME))
                os.rmdir(self.path)
        except OSError:
            pass  # somebody has put something else there


def of_user() -> CacheFolder | None:
    """The user's own folder, by the habits of the system; None if there is no home."""
    home = os.path.expanduser("~") if os.environ.get("HOME") != "" else ""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):
        path = os.path.join(chosen, "celery-lint")
    elif not os.path.isabs(home) or not os.path.isdir(home):
        return None  # a service's user, for example, whose home is /nonexistent
    elif sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        path = os.path.join(local, "celery-lint", "Cache")
    elif sys.platform == "darwin":
        path = os.path.join(home, "Library", "Caches", "celery-lint")
    else:
        path = os.path.join(home, ".cache", "celery-lint")
    return CacheFolder(path, private=True)


def chosen(root: str, folder: str) -> CacheFolder | None:
    """The folder that an option names, from the workspace on; None if a link of the workspace leads to it."""
    path = os.path.normpath(os.path.join(root, folder))
    below = os.path.normpath(root).rstrip(os.sep) + os.sep
    if path.startswith(below):
        parts = path[len(below) :].split(os.sep)
        if any(os.path.islink(below + os.sep.join(parts[: count + 1])) for count in range(len(parts))):
            return None
    return CacheFolder(path, private=False)


def remove_former(root: str) -> str:
    """Remove the folder that a workspace had in development versions; returns it if it was there."""
    folder = CacheFolder(os.path.join(root, _FORMER), private=False)
    if not folder.is_ours():
        return ""
    for name in os.listdir(folder.path):
        stem, _, process = name.removesuffix(".tmp").rpartition(".")
        left_behind = name.endswith(".tmp") and stem in _FORMER_NAMES and process.isdecimal()
        if name in _FORMER_NAMES or left_behind:
            unlink(os.path.join(folder.path, name))
    folder._remove_if_empty()
    return folder.path


def _cache_of(name: str) -> Name | None:
    """What a file of this name is of, temporary files included; None if it is no cache."""
    parts = name.removeprefix(_PREFIX).partition(".")[0].split("-")
    return Name(*parts) if name.startswith(_PREFIX) and len(parts) == 3 else None


def _has_room(kept: dict[str, set[str]], installation: str, options: str) -> bool:
    """Whether one more is among the last ones; then it is noted."""
    if installation not in kept and len(kept) == _INSTALLATIONS_KEPT:
        return False
    others = kept.setdefault(installation, set())
    if options not in others and len(others) == _OPTIONS_KEPT:
        return False
    others.add(options)
    return True


def _remove_if_it_says(path: str, text: bytes) -> None:
    try:
        if read_regular(path, len(text), links=False) == text:
            os.unlink(path)
    except (OSError, ValueError):
        pass

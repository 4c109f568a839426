"""What is kept between runs: in one file what a run without changes needs, in another the facts.

``manifest.json`` says what every file looked like (size, time, inode) and what the rules said about all of
them. ``facts.json`` holds the facts of the modules that were read, a line each, and is only opened when
something has changed. Both are replaced, never changed; both are JSON, because a repository may bring a
folder of this name along; and whatever is wrong with them, they count as missing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from celery_lint import __version__
from celery_lint.digests import blake2b
from celery_lint.files.discovery import Listing

FOLDER = ".celery_lint_cache"

_MANIFEST = "manifest.json"
_FACTS = "facts.json"
_TAG = """Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of celery-lint. See https://bford.info/cachedir/
"""
# A file that changes within the tick of the file system's clock keeps its time. Two seconds (FAT).
_RACY_NANOSECONDS = 2_000_000_000
_NEVER = -1
_PATIENCE = 10.0

Stamp = tuple[int, int, int]
"""Size, modification time in nanoseconds, inode. Two files of the same stamp are the same file."""

MISSING: Stamp = (_NEVER, _NEVER, _NEVER)


class Manifest(NamedTuple):
    """The outcome of a run. ``verdict`` is the engine's own.

    ``sizes``, ``times`` and ``inodes`` run parallel to ``listing.python``, ``others`` holds the stamps of
    the launch files. ``digests`` has the digest of every file whose facts were used, ``passed`` the files
    that passed the first filter (or could not be read), ``names`` what the second filter looked for,
    ``named`` the files that it let through, ``stray`` those that were read for nothing, ``asked`` those
    that a chain led to and that were not worth reading as they were. ``token`` names the facts that belong
    to it.
    """

    listing: Listing
    sizes: list[int]
    times: list[int]
    inodes: list[int]
    others: list[Stamp]
    verdict: list[Any]
    digests: dict[str, str]
    passed: list[str]
    names: list[list[str]]
    named: list[str]
    stray: list[str]
    asked: list[str]
    token: str


class Cache:
    """The cache of one workspace for one set of options that change the findings."""

    def __init__(self, root: str, folder: str, options: str) -> None:
        self._root = root
        self._options = options
        self._folder = os.path.join(root, folder or FOLDER)

    @property
    def folder(self) -> str:
        """Where the cache is."""
        return self._folder

    def load(self) -> Manifest | None:
        """The outcome of the last run, if it was one of this version with these options."""
        try:
            with self._opened(_MANIFEST) as file:
                key, options, (python, directories, *others), *rest = json.loads(file.read())
            if key != version_key() or options != self._options:
                return None
            launch, configuration, watched, state = others
            manifest = Manifest(
                Listing(
                    python.split("\n") if python else [],
                    launch,
                    configuration,
                    directories.split("\n"),
                    watched,
                    state,
                ),
                *rest,
            )
            lengths = {len(manifest.sizes), len(manifest.times), len(manifest.inodes)}
            return manifest if lengths == {len(manifest.listing.python)} else None
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None

    def _opened(self, name: str) -> BinaryIO:
        """A file of the cache, wherever that is."""
        try:
            return open(os.path.join(self._folder, name), "rb")
        except OSError:
            folder = _of_user(self._root)
            file = open(os.path.join(folder, name), "rb")  # noqa: SIM115
            self._folder = folder
            return file

    def lines(self, manifest: Manifest) -> dict[str, str]:
        """The facts of a manifest by path, as lines of JSON."""
        try:
            with open(os.path.join(self._folder, _FACTS), "rb") as file:
                token, *rows = file.read().decode().split("\n")
            if token != manifest.token:  # another process has replaced them meanwhile
                return {}
            return {json.loads(name): line for name, _, line in (row.partition("\t") for row in rows)}
        except (OSError, ValueError, TypeError):
            return {}

    def save(self, manifest: Manifest, lines: Mapping[str, str] | None) -> None:
        """Keep the outcome of a run, and its facts unless they are those of the last one.

        Nothing depends on it, so a folder that cannot be written to is passed over in silence.
        """
        listing = manifest.listing
        packed = [
            "\n".join(listing.python),
            "\n".join(listing.directories),
            listing.launch,
            listing.configuration,
            listing.watched,
            listing.state,
        ]
        if not self.prepare():
            return
        try:
            if lines is not None:
                rows = "\n".join(f"{json.dumps(path)}\t{lines[path]}" for path in sorted(lines))
                manifest = manifest._replace(token=_digest(rows.encode()))
                self._replace(_FACTS, f"{manifest.token}\n{rows}" if rows else manifest.token)
            row = [version_key(), self._options, packed, *manifest[1:]]
            self._replace(_MANIFEST, json.dumps(row, separators=(",", ":")))
        except (OSError, ValueError):
            return

    def _replace(self, name: str, text: str) -> None:
        path = os.path.join(self._folder, name)
        temporary = f"{path}.{os.getpid()}.tmp"
        try:
            with open(temporary, "wb") as file:
                file.write(text.encode())
            os.replace(temporary, path)
        except BaseException:
            try:  # noqa: SIM105 (contextlib would have to be imported)
                os.unlink(temporary)
            except OSError:
                pass
            raise

    def prepare(self) -> bool:
        """Make the folder; returns whether there is one.

        Where the workspace may not be written to, the user's own folder for caches takes its place.
        """
        for folder in (self._folder, _of_user(self._root)):
            try:
                self._make(folder)
            except OSError:
                continue
            self._folder = folder
            return True
        return False

    def _make(self, folder: str) -> None:
        """Make a folder that is marked for backup programs and version control as what it is."""
        if os.path.isdir(folder):
            if os.access(folder, os.W_OK):
                return
            raise PermissionError(folder)
        os.makedirs(folder, exist_ok=True)
        for name, text in (("CACHEDIR.TAG", _TAG), (".gitignore", "*\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    def acquire(self) -> tuple[int, bool]:
        """Get the right to build, so that the processes of a parallel linter do not all do the same.

        Returns the lock's descriptor, for ``os.close``, and whether somebody else has held it meanwhile. Who
        waits too long goes on without: two builds at once are a waste and nothing worse.
        """
        try:
            import fcntl

            if not self.prepare():
                return -1, False
            descriptor = os.open(os.path.join(self._folder, "lock"), os.O_CREAT | os.O_RDWR, 0o666)
        except (ImportError, OSError):
            return -1, False
        until = time.monotonic() + _PATIENCE
        waited = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor, waited
            except OSError:  # noqa: PERF203
                waited = True
                if time.monotonic() > until:
                    return descriptor, waited
                time.sleep(0.02)

    def remove(self) -> str:
        """Remove the cache; returns its folder, or nothing if there was none."""
        removed = ""
        for folder in (self._folder, _of_user(self._root)):
            if not os.path.isfile(os.path.join(folder, "CACHEDIR.TAG")):
                continue
            for name in os.listdir(folder):
                if name in (_MANIFEST, _FACTS, "CACHEDIR.TAG", ".gitignore", "lock") or name.endswith(".tmp"):
                    os.unlink(os.path.join(folder, name))
            try:  # noqa: SIM105
                os.rmdir(folder)
            except OSError:
                pass  # somebody keeps other things there
            removed = removed or folder
        return removed


def stamp(path: str) -> Stamp:
    """What a file looks like from outside."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return MISSING
    return status.st_size, status.st_mtime_ns, status.st_ino


def changed(root: str, manifest: Manifest) -> list[str]:
    """The files that are no longer what they were. A warm run spends most of its time here."""
    found = []
    stat, prefix = os.stat, f"{root}/"
    for path, size, modified, inode in zip(
        manifest.listing.python, manifest.sizes, manifest.times, manifest.inodes, strict=True
    ):
        try:
            status = stat(prefix + path)
        except OSError:  # noqa: PERF203
            found.append(path)
        else:
            if status.st_mtime_ns != modified or status.st_size != size or status.st_ino != inode:
                found.append(path)
    return found


def settled(stamps: Iterable[Stamp], started: int) -> Iterator[Stamp]:
    """The stamps as they may be kept: a file that is as young as the run may change without a trace."""
    newest = started - _RACY_NANOSECONDS
    for size, modified, inode in stamps:
        yield (size, modified if modified < newest else _NEVER, inode)


def stamps(root: str, paths: Sequence[str]) -> list[Stamp]:
    """The stamps of several files."""
    return [stamp(f"{root}/{path}") for path in paths]


_key = ""


def version_key() -> str:
    """What must be equal for facts and verdicts to be: our own source and the Python that parses."""
    global _key
    if not _key:
        newest, count, size = 0, 0, 0
        pending = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
        while pending:
            try:
                with os.scandir(pending.pop()) as entries:
                    for entry in entries:
                        if entry.name.endswith(".py"):
                            status = entry.stat()
                            newest = max(newest, status.st_mtime_ns)
                            size += status.st_size
                            count += 1
                        elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                            pending.append(entry.path)
            except OSError:  # noqa: PERF203
                continue
        _key = f"{__version__}/{newest}/{count}/{size}/{sys.version_info[0]}.{sys.version_info[1]}"
    return _key


def _of_user(root: str) -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "celery-lint", _digest(os.fsencode(root)))


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=12).hexdigest()

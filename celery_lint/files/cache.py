"""What is kept between runs: in one file what a run without changes needs, in another the facts.

The *manifest* says what every file looked like and what the rules said about all of them. The *facts* are
those of the modules that were read, a line each, and what was looked for in them; they are only opened when
something has changed. Each workspace, installation and set of options has a pair of files of its own, in the
user's folder for caches unless an option names another. Both are replaced, never changed, and both are JSON
but for the stamps.

Over all that they say goes a digest that only the user can make: what is damaged, forged, somebody else's or
of another version counts as missing, without a word.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from celery_lint.digests import blake2b
from celery_lint.files import secret as secrets
from celery_lint.files.cache_folder import Name, chosen, of_user, remove_former
from celery_lint.files.discovery import Listing
from celery_lint.files.installation import installation
from celery_lint.files.stamps import Stamp, packed, unpacked

# Not where it is needed first: a host may by then find a project's file of that name.
try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # on Windows
    flock = None  # type: ignore[assignment]

_PATIENCE = 10.0
_MOST = 256 << 20

# Between paths: a name may hold a line break, but never this. One text is read faster than a list of them.
_BETWEEN = "//"


class Manifest(NamedTuple):
    """The outcome of a run. ``verdict`` is the engine's own.

    ``stamps`` holds those of ``listing.python``, flat; ``others`` those of the launch files. ``digests``
    has the digest of every file whose facts were used, ``passed`` the files that passed the first filter
    (or could not be read), ``names`` what the second filter looked for, ``named`` the files that it let
    through, ``stray`` those that were read for nothing, ``asked`` those that a chain led to and that were
    not worth reading as they were. ``options`` is the text of the options that all this was found with,
    ``worded`` whether files were asked for their words, also those that nobody reads. ``token`` is the
    digest of the facts that belong to it.
    """

    listing: Listing
    stamps: list[int]
    others: list[Stamp]
    verdict: list[Any]
    digests: dict[str, str]
    passed: list[str]
    names: list[list[str]]
    named: list[str]
    stray: list[str]
    asked: list[str]
    options: str
    worded: bool
    token: str = ""


class Facts(NamedTuple):
    """The facts of modules by path, as lines of JSON, and what was looked for in them: the engine's own."""

    lines: Mapping[str, str]
    looked: Mapping[str, str]


NO_FACTS = Facts({}, {})


class Cache:
    """The cache of one workspace for one set of options that change the findings.

    ``folder`` is what the user has chosen, relative to the root, or ``""``. Where there is no folder to be
    had, because there is no home or it belongs to somebody else, nothing is kept.
    """

    def __init__(self, root: str, folder: str, options: str) -> None:
        self._root = root
        self._options = options
        self._user = of_user()
        self._folder = chosen(root, folder) if folder else self._user
        self._secret: secrets.Secret | None = None
        self._name = Name(_short(os.fsencode(root)), "", _short(options.encode()))

    def load(self) -> Manifest | None:
        """The outcome of the last run, if it was one of this installation with these options."""
        if self._user is None or self._folder is None:
            return None
        self._secret = secrets.found(self._user.path)
        if self._secret is None or not self._is_named():
            return None
        name = self._name.of("manifest")
        try:
            digest, _, text = self._folder.read(name, _MOST).partition(b"\n")
            if digest != self._secret.digest("manifest", text).encode():
                return None
            document, _, numbers = text.partition(b"\n")
            whose, (python, directories, *others), kept, *rest = json.loads(document)
        except (OSError, ValueError):
            return None
        if whose != self._whose():
            return None
        self._folder.use(name, self._name.of("facts"))
        launch, configuration, watched, state, *further = others
        listing = Listing(
            _paths(python), launch, configuration, _paths(directories), watched, state, *further
        )
        return Manifest(listing, unpacked(numbers), [tuple(stamp) for stamp in kept], *rest)

    def facts(self, manifest: Manifest) -> Facts:
        """The facts that belong to a manifest."""
        if self._folder is None or self._secret is None:
            return NO_FACTS
        try:
            data = self._folder.read(self._name.of("facts"), _MOST)
        except (OSError, ValueError):
            return NO_FACTS
        if self._secret.digest("facts", data) != manifest.token:  # or another process has replaced them
            return NO_FACTS
        rows = [row.split("\t") for row in data.decode().split("\n")] if data else []
        names = [json.loads(row[0]) for row in rows]
        lines = {name: row[1] for name, row in zip(names, rows, strict=True) if row[1]}
        return Facts(lines, {name: row[2] for name, row in zip(names, rows, strict=True)})

    def save(self, manifest: Manifest, facts: Facts | None) -> None:
        """Keep the outcome of a run, and its facts unless they are those of the last one.

        Nothing depends on it, so a folder that cannot be written to is passed over in silence.
        """
        if not self.prepare():
            return
        assert self._folder is not None
        assert self._secret is not None
        if facts is not None:
            lines, looked = facts
            paths = sorted(lines.keys() | looked.keys())
            rows = "\n".join(
                [f"{json.dumps(path)}\t{lines.get(path, '')}\t{looked.get(path, '')}" for path in paths]
            ).encode()
            if len(rows) > _MOST or not self._folder.replace(self._name.of("facts"), rows):
                return
            manifest = manifest._replace(token=self._secret.digest("facts", rows))
        listing = manifest.listing
        described = [
            _BETWEEN.join(listing.python),
            _BETWEEN.join(listing.directories),
            listing.launch,
            listing.configuration,
            listing.watched,
            listing.state,
            listing.workspaces,
            listing.unlisted,
            listing.texts,
        ]
        document = json.dumps([self._whose(), described, *manifest[2:]], separators=(",", ":"))
        text = document.encode() + b"\n" + packed(manifest.stamps)
        digest = self._secret.digest("manifest", text).encode()
        self._folder.replace(self._name.of("manifest"), digest + b"\n" + text)
        if facts is not None:
            self._folder.tidy(self._name.root)

    def prepare(self) -> bool:
        """Make the folder and the secret; returns whether there is a place to keep something."""
        if self._user is None or self._folder is None or not self._user.make():
            return False
        self._secret = secrets.made(self._user.path)
        return self._secret is not None and self._is_named() and self._folder.make()

    def _is_named(self) -> bool:
        assert self._user is not None
        assert self._secret is not None
        content = installation(self._user, self._secret, time.time_ns())
        self._name = Name(self._name.root, content, self._name.options)
        return content != ""

    def _whose(self) -> list[str]:
        """What a manifest says that it is of. Its name says so too, but anybody can rename a file."""
        return [self._root, self._name.installation, self._options]

    def acquire(self) -> tuple[int, bool]:
        """Get the right to build, so that the processes of a parallel linter do not all do the same.

        Returns the lock's descriptor, for ``os.close``, and whether somebody else has held it meanwhile. Who
        waits too long goes on without: two builds at once are a waste and nothing worse.
        """
        if flock is None or not self.prepare() or self._folder is None:
            return -1, False
        try:
            descriptor = self._folder.lock(self._name.of("lock"))
        except OSError:
            return -1, False
        until = time.monotonic() + _PATIENCE
        waited = False
        while True:
            try:
                flock(descriptor, LOCK_EX | LOCK_NB)
                return descriptor, waited
            except OSError:  # noqa: PERF203
                waited = True
                if time.monotonic() > until:
                    return descriptor, waited
                time.sleep(0.02)

    def remove(self) -> list[str]:
        """Remove the workspace's caches, those of other options too; returns the folders where they were."""
        folders = [folder for folder in (self._folder, self._user) if folder is not None]
        removed = [folder.path for folder in folders if folder.remove(self._name.root)]
        former = remove_former(self._root)
        return [*removed, former] if former else removed


def why_unused(root: str, folder: str) -> str:
    """Why nothing can be kept in the folder that an option names; ``""`` if it can."""
    user, place = of_user(), chosen(root, folder)
    if user is None or not user.make():
        return "the secret that belongs to it has no place, as you have no folder for caches"
    if place is None:
        return "a link in the project leads to it"
    if place.make():
        return ""
    if os.path.isdir(place.path) and not place.is_ours():
        return "it is neither empty nor a cache of celery-lint"
    return "it cannot be made or written to"


def _paths(text: str) -> list[str]:
    return text.split(_BETWEEN) if text else []


def _short(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()

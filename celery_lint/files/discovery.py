"""The files of a workspace.

In a git checkout, git says which files count; elsewhere, and without git, everything does that is not
known to be somebody else's. Both ways end in one walk, because only a walk tells files from folders
and links, and because its folders are what :func:`is_current` watches on the next run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import NamedTuple

from celery_lint.files.git import checkout_around
from celery_lint.files.roots import CHECKOUT_MARKERS, CONFIGURATION_FILES, is_marked

# Never entered, not even where git tracks what is in them.
_FOREIGN_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".tox",
        ".nox",
        ".eggs",
        ".celery_lint_cache",
        "__pycache__",
        "node_modules",
        "site-packages",
    }
)

# What a build leaves behind; a Python package of that name is source.
_BUILD_FOLDERS = frozenset({"build", "dist"})

# Hidden folders are tools' own, but for these: deployments keep worker commands in them, and pipelines and
# editors say what is started.
_HIDDEN_FOLDERS_ENTERED = frozenset(
    {
        ".circleci", ".deploy", ".devcontainer", ".do", ".docker", ".ebextensions", ".github", ".gitlab",
        ".helm", ".idea", ".k8s", ".kube", ".platform", ".run", ".vscode",
    }
)  # fmt: skip

IGNORING = ".gitignore"
"""The name of files that say what is no part of a checkout."""

# What Python imports that is no text, and what such modules are made from.
_COMPILED = (".so", ".pyd", ".pyc", ".pyx", ".pyz")

# A folder that holds one of these is an environment, a cache or another checkout.
_FOREIGN_CONTENT = frozenset({"pyvenv.cfg", "conda-meta", "CACHEDIR.TAG", *CHECKOUT_MARKERS})

# Modification times may be as coarse as two seconds (FAT), so a younger one proves nothing.
_RACY_NANOSECONDS = 2_000_000_000

_MISSING = -1
_UNKNOWN = -2


class Listing(NamedTuple):
    """The files of a workspace: paths relative to its root with ``/`` between names, sorted.

    ``launch`` holds what tells how the project is run: commands of workers, lists of dependencies, versions
    of Python, and ``.gitignore`` files, for what they hide may be there; ``texts`` what else may tell people
    or programs what to start, files of variables first. ``configuration`` holds ``pyproject.toml``,
    ``setup.cfg`` and ``.gitignore`` files, ``directories`` every folder that was walked, the root being
    ``"."``, ``workspaces`` those that say that they are workspaces of their own. ``unlisted`` are files and
    folders that are none of ``python`` and that Python may import all the same: what git ignores, links,
    other checkouts, compiled modules and what they are made from. ``watched`` and ``state`` belong to
    :func:`is_current`. Everything is plain JSON.
    """

    python: list[str]
    launch: list[str]
    configuration: list[str]
    directories: list[str]
    watched: list[str]
    state: list[int]
    workspaces: list[str]
    unlisted: list[str]
    texts: list[str]

    @property
    def told(self) -> list[str]:
        """All that is read and is no Python."""
        return [*self.launch, *self.texts]

    def read_first(self) -> list[str]:
        """What of that is read in any case: the launch files, and those of variables."""
        from celery_lint.files.commands.assigned import is_of_variables

        return [*self.launch, *takewhile(is_of_variables, self.texts)]

    def has_files_of(self, other: Listing) -> bool:
        """Whether the same files and modules are there."""
        same = self.python == other.python and self.unlisted == other.unlisted
        return same and self.has_launch_files_of(other)

    def has_launch_files_of(self, other: Listing) -> bool:
        """Whether the same files may say how processes are started."""
        return (self.launch, self.texts) == (other.launch, other.texts)


def discover(root: str) -> Listing:
    """Find the files of the workspace.

    In a git checkout: what git tracks, or would if asked to add everything. Elsewhere: everything but
    build folders and ``*.egg-info``. In both: no Python file in a hidden folder, no folder that is a
    workspace or checkout of its own, no virtual environment, no cache, no ``node_modules``. Links to
    folders are not followed, links to files are; what is not a file on disk is left out, whatever its
    name.
    """
    started = time.time_ns()
    checkout = checkout_around(root)
    if checkout is not None:
        with checkout:
            known = checkout.files()
            if known is not None:
                walk = _Walk(root, known, checkout.not_ignored)
                walk.watched += checkout.deciding()
                return walk.listing(started)
    return _Walk(root, None, None).listing(started)


def is_current(root: str, listing: Listing) -> bool:
    """Whether :func:`discover` would return this listing again, for one ``stat`` of each folder.

    Watched are all folders that may come to hold a file of the workspace, empty ones included; and
    what decides about them: ignore files, git's index and configuration, nested configuration files.
    A listing that is younger than two seconds more than the newest change is never current.

    Unseen go: an ignore file that git's configuration names in a place of its own, a link whose target
    turns from a file into something else, git itself being installed or removed, and a first file in a
    folder that bears a name of caches and environments (``node_modules``, ``__pycache__``).
    """
    return _state(root, listing.directories, listing.watched) == listing.state


def _state(root: str, directories: Iterable[str], watched: Iterable[str]) -> list[int]:
    """Modification times of the folders; modification times and sizes of what else is watched."""
    state = [_signature(f"{root}/{name}")[0] for name in directories]
    for name in watched:
        state.extend(_signature(os.path.join(root, name)))
    return state


def _signature(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # gone; or a path that a damaged cache made up
        return _MISSING, _MISSING
    return status.st_mtime_ns, status.st_size


class _Walk:
    """One walk over a workspace.

    ``known`` holds the files that git names, or None without git; ``not_ignored`` says which of several
    folders git does not ignore.
    """

    def __init__(
        self, root: str, known: set[str] | None, not_ignored: Callable[[list[str]], list[str]] | None
    ) -> None:
        self.python: list[str] = []
        self.launch: list[str] = []
        self.configuration: list[str] = []
        self.directories: list[str] = []
        self.watched: list[str] = []
        self.workspaces: list[str] = []
        self.unlisted: list[str] = []
        self.texts: list[str] = []
        self._root = root
        self._known = known
        self._not_ignored = not_ignored
        # Imported here: a warm run asks is_current() only, and needs no regular expressions for that.
        from celery_lint.files.commands.assigned import is_of_variables
        from celery_lint.files.commands.candidates import is_candidate
        from celery_lint.files.commands.mentions import is_text
        from celery_lint.files.commands.pythons import tells_python
        from celery_lint.files.dependencies import is_list

        self._tells = (is_candidate, is_list, tells_python)
        self._is_text = is_text
        self._is_of_variables = is_of_variables
        self._unsettled: list[str] = []  # folders without a known file: ignored by git, or merely empty
        self._with_files = _ancestors(known) if known is not None else set()

    def listing(self, started: int) -> Listing:
        """Walk, and freeze what was found. ``started`` is the time before the first look at the disk."""
        self._walk([""])
        while self._unsettled and self._not_ignored is not None:
            unsettled, self._unsettled = self._unsettled, []
            walked = self._not_ignored(unsettled)
            self.unlisted += set(unsettled).difference(walked)
            self._walk([f"{folder}/" for folder in walked])
        for found in (
            self.python,
            self.launch,
            self.configuration,
            self.directories,
            self.workspaces,
        ):
            found.sort()
        self.texts.sort(key=lambda path: (not self._is_of_variables(path), path))
        self.unlisted = sorted(set(self.unlisted))
        self.watched = sorted({*self.watched, *self.configuration})
        state = [
            value if value < started - _RACY_NANOSECONDS else _UNKNOWN
            for value in _state(self._root, self.directories, self.watched)
        ]
        return Listing(
            self.python,
            self.launch,
            self.configuration,
            self.directories,
            self.watched,
            state,
            self.workspaces,
            self.unlisted,
            self.texts,
        )

    def _walk(self, prefixes: list[str]) -> None:
        """Walk the folders of these prefixes (``""`` or ``"folder/"``) and all below them."""
        known = self._known
        while prefixes:
            prefix = prefixes.pop()
            try:
                with os.scandir(f"{self._root}/{prefix}") as entries:
                    content = list(entries)
            except OSError:  # gone, or not ours to read
                continue
            names = {entry.name for entry in content}
            if prefix and self._is_foreign(prefix, names):
                self.unlisted.append(prefix[:-1])
                continue
            self.directories.append(prefix[:-1] or ".")
            if known is not None and ".gitignore" in names:  # it may ignore itself
                self.watched.append(f"{prefix}.gitignore")
            hidden = prefix.startswith(".") or "/." in prefix
            for entry in content:
                name = entry.name
                path = prefix + name
                if name.endswith(".py"):
                    if (known is None or path in known) and _is_file(entry):
                        if not hidden:
                            self.python.append(path)
                        continue
                    if not hidden:
                        self.unlisted.append(path)
                elif name.endswith(_COMPILED) and not hidden:
                    self.unlisted.append(path)
                elif known is not None and path in known:
                    if _is_file(entry):
                        self._take(name, path)
                    else:  # a link to a folder, or a checkout of its own
                        self.unlisted.append(path)
                    continue
                if _is_folder(entry):
                    if name in _FOREIGN_FOLDERS:
                        continue
                    if known is None:
                        if self._is_entered(name, path):
                            prefixes.append(path + "/")
                        elif not name.startswith("."):
                            self.unlisted.append(path)
                    elif path in self._with_files:
                        prefixes.append(path + "/")
                    elif path + "/" not in known and path not in known:
                        self._unsettled.append(path)
                    else:  # a checkout of its own
                        self.unlisted.append(path)
                elif known is None and _is_file(entry):
                    self._take(name, path)
                elif entry.is_symlink() and not hidden:
                    self.unlisted.append(path)

    def _take(self, name: str, path: str) -> None:
        if name in CONFIGURATION_FILES or name == IGNORING:
            self.configuration.append(path)
        if name == IGNORING or any(tells(path) for tells in self._tells):
            self.launch.append(path)
        elif self._is_text(path):
            self.texts.append(path)

    def _is_foreign(self, prefix: str, names: set[str]) -> bool:
        """Whether the folder is not ours; it stays watched for the day when it becomes ours."""
        marks = [prefix + name for name in CONFIGURATION_FILES if name in names]
        self.watched.extend(marks)
        is_strange = not names.isdisjoint(_FOREIGN_CONTENT)
        if not is_strange and not (marks and is_marked(f"{self._root}/{prefix}")):
            return False
        if not is_strange:
            self.workspaces.append(prefix[:-1])
        self.watched.append(prefix[:-1])
        return True

    def _is_entered(self, name: str, path: str) -> bool:
        """Whether a folder outside git is entered, judged by its name alone."""
        if name.startswith("."):
            return name in _HIDDEN_FOLDERS_ENTERED
        if name in _BUILD_FOLDERS and not os.path.isfile(f"{self._root}/{path}/__init__.py"):
            self.watched.append(path)
            return False
        return not name.endswith(".egg-info")


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a loop of links, before Python 3.12
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _ancestors(paths: Iterable[str]) -> set[str]:
    """All folders above these paths."""
    found = {path.rpartition("/")[0] for path in paths}
    pending = list(found)
    while pending:
        above = pending.pop().rpartition("/")[0]
        if above not in found:
            found.add(above)
            pending.append(above)
    return found

"""The files of a workspace.

In a git checkout, git says which files count; elsewhere, and without git, everything does that is not
known to be somebody else's. Both ways end in one walk, because only a walk tells files from folders
and links, and because its folders are what :func:`is_current` watches on the next run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import NamedTuple

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

# Hidden folders are tools' own, but for these: deployments keep worker commands in them.
_HIDDEN_FOLDERS_ENTERED = frozenset(
    {".deploy", ".devcontainer", ".do", ".docker", ".ebextensions", ".helm", ".k8s", ".kube", ".platform"}
)

# A folder that holds one of these is an environment, a cache or another checkout.
_FOREIGN_CONTENT = frozenset({"pyvenv.cfg", "conda-meta", "CACHEDIR.TAG", *CHECKOUT_MARKERS})

# Set for hooks; they would make git look at another repository than the one asked about.
_REPOSITORY_VARIABLES = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
)

# Modification times may be as coarse as two seconds (FAT), so a younger one proves nothing.
_RACY_NANOSECONDS = 2_000_000_000

_MISSING = -1
_UNKNOWN = -2


class Listing(NamedTuple):
    """The files of a workspace: paths relative to its root with ``/`` between names, sorted.

    ``configuration`` holds ``pyproject.toml``, ``setup.cfg`` and ``.gitignore`` files, ``directories``
    every folder that was walked, the root being ``"."``. ``watched`` and ``state`` belong to
    :func:`is_current`. Everything is plain JSON.
    """

    python: list[str]
    launch: list[str]
    configuration: list[str]
    directories: list[str]
    watched: list[str]
    state: list[int]


def discover(root: str) -> Listing:
    """Find the files of the workspace.

    In a git checkout: what git tracks, or would if asked to add everything. Elsewhere: everything but
    build folders and ``*.egg-info``. In both: no Python file in a hidden folder, no folder that is a
    workspace or checkout of its own, no virtual environment, no cache, no ``node_modules``. Links to
    folders are not followed, links to files are; what is not a file on disk is left out, whatever its
    name.
    """
    started = time.time_ns()
    folder, git_directory = _checkout(root)
    if folder:
        output = _git(root, "ls-files", "-co", "--exclude-standard", "-z")
        if output:  # nothing at all: the root itself is ignored by a checkout around it
            walk = _Walk(root, set(os.fsdecode(output).split("\0")))
            walk.watched += _git_configuration(root, folder, git_directory)
            return walk.listing(started)
    return _Walk(root, None).listing(started)


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
    """One walk over a workspace. ``known`` holds the files that git names, or None without git."""

    def __init__(self, root: str, known: set[str] | None) -> None:
        self.python: list[str] = []
        self.launch: list[str] = []
        self.configuration: list[str] = []
        self.directories: list[str] = []
        self.watched: list[str] = []
        self._root = root
        self._known = known
        # Imported here: a warm run asks is_current() only, and needs no regular expressions for that.
        from celery_lint.files.launch import is_candidate

        self._is_candidate = is_candidate
        self._unsettled: list[str] = []  # folders without a known file: ignored by git, or merely empty
        self._with_files = _ancestors(known) if known is not None else set()

    def listing(self, started: int) -> Listing:
        """Walk, and freeze what was found. ``started`` is the time before the first look at the disk."""
        self._walk([""])
        while self._unsettled:
            unsettled, self._unsettled = self._unsettled, []
            self._walk(_not_ignored(self._root, unsettled))
        for found in (self.python, self.launch, self.configuration, self.directories):
            found.sort()
        self.watched = sorted({*self.watched, *self.configuration})
        state = [
            value if value < started - _RACY_NANOSECONDS else _UNKNOWN
            for value in _state(self._root, self.directories, self.watched)
        ]
        return Listing(self.python, self.launch, self.configuration, self.directories, self.watched, state)

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
                elif known is not None and path in known:
                    if _is_file(entry):
                        self._take(name, path)
                    continue
                if _is_folder(entry):
                    if name in _FOREIGN_FOLDERS:
                        continue
                    if known is None:
                        if self._is_entered(name, path):
                            prefixes.append(path + "/")
                    elif path in self._with_files:
                        prefixes.append(path + "/")
                    elif path + "/" not in known and path not in known:  # else: a checkout of its own
                        self._unsettled.append(path)
                elif known is None and _is_file(entry):
                    self._take(name, path)

    def _take(self, name: str, path: str) -> None:
        if name in CONFIGURATION_FILES or name == ".gitignore":
            self.configuration.append(path)
        elif self._is_candidate(path):
            self.launch.append(path)

    def _is_foreign(self, prefix: str, names: set[str]) -> bool:
        """Whether the folder is not ours; it stays watched for the day when it becomes ours."""
        marks = [prefix + name for name in CONFIGURATION_FILES if name in names]
        self.watched.extend(marks)
        if names.isdisjoint(_FOREIGN_CONTENT) and not (marks and is_marked(f"{self._root}/{prefix}")):
            return False
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


def _checkout(root: str) -> tuple[str, str]:
    """The top of the git checkout around the root, and its ``.git``; empty texts if there is none."""
    folder = root
    while True:
        git_directory = f"{folder}/.git"
        if os.path.exists(git_directory):
            return folder, git_directory
        above = os.path.dirname(folder)
        if above == folder:
            return "", ""
        folder = above


def _git_configuration(root: str, folder: str, git_directory: str) -> list[str]:
    """The files outside the walk that decide what git lists."""
    if os.path.isfile(git_directory):  # a worktree or a submodule: a file that names the directory
        with open(git_directory, encoding="utf-8", errors="surrogateescape") as file:
            git_directory = os.path.join(folder, file.read().removeprefix("gitdir:").strip())
    common = git_directory
    try:
        with open(f"{git_directory}/commondir", encoding="utf-8", errors="surrogateescape") as file:
            common = os.path.join(git_directory, file.read().strip())
    except OSError:
        pass  # not a worktree
    settings = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    found = [
        f"{git_directory}/index",
        f"{common}/info/exclude",
        f"{common}/config",
        f"{settings}/git/ignore",
        f"{settings}/git/config",
        os.path.expanduser("~/.gitconfig"),
    ]
    while root != folder:
        root = os.path.dirname(root)
        found.append(f"{root}/.gitignore")
    return found


def _not_ignored(root: str, folders: list[str]) -> list[str]:
    """The prefixes of those folders that git does not ignore; none of them if git cannot say."""
    ignored: set[str] = set()
    questions = [os.fsencode(folder) + b"\0" for folder in folders]
    while questions:
        question = b""
        # Question and answer have to fit into their pipes, because nobody reads while we write.
        while questions and len(question) + len(questions[-1]) < 16_384:
            question += questions.pop()
        output = _git(root, "check-ignore", "-z", "--stdin", question=question, accepted=(0, 1))
        if output is None:
            return []
        ignored.update(os.fsdecode(output).split("\0"))
    return [f"{folder}/" for folder in folders if folder not in ignored]


def _git(root: str, *arguments: str, question: bytes = b"", accepted: tuple[int, ...] = (0,)) -> bytes | None:
    """What git prints, or None if it is missing or refuses."""
    # A repository's own configuration may name a program as its file system monitor: don't run that.
    command = ["git", "-C", root, "-c", "core.fsmonitor=false", *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        code, output = _run(command, environment, question)
    except OSError:
        return None
    return output if code in accepted else None


def _run(command: list[str], environment: dict[str, str], question: bytes) -> tuple[int, bytes]:
    """Exit code and output of a command that reads the question, which has to fit into a pipe."""
    if not hasattr(os, "posix_spawnp"):
        import subprocess  # 10 ms of import, so only where it must be

        done = subprocess.run(command, env=environment, input=question, capture_output=True, check=False)
        return done.returncode, done.stdout
    asking, answering = os.pipe(), os.pipe()
    try:
        os.write(asking[1], question)
        process = os.posix_spawnp(
            command[0],
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, asking[0], 0),
                (os.POSIX_SPAWN_DUP2, answering[1], 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
    except OSError:
        os.close(answering[0])
        raise
    finally:
        for descriptor in (*asking, answering[1]):
            os.close(descriptor)
    with open(answering[0], "rb") as answer:
        output = answer.read()
    try:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), output
    except ChildProcessError:  # the host ignores SIGCHLD and the system has reaped the process already
        return (0 if output else 128), output

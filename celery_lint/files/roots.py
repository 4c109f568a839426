"""The workspace of a file: the folder whose files are known together.

Everything here is ``os.stat`` on a few names; a file is read only where a marker could stand in it.
"""

from __future__ import annotations

import os
import sys

from celery_lint.regular_files import LARGEST_CONFIGURATION, read_regular

CHECKOUT_MARKERS = (".git", ".hg")
"""What stands at the top of a version control checkout (``.git`` is a file in worktrees and submodules)."""

CONFIGURATION_FILES = ("pyproject.toml", "setup.cfg")
"""Where the linter's own configuration may stand."""

_TRUE = ("true", "yes", "on", "1")
_PROJECT_MARKERS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "manage.py",
    "tox.ini",
    "Pipfile",
    "requirements.txt",
)


def workspace(path: str) -> str:
    """The workspace of a file or folder, as an absolute path without links.

    The nearest ancestor whose configuration says ``root = true`` or that is the top of a version control
    checkout; else the highest ancestor with a project marker; else the folder itself.

    The search ends at the home folder and at the file system's root, which often hold a stray
    ``setup.cfg``. Home is a workspace only if it says so, or holds a checkout together with a project
    marker (without one, it is the checkout of somebody's settings); the file system's root only if it
    says so. The path need not exist: it may be the name of an unsaved buffer. One question costs about
    a tenth of a millisecond, so remember the answer per folder when asking for many files.
    """
    start = os.path.realpath(path)
    if not os.path.isdir(start):
        start = os.path.dirname(start)
    home = os.path.realpath(os.path.expanduser("~"))
    highest = ""
    folder = start
    while True:
        if is_marked(folder):
            return folder
        beyond = os.path.dirname(folder)
        if folder == beyond:
            return highest or start
        project = _holds(folder, _PROJECT_MARKERS)
        if (project or folder != home) and _holds(folder, CHECKOUT_MARKERS):
            return folder
        if folder == home:
            return highest or start
        if project:
            highest = folder
        folder = beyond


def is_marked(folder: str) -> bool:
    """Whether the folder's configuration says that it is a workspace of its own (``root = true``)."""
    return any(_says_root(os.path.join(folder, name)) for name in CONFIGURATION_FILES)


def _says_root(path: str) -> bool:
    """Whether ``root = true`` stands in our table of this file.

    The file is only parsed where both words occur, because ``tomllib`` costs more to import than a whole warm
    run, and this question is asked of every nested ``pyproject.toml``.
    """
    try:
        data = read_regular(path, LARGEST_CONFIGURATION, within=os.path.dirname(path))
    except OSError:
        return False
    if b"celery-lint" not in data or b"root" not in data.lower():
        return False
    if path.endswith(".toml"):
        return _says_root_in_toml(data)
    inside = False
    for line in data.decode("utf-8", "replace").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            inside = line.strip("[] \t") == "celery-lint"
        elif inside:
            key, _, value = line.partition("=")
            if key.strip().strip("\"'").lower() == "root":
                return value.strip().lower() in _TRUE
    return False


def _says_root_in_toml(data: bytes) -> bool:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: object = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # whoever reads the options tells
        return False
    for key in ("tool", "celery-lint", "root"):
        table = table.get(key) if isinstance(table, dict) else None
    return table is True or (isinstance(table, str) and table.strip().lower() in _TRUE)


def _holds(folder: str, names: tuple[str, ...]) -> bool:
    for name in names:
        try:
            os.stat(os.path.join(folder, name))
        except (OSError, ValueError):
            continue
        return True
    return False


def index_path(path: str, root: str) -> str:
    """A real path below the root as the index names it."""
    if path == root:
        return ""
    return path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def absolute_path(root: str, path: str) -> str:
    """A path as the index names it, as an absolute one."""
    return f"{root}/{path}" if root != "/" else f"/{path}"

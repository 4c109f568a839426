"""How a path is shown to the user."""

from __future__ import annotations

import os


def shown(path: str) -> str:
    """The path as the user would type it: relative to the working directory where that is possible.

    Names that are no path on disk (``<stdin>``) come back as they are.
    """
    if not os.path.isabs(path):
        return path
    try:
        base = os.getcwd()
    except OSError:  # the working directory has been removed
        return path
    if path.startswith(base) and path[len(base) : len(base) + 1] == os.sep:
        return path[len(base) + 1 :]
    try:
        return os.path.relpath(path, base)
    except ValueError:  # another drive
        return path

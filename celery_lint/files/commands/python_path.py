"""The folders that launch files put on Python's path by the variable ``PYTHONPATH``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.assigned import assigned
from celery_lint.model.folders import ABSOLUTE, ANYWHERE, Folder

VARIABLE = "PYTHONPATH"
# What only the run knows: the variables of shells, of supervisor and of templates, and what commands say.
_UNKNOWN = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|`[^`]*`|%\([^)]*\)s|\{\{[^}]*\}\}")
_MARK = "\0"
# A variable for one command alone: `PYTHONPATH=src pytest`, which counts where the command is about workers.
_DECLARES = re.compile(r"\b(?:ENV|environment|export|env)\b", re.IGNORECASE)
_COMMAND = re.compile(r"[\"']?[ \t]+(?![\w-]+=)[^\s\\&;#]")
_OF_WORKERS = re.compile(r"celery|worker", re.IGNORECASE)


def python_path(texts: Iterable[str]) -> tuple[Folder, ...]:
    """The folders that the texts of launch files put on the path."""
    return tuple(dict.fromkeys(folder for text in texts for folder in _folders_of(text)))


def _folders_of(text: str) -> Iterator[Folder]:
    """The folders that one launch file puts on the path."""
    for value, line, rest in assigned(text, VARIABLE):
        if _COMMAND.match(rest) and not _DECLARES.search(line) and not _OF_WORKERS.search(line + rest):
            continue
        for entry in _UNKNOWN.sub(_MARK, value).split(":"):
            below = entry.removeprefix(_MARK)
            base = ABSOLUTE if below == entry and entry.startswith("/") else ANYWHERE
            folder = Folder(base).below(below.lstrip("/")) if _MARK not in below else None
            if folder is not None and folder.path:
                yield folder

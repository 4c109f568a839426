"""The folders that launch files put on Python's path by the variable ``PYTHONPATH``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.launch import is_candidate
from celery_lint.model.folders import ABSOLUTE, ANYWHERE, Folder
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LARGEST = 262_144  # bytes, as of launch files
_VARIABLE = b"PYTHONPATH"
# `ENV PYTHONPATH /app/src`, `PYTHONPATH: src`, `environment=PYTHONPATH="/srv/shop"`, outside of comments;
# and as Kubernetes has it: a name, and on the next line the value.
_ASSIGNED = re.compile(
    r"""^(?![ \t]*#).*?(?<![\w$({-])PYTHONPATH["']?(?:[ \t]*:?=[ \t]*|:[ \t]+|[ \t]+)["']?([^\s"',;#]+)"""
    r"""|^[ \t]*(?:-[ \t]+)?name:[ \t]*["']?PYTHONPATH["']?[ \t]*\n[ \t]*value:[ \t]*["']?([^\s"'#]+)""",
    re.MULTILINE,
)
# What only the run knows: the variables of shells, of supervisor and of templates, and what commands say.
_UNKNOWN = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|`[^`]*`|%\([^)]*\)s|\{\{[^}]*\}\}")
_MARK = "\0"
# A variable for one command alone: `PYTHONPATH=src pytest`, which counts where the command is about workers.
_DECLARES = re.compile(r"\b(?:ENV|environment|export|env)\b", re.IGNORECASE)
_COMMAND = re.compile(r"[\"']?[ \t]+(?![\w-]+=)[^\s\\&;#]")
_OF_WORKERS = re.compile(r"celery|worker", re.IGNORECASE)


def python_path(root: str, paths: Iterable[str]) -> tuple[Folder, ...]:
    """The folders that launch files among these (relative to the root) put on the path."""
    found: dict[Folder, None] = {}
    for path in paths:
        if is_candidate(path):
            try:
                data = read_bytes(f"{root}/{path}", _LARGEST, within=root)
            except NotParsed:
                continue
            if _VARIABLE in data:
                found.update(dict.fromkeys(folders_of(data.decode("utf-8", "replace"))))
    return tuple(found)


def folders_of(text: str) -> Iterator[Folder]:
    """The folders that one launch file puts on the path."""
    text = text.replace("\r\n", "\n")
    for assigned in _ASSIGNED.finditer(text):
        line, rest = assigned[0], text[assigned.end() :].partition("\n")[0]
        if _COMMAND.match(rest) and not _DECLARES.search(line) and not _OF_WORKERS.search(line + rest):
            continue
        for entry in _UNKNOWN.sub(_MARK, assigned[1] or assigned[2]).split(":"):
            below = entry.removeprefix(_MARK)
            base = ABSOLUTE if below == entry and entry.startswith("/") else ANYWHERE
            folder = Folder(base).below(below.lstrip("/")) if _MARK not in below else None
            if folder is not None and folder.path:
                yield folder

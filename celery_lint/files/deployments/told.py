"""Whether all processes of Celery that launch files start are told a variable of the environment."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator

from celery_lint.files.commands.assigned import assigned
from celery_lint.files.commands.mentions import text_of
from celery_lint.files.deployments.services import services
from celery_lint.files.deployments.wholes import dockerfiles, kind_of
from celery_lint.model.commands import WorkerCommand

# What a service runs that reads the project's settings: it, or no other process, may be told the variable.
_OF_PYTHON = re.compile(r"\b(?:celery|daphne|gunicorn|hypercorn|manage\.py|python\d?|uvicorn|uwsgi)\b")
_ITEM = re.compile(r"""^\s*(?:-\s+)?(?:path:\s*)?["']?([^\s"'#,\]]+)""")


def is_told(root: str, files: Collection[str], commands: Iterable[WorkerCommand], variable: str) -> bool:
    """Whether each file that starts workers or beat gives all that it starts a value for the variable.

    By ``environment`` of compose files, with what anchors and files of variables give, by `ENV` of an image,
    by units and supervisor, by manifests, and before the command in all that a shell reads.
    ``files`` are those of the workspace that may say so.
    """
    lines: dict[str, list[int]] = {}
    for command in commands:
        lines.setdefault(command.path, []).append(command.line)
    return bool(lines) and all(
        _is_told(root, files, path, starting, variable) for path, starting in lines.items()
    )


def _is_told(root: str, files: Collection[str], path: str, lines: list[int], variable: str) -> bool:
    kind, text = kind_of(path), text_of(root, path)
    if kind == "compose":
        return all(_of_services(root, files, path, text, variable))
    if variable not in text:
        return False
    if kind == "image":
        return any(assigned(text, variable))
    if kind in ("unit", "programs") or path.endswith((".yml", ".yaml")):
        return len(list(assigned(text, variable))) >= len(lines)
    rows = text.split("\n")
    exported = kind != "procfile" and next(
        (number for number, row in enumerate(rows) if _exports(row, variable)), None
    )
    return all(
        f"{variable}=" in rows[line - 1] or (type(exported) is int and exported < line) for line in lines
    )


def _exports(row: str, variable: str) -> bool:
    return row.startswith(f"export {variable}=")


def _of_services(root: str, files: Collection[str], path: str, text: str, variable: str) -> Iterator[bool]:
    """Whether each service that may run Python is told the variable."""
    for service in services(text):
        started = " ".join(service.get(key, "") for key in ("command", "entrypoint"))
        if "build" in service or _OF_PYTHON.search(started):
            others = (
                *_named(path, service.get("env_file", "")),
                *(dockerfiles(path, service["build"]) if "build" in service else ()),
            )
            yield any(assigned(service.get("environment", ""), variable)) or any(
                any(assigned(text_of(root, other), variable)) for other in others if other in files
            )


def _named(path: str, named: str) -> Iterator[str]:
    """The files of variables that `env_file` names."""
    folder = posixpath.dirname(path)
    for line in named.split("\n"):
        found = _ITEM.match(line.lstrip(" ["))
        if found:
            yield posixpath.normpath(posixpath.join(folder, found[1]))

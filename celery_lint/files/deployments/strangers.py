"""What `-A` names although nothing that an image of the project is made of has that name.

A command of a service that is built here, or of a ``Procfile``, runs with the files of the project and what
its lists install. Where a name is neither in a path nor in any text that says what goes into the image, there
is no such module. Other services may be of images that bring programs of their own: they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.commands.mentions import is_text, text_of
from celery_lint.files.dependencies import is_list
from celery_lint.files.deployments.wholes import kind_of
from celery_lint.model.commands import WorkerCommand

_BUILD = re.compile(r"[ ]*build:(?![^\n]*(?:\$|://))")


def strangers(
    root: str,
    launch: list[str],
    python: list[str],
    directories: Iterable[str],
    commands: list[WorkerCommand],
) -> frozenset[str]:
    """The first names of what commands name that are names of nothing in the project."""
    asked: dict[str, list[WorkerCommand]] = {}
    for command in commands:
        top = re.split(r"[.:]", command.app)[0]
        if top.isidentifier():
            asked.setdefault(top, []).append(command)
    if not asked:
        return frozenset()
    known = {part.removesuffix(".py").lower() for path in (*python, *directories) for part in path.split("/")}
    unknown = {top: found for top, found in asked.items() if top.lower() not in known}
    texts = list(_texts(root, launch)) if unknown else []
    return frozenset(
        top
        for top, found in unknown.items()
        if any(_is_built_here(root, command) for command in found)
        and not any(_speaks_of(text, top) for text in texts)
    )


def _texts(root: str, launch: list[str]) -> Iterator[str]:
    """What says how images are made and services are started; lists of dependencies are read elsewhere."""
    for path in launch:
        if is_text(path) and (is_candidate(path) or not is_list(path)):
            yield text_of(root, path)


def _speaks_of(text: str, top: str) -> bool:
    """Whether a text has a name otherwise than as that of a module that is started."""
    name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(top)}(?![A-Za-z0-9])", re.IGNORECASE)
    return any(not _is_started(text, found) for found in name.finditer(text))


def _is_started(text: str, found: re.Match[str]) -> bool:
    before, after = text[max(0, found.start() - 12) : found.start()], text[found.end() : found.end() + 2]
    if re.search(r"(?:^|[\s\"'])(?:-A|--app)(?:[\s=]|[\"'],\s*[\"'])[\s\"']*$", before):
        return True
    # `gunicorn shop.wsgi`, `DJANGO_SETTINGS_MODULE=shop.settings`
    return re.match(r"\.[a-z_]", after) is not None and not before.endswith(("/", "-", ".", "@"))


def _is_built_here(root: str, command: WorkerCommand) -> bool:
    kind = kind_of(command.path)
    if kind == "procfile":
        return True
    if kind != "compose":
        return False
    lines = text_of(root, command.path).split("\n")
    return any(_BUILD.match(line) for line in _service(lines, command.line))


def _service(lines: list[str], number: int) -> Iterator[str]:
    """The keys of the service of a compose file that a line is in."""
    at = min(number, len(lines)) - 1
    while at >= 0 and not lines[at].lstrip().startswith(("command:", "entrypoint:")):
        at -= 1
    if at < 0:
        return
    depth = _depth(lines[at])
    for step in (-1, 1):
        position = at + step
        while 0 <= position < len(lines) and (
            not lines[position].strip() or _depth(lines[position]) >= depth
        ):
            if _depth(lines[position]) == depth:
                yield lines[position]
            position += step


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))

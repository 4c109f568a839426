"""What `-A` names although nothing that an image of the project is made of has that name.

A command of a service that is built here, of a script that such a service runs, or of a ``Procfile``, runs
with the files of the project and what its lists install. Where a name is neither in a path nor in any text
that says what goes into the image, there is no such module. Other services may be of images that bring
programs of their own: they say nothing.
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

# `container_name: shop-db`, `- POSTGRES_DB=shop`: the whole line says nothing else.
_OF_DATABASE = re.compile(
    r"""(?ix)\s*(?:-\s+|export\s+|ENV\s+)?["']?
    (?:container_name|hostname|server_name
    |\w*(?:DB|DATABASE|POSTGRES|MYSQL|MARIADB|MONGO|RABBITMQ|REDIS)\w*
    _(?:DB|DATABASE|NAME|USER|USERNAME|PASS|PASSWORD|VHOST))
    ["']?\s*[:=\s]\s*["']?[^\s"';$&|]*["']?\s*;?\s*(?:\#.*)?$"""
)
_OF_ADDRESSES = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@%+")
#: What fetches something from an address, which may be packages.
_FETCHING = ("ftp", "git", "http", "https", "ssh", "file")
_HOST = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|dev|de|eu|fr|in|info|io|ir|ru|uk|us)(?::\d+)?", re.IGNORECASE
)


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
        if any(_is_built_here(root, command, launch) for command in found)
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
    return any(
        not _is_started(text, found) and not _is_of_others(text, found) for found in name.finditer(text)
    )


def _is_of_others(text: str, found: re.Match[str]) -> bool:
    """Whether a name is that of a container, of a database or its user, or part of an address of one.

    Or of a host: none of these puts a module anywhere.
    """
    line = text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
    if _OF_DATABASE.match(line):
        return True
    start, end = found.span()
    while start and text[start - 1] in _OF_ADDRESSES:
        start -= 1
    while end < len(text) and text[end] in _OF_ADDRESSES:
        end += 1
    word = text[start:end].rstrip("/")
    scheme, colon, rest = word.rpartition("://")
    if colon and not scheme.endswith(_FETCHING):
        return True
    return _HOST.fullmatch(rest.partition("/")[0]) is not None and found.group() not in rest.partition("/")[2]


def _is_started(text: str, found: re.Match[str]) -> bool:
    before, after = text[max(0, found.start() - 12) : found.start()], text[found.end() : found.end() + 2]
    if re.search(r"(?:^|[\s\"'])(?:-A|--app)(?:[\s=]|[\"'],\s*[\"'])[\s\"']*$", before):
        return True
    # `gunicorn shop.wsgi`, `DJANGO_SETTINGS_MODULE=shop.settings`
    return re.match(r"\.[a-z_]", after) is not None and not before.endswith(("/", "-", ".", "@"))


def _is_built_here(root: str, command: WorkerCommand, launch: list[str]) -> bool:
    kind = kind_of(command.path)
    if kind == "procfile":
        return True
    if kind == "compose":
        lines = text_of(root, command.path).split("\n")
        return any(_BUILD.match(line) for line in _service(lines, command.line))
    return command.path.endswith(".sh") and any(
        _runs(root, path, command.path) for path in launch if kind_of(path) == "compose"
    )


def _runs(root: str, compose: str, script: str) -> bool:
    """Whether a service of a compose file that is built here is told to run a script."""
    folder = compose.rpartition("/")[0]
    below = script.removeprefix(f"{folder}/") if folder else script
    told = re.compile(rf"(?<![\w.-])(?:\./|/\w+/)?{re.escape(below)}(?![\w.-])")
    lines = text_of(root, compose).split("\n")
    return any(
        told.search(line) is not None and any(_BUILD.match(key) for key in _service(lines, number))
        for number, line in enumerate(lines, 1)
        if script.rpartition("/")[2] in line
    )


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

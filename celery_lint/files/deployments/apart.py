"""Compose files that are a whole deployment each: the workers, and the broker or the web process.

What starts workers beside them belongs to them, as far as anybody can tell: scripts, units, images. What does
not: another whole deployment, manifests of Kubernetes, and what platforms read. A service that gives no
command runs that of its image.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from celery_lint.files.commands.mentions import text_of
from celery_lint.files.deployments.wholes import (
    DEVELOPING,
    MANIFEST,
    Files,
    dockerfiles,
    files_of,
    kind_of,
    named_services,
    whole_services,
)
from celery_lint.model.commands import Apart, WorkerCommand
from celery_lint.model.purpose import is_development_path, originals

_BROKERS = ("keydb", "rabbitmq", "redis", "valkey", "dragonfly")
_SERVER = re.compile(
    r"\b(?:daphne|fastapi|flask|granian|gunicorn|hypercorn|uvicorn|uwsgi|waitress\S*)\b|wsgi|asgi"
)
_PLATFORM = re.compile(r"(?:procfile|(?:fly|heroku|railway|render)[-._]|app\.json|task-?_?def).*")
_GIVEN = re.compile(r"""(?<!\S)(?:-f|--file)[ =]?([^\s"']+)""")
_JOINED = re.compile(r"compose[\w.-]{0,80}[:,]\S{0,80}compose")
_SEPARATORS = re.compile(r"&&|[;|\n]")


def apart(
    root: str, launch: list[str], texts: list[str], python: list[str], commands: list[WorkerCommand]
) -> tuple[Apart, ...]:
    """The whole deployments among the files that start workers, and what may be started beside each."""
    starting = list(dict.fromkeys(command.path for command in commands if command.is_worker))
    if len(starting) < 2:  # one by itself is what all workers are
        return ()
    images = {path for path in starting if kind_of(path) == "image"}
    held = {path: text_of(root, path) for path in starting}
    held |= {path: text_of(root, path) for path in launch if images and kind_of(path) == "compose"}
    left = {path: _left(path, text, images) for path, text in held.items() if kind_of(path) == "compose"}
    composed = [path for path in left if path in starting or left[path]]
    if not composed:
        return ()
    files = files_of([*launch, *texts, *python])
    workers = {path: _whole(path, held[path], files, left[path]) for path in composed}
    starting = list(dict.fromkeys([*starting, *composed]))
    found = []
    for path in composed:
        own = workers[path]
        if not own or is_development_path(path) or any(originals(path)) or DEVELOPING.search(held[path]):
            continue
        beside = []
        for other in starting:
            if other == path or is_development_path(other) or any(originals(other)):
                continue
            if other in workers:
                its = workers[other]
                if not its:
                    break  # it may be put on top of this one
                if not its <= own:
                    beside.append(other)
            elif not _stands_apart(other, held[other]):
                beside.append(other)
        else:
            found.append(Apart(path, tuple(beside), tuple(dict.fromkeys(left[path].values()))))
    if not found or any(_merges(text_of(root, path)) for path in launch):
        return ()
    return tuple(found)


def _left(path: str, text: str, images: Collection[str]) -> dict[str, str]:
    """The services of a compose file that run what an image starts by itself, each with its Dockerfile."""
    return {
        name: built
        for name, service in (named_services(text) if images else ())
        if "build" in service and not _run(service).strip()
        for built in dockerfiles(path, service["build"])
        if built in images
    }


def _whole(path: str, text: str, files: Files, left: Collection[str]) -> frozenset[str]:
    """The services of a compose file that run Celery, where it is a whole deployment."""
    services = whole_services(path, text, files)
    if services is None:
        return frozenset()
    celery = {name for name, service in services.items() if "celery" in _run(service) or name in left}
    others = [service for name, service in services.items() if name not in celery]
    whole = any(_is_broker(service) or _SERVER.search(_run(service)) for service in others)
    return frozenset(celery) if whole else frozenset()


def _is_broker(service: Mapping[str, str]) -> bool:
    return any(word in service.get("image", "") for word in _BROKERS)


def _run(service: Mapping[str, str]) -> str:
    return service.get("entrypoint", "") + service.get("command", "")


def _stands_apart(path: str, text: str) -> bool:
    name = path.lower().rpartition("/")[2]
    return bool(_PLATFORM.fullmatch(name) or (name.endswith((".yml", ".yaml")) and MANIFEST.search(text)))


def _merges(text: str) -> bool:
    """Whether a text puts a file on top of another: by `-f a.yml -f b.yml`, or `COMPOSE_FILE=a.yml:b.yml`."""
    if "compose" not in text:
        return False
    if "COMPOSE_FILE" in text and _JOINED.search(text):
        return True
    for command in _SEPARATORS.split(text.replace("\\\n", " ")):
        named = command.partition(" logs ")[0]  # `logs -f` follows them
        given = _GIVEN.findall(named) if "compose" in named else []
        if sum("compose" in each or "$" in each for each in given) > 1:
            return True
    return False

"""What an image starts unless it is told something else, and whether anything leaves it to that.

The `CMD` of an image is only a default (https://docs.docker.com/reference/dockerfile/#cmd): where each
deployment that a project shows gives a command of its own, it never runs. A file whose use of an image cannot
be told leaves it to its default.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from celery_lint.files.commands.mentions import is_pipeline, is_text, speaks_of_workers, text_of
from celery_lint.files.commands.shell import logical_lines
from celery_lint.files.deployments.elsewhere import files_elsewhere, may_deploy
from celery_lint.files.deployments.services import services
from celery_lint.files.deployments.wholes import (
    DEVELOPING,
    MANIFEST,
    Files,
    dockerfiles,
    files_of,
    is_public,
    is_variable,
    kind_of,
    name_of_image,
)
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.purpose import is_development_path, originals

# Words of paths and names that tell no image from another.
_COMMON = frozenset(
    {
        "", "build", "compose", "containerfile", "deploy", "deployment", "docker", "dockerfile",
        "dockerfiles", "image", "images", "infra", "prod", "production", "services", "src",
    }
)  # fmt: skip
_SEPARATORS = re.compile(r"[-_./:@]+")
_CONTAINER = re.compile(r"""(?m)^([ -]*)image:[ \t]*["']?([^\s"'#]+)""")
_OWN_COMMAND = ("command", "entrypoint")
_NO_COMMAND = frozenset({"", "null", "~", "[]", '""', "''"})
_BUILT = r"""(?:\bcontext[ \t]*[:=]|\bbuild\b.*)[\s"'=]*(?:\./)?{}/?(?![\w./-])"""
# What platforms read that run images.
_PLATFORM = re.compile(
    r"(?:app\.json|captain-definition|cloudbuild\.|dockerrun|(?:fly|heroku|railway|render)[-._]).*"
    r"|.*(?:task-?_?def|container-?_?def).*\.json"
)
_TOLD = re.compile(
    r"""(?m)(?:^|[{,])[\s-]*["']?(?:dockerCommand|startCommand|command|cmd|entrypoint|run)["']?\s*[:=]"""
    r"|^\[processes\]"
)
_IMAGE_OF_JSON = re.compile(r'"image"\s*:\s*"([^"]+)"')
_RUNNING = re.compile(
    r"\b(?:docker|podman|nerdctl)\s+(?:container\s+|service\s+)?(?:run|create)\b(.*)", re.DOTALL
)
# What deploys images so that nobody sees which command they get.
_ELSEWHERE = re.compile(
    r"gcloud run|gcloud beta run|aws ecs|amazon-ecs|az containerapp|az webapp|webapps-deploy|flyctl"
    r"|fly deploy|railway up|heroku container|doctl apps|deploy-cloudrun|apprunner"
)


class _Image(NamedTuple):
    """An image of the project: its Dockerfile, and the words that tell it from the others."""

    path: str
    words: frozenset[str]
    others: frozenset[str]


def defaults(
    root: str, launch: list[str], texts: list[str], commands: list[WorkerCommand]
) -> tuple[WorkerCommand, ...] | None:
    """The commands of images that are always told another one.

    ``None`` where no image has one, and the texts that are no launch files need not be read.
    """
    found: list[WorkerCommand] = []
    own: dict[str, list[WorkerCommand]] = {}
    for command in commands:
        if kind_of(command.path) == "image":
            own.setdefault(command.path, []).append(command)
    given = {path: _given_by_default(text_of(root, path), each) for path, each in own.items()}
    if not any(given.values()):
        return None
    pipelines = [path for path in texts if is_pipeline(path)]
    held = {path: text_of(root, path) for path in (*launch, *pipelines)}
    if _starts_elsewhere(held, files_of([*launch, *texts])):
        return ()
    paths = [path for path in launch if kind_of(path) == "image"]
    for path, by_default in given.items():
        if by_default and _is_told(_image(path, paths), held):
            found += by_default
    return tuple(found)


def is_idle(
    root: str, texts: list[str], commands: list[WorkerCommand], never: tuple[WorkerCommand, ...]
) -> bool:
    """Whether nothing but the commands that never run would start a worker, as far as texts tell."""
    if any(command.is_worker for command in commands):
        return False
    images = {command.path for command in never}
    held = {path: text_of(root, path) for path in texts if is_text(path) and path not in images}
    return not any(speaks_of_workers(path, text) for path, text in held.items()) and not _starts_elsewhere(
        held, files_of(texts)
    )


def starts_others(launch: list[str], commands: list[WorkerCommand]) -> bool:
    """Whether files that list processes are there, and none of them starts a worker."""
    if any(command.is_worker or command.refused for command in commands):
        return False
    return any(kind_of(path) not in ("", "programs") for path in launch)


def _starts_elsewhere(held: Mapping[str, str], files: Files) -> bool:
    """Whether a text starts a deployment with a file that is not there: nobody sees what that does."""
    return any(any(files_elsewhere(path, text, files)) for path, text in held.items() if may_deploy(path))


def _given_by_default(text: str, commands: list[WorkerCommand]) -> list[WorkerCommand]:
    """Those of a Dockerfile's commands whose program a `CMD` names."""
    lines: set[int] = set()
    for line, logical in logical_lines(text):
        if logical.lstrip()[:4].upper() in ("CMD ", "CMD[", "CMD\t"):
            lines.update(range(line, line + logical.count("\n") + 1))
    return [command for command in commands if command.line in lines]


def _image(path: str, paths: list[str]) -> _Image:
    words = _words(path)
    others = frozenset().union(*(_words(each) for each in paths if each != path))
    return _Image(path, words, others - words)


def _words(path: str) -> frozenset[str]:
    """What tells an image from others: its folder, and what the name of its Dockerfile says besides."""
    folder, _, name = path.lower().rpartition("/")
    return frozenset(_SEPARATORS.split(f"{folder.rpartition('/')[2]}.{name}")) - _COMMON


def _is_told(image: _Image, held: Mapping[str, str]) -> bool:
    """Whether some deployment runs an image, and each gives it a command of its own."""
    told = False
    names = {name for path, text in held.items() for name in _names(image, path, text)}
    for path, text in held.items():
        uses = list(_uses(image, path, text, names))
        if not all(uses):
            return False
        told = told or (bool(uses) and not _is_for_development(path, text))
    return told


def _is_for_development(path: str, text: str) -> bool:
    return is_development_path(path) or any(originals(path)) or DEVELOPING.search(text) is not None


def _uses(image: _Image, path: str, text: str, names: Collection[str]) -> Iterator[bool]:
    """Whether each use that a file makes of an image gives it a command of its own."""
    name = path.lower().rpartition("/")[2]
    if kind_of(path) == "compose":
        yield from _of_services(image, path, text, names)
    elif kind_of(path) == "image":
        return
    elif is_pipeline(path):
        if _named_in(image, path, text) and _ELSEWHERE.search(text):
            yield False
    elif _PLATFORM.fullmatch(name):
        yield from _of_platform(image, path, text, names)
    elif name.endswith((".yml", ".yaml")):
        if MANIFEST.search(text):
            yield from _of_containers(image, text, names)
        elif _named_in(image, path, text):
            yield False
    else:
        for _, line in logical_lines(text) if "run" in text or "create" in text else ():
            for run in _RUNNING.finditer(line):
                if "celery" not in run[1] and any(_may_be(image, each, names) for each in run[1].split()):
                    yield False


# ---------------------------------------------------------------------- compose files


def _of_services(image: _Image, path: str, text: str, names: Collection[str]) -> Iterator[bool]:
    for service in services(text):
        told = any(_is_command(service[key]) for key in _OWN_COMMAND if key in service)
        if "build" in service:
            built = dockerfiles(path, service["build"])
            if image.path in built or not built:
                yield told
        elif "image" in service:
            if _may_be(image, service["image"], names):
                yield told
        elif not told and ("extends" in service or "<<" in service):
            yield False


def _is_command(text: str) -> bool:
    return text.split(" #")[0].strip() not in _NO_COMMAND and not is_variable(text)


def _names(image: _Image, path: str, text: str) -> Iterator[str]:
    """What the compose files that build an image call it."""
    for service in services(text) if kind_of(path) == "compose" and "build" in text else ():
        if "image" in service and image.path in dockerfiles(path, service.get("build", "")):
            yield name_of_image(service["image"])


# ---------------------------------------------------------------------- other files


def _of_containers(image: _Image, text: str, names: Collection[str]) -> Iterator[bool]:
    lines = text.split("\n")
    for found in _CONTAINER.finditer(text):
        if _may_be(image, found[2], names):
            yield _has_command(lines, text.count("\n", 0, found.start()), len(found[1]))


def _has_command(lines: list[str], number: int, column: int) -> bool:
    """Whether the container that a line belongs to is told what to run; its keys begin in this column."""
    key = re.compile(rf"[ -]{{{column}}}(?:command|args):")
    for step in (-1, 1):
        at = number
        while 0 <= at < len(lines):
            line = lines[at]
            content = len(line) - len(line.lstrip(" -")) if line.strip() else column
            begins = line[:column].rstrip().endswith("-") and content == column
            if content < column or (begins and step == 1 and at != number):
                break
            if key.match(line):
                return True
            if begins and step == -1:
                break
            at += step
    return False


def _of_platform(image: _Image, path: str, text: str, names: Collection[str]) -> Iterator[bool]:
    """The uses of a platform's file, as far as they can be counted: as many as are named."""
    uses = text.count(image.path.rpartition("/")[2]) if _named_in(image, path, text) else 0
    uses += sum(_may_be(image, each, names) for each in _IMAGE_OF_JSON.findall(text))
    looked_for = path.removesuffix(path.rpartition("/")[2]) + "Dockerfile"
    if not uses and "dockerfile" not in text.lower() and image.path in (looked_for, "Dockerfile"):
        uses = 1
    if uses:
        yield len(_TOLD.findall(text)) >= uses


def _named_in(image: _Image, path: str, text: str) -> bool:
    """Whether a text names a Dockerfile, or builds its folder, seen from the root or from where it stands."""
    own = path.rpartition("/")[0]
    for start in ("", f"{own}/" if own else ""):
        inner = image.path.removeprefix(start)
        folder, _, _ = inner.rpartition("/")
        if inner in text:
            return True
        if folder and "build" in text and re.search(_BUILT.format(re.escape(folder)), text):
            return True
    return False


def _may_be(image: _Image, text: str, names: Collection[str]) -> bool:
    """Whether an image that a deployment names may be this one."""
    name = name_of_image(text)
    if not name or "$" in name or "{{" in text:
        return True
    if name in names:
        return True
    words = frozenset(_SEPARATORS.split(name.lower().rpartition("/")[2]))
    if words & image.words:
        return True
    if words & image.others:
        return False
    owner = name.rpartition("/")[0]
    return not is_public(text) or (owner != "" and any(each.startswith(f"{owner}/") for each in names))

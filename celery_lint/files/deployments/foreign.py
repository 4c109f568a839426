"""Commands in compose files that start another product: nothing here builds its image."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from celery_lint.files.commands.mentions import is_pipeline, text_of
from celery_lint.files.deployments.services import services
from celery_lint.files.deployments.wholes import kind_of, name_of_image
from celery_lint.model.commands import WorkerCommand

_ENDS = (".py", "/__init__.py", "/celery.py")
_BUILDING = re.compile(r"\bbuildx?\b|build-push-action|\bkaniko\b|\bdocker push\b|\bbuildah\b")
# A folder of the workspace, in whatever form volumes are written: `.:/app`, `source: ./backend`.
_MOUNTED = re.compile(r"""(?m)^[- \t\["']*(?:source:\s*["']?)?(?:\.|\$\{?PWD)""")


def foreign(
    root: str, launch: list[str], texts: list[str], python: Collection[str], commands: list[WorkerCommand]
) -> list[WorkerCommand]:
    """Those whose application is no module here, and whose service runs an image of somebody else.

    One that nothing here builds, with an owner in its name, and with no folder of the project in it.
    """
    suspects = [each for each in commands if kind_of(each.path) == "compose" and each.app]
    suspects = [each for each in suspects if not _is_here(root, each.app, python)] if suspects else []
    found = []
    for command in suspects:
        running = [each for each in services(text_of(root, command.path)) if _starts(each, command.app)]
        if running and all(_is_of_others(each) for each in running):
            names = {name_of_image(each["image"]) for each in running}
            if not any(_is_built(name, root, [*launch, *filter(is_pipeline, texts)]) for name in names):
                found.append(command)
    return found


def _is_here(root: str, app: str, python: Collection[str]) -> bool:
    """Whether files may be what ``-A`` names, in whatever folder: a module, or what one says."""
    dotted, colon, _ = app.removesuffix(".py").partition(":")
    if not all(part.isidentifier() for part in dotted.split(".")):
        return True
    path = dotted.replace(".", "/")
    package, _, leaf = path.rpartition("/")
    if any(f"/{each}".endswith(tuple(f"/{path}{end}" for end in _ENDS)) for each in python):
        return True
    ends = tuple(f"/{package}{end}" for end in _ENDS) if package and not colon else ()
    bound = re.compile(rf"(?m)^(?:.*\bimport\b.*\b|[ \t]*){leaf}\b(?:[ \t]*[:=,]|[ \t]*$)|import \*")
    return any(
        f"/{each}".endswith(ends) and bound.search(text_of(root, each)) is not None for each in python if ends
    )


def _starts(service: Mapping[str, str], app: str) -> bool:
    return any(app in service.get(key, "") for key in ("command", "entrypoint"))


def _is_of_others(service: Mapping[str, str]) -> bool:
    image = service.get("image", "")
    if "build" in service or "extends" in service or not image:
        return False
    name = name_of_image(image)
    return "/" in name and "$" not in name and not _MOUNTED.search(service.get("volumes", ""))


def _is_built(name: str, root: str, paths: list[str]) -> bool:
    """Whether a file here builds an image of this name, as far as it says its last word."""
    leaf = name.rpartition("/")[2]
    return any(leaf in text and any(_builds(path, text, leaf)) for path, text in _read(root, paths))


def _read(root: str, paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield path, text_of(root, path)


def _builds(path: str, text: str, leaf: str) -> Iterator[bool]:
    if kind_of(path) == "compose":
        yield from (leaf in each.get("image", "") for each in services(text) if "build" in each)
    else:
        yield _BUILDING.search(text) is not None

"""Folders with an application that no launch file builds, beside the one that all of them build.

A rewrite leaves the old product where it was: `old/backend` beside `backend`, or a first sketch in
`src/backend`. Nobody starts it. A repository may also hold several services, and the other one is started
elsewhere: so a folder counts only if its name says so, or if it is a copy, with the same packages and a task
of the same name. What is built must be known, but for a copy with the name of its neighbour, and nothing may
say the name of the folder.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.mentions import PROSE, is_pipeline, text_of
from celery_lint.files.deployments.wholes import built, kind_of, named_services
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.purpose import (
    is_kept_name,
    is_product_path,
    kept_folder,
    kept_of,
    name_words,
    says_kept,
)

_COPIED = re.compile(r"(?mi)^[ \t]*(?:COPY|ADD)[ \t]+((?:.*\\\n)*.*)$")
# The root itself, given to a container: whatever is in it may be started there.
_MOUNTED = re.compile(
    r"""(?m)^[ \t]*(?:-[ \t]*)?(?:source:[ \t]*)?["']?(?:\.{1,2}/?|\$\{?PWD\}?/?)(?::|["']?$)"""
)
_OF_BLUEPRINT = re.compile(r"(?m)^[ \t-]*(?:dockerContext|rootDir):[ \t]*[\"']?([^\s\"'#]+)")
_OF_PIPELINE = re.compile(r"(?m)^[^#\n]*\bdocker[ \t]+(?:buildx[ \t]+)?build[ \t](?:.*\\\n)*.*$")
_TASK = re.compile(r"(?m)^@[\w.]*(?:task|job)\b.*\n(?:[@ \t)#].*\n)*?(?:async[ \t]+)?def[ \t]+(\w+)")
# What every sketch has.
_USUAL = frozenset({"add", "debug_task", "example_task", "health_check", "ping", "test", "test_task"})
_MIGRATIONS = "migrations"  # which all applications of Django have
_ENTERED = (
    r"(?:\bcd|\bpushd|-C|--directory|--prefix|[Dd]irectory:|context:|rootDir:|path:)[ \t]+[\"']?(?:\./)?"
)
_IMAGE = ("dockerfile", "containerfile")
# What makes images, of folders that stand on its line, in a list before it, or in a file beside it.
_BUILDING = re.compile(
    r"\b(?:bake|buildah|buildctl|docker|img|nerdctl|pack|podman)\b[^\n]*\b(?:bud|build)\b"
    r"|\bbuild-push-action\b|\bkaniko\b|\bskaffold\b"
)
_BUILDING_FILES = ("docker-bake", "skaffold")
# All folders that there are.
_ALL_FOLDERS = re.compile(
    r"\bin[ \t]+(?:\./)?\*/?(?:[ \t;]|$)|\bls[ \t]+-d[ \t]+(?:\./)?\*/|-i?name[ \t]+[\"']?dockerfile"
    r"|\bwildcard[ \t]+\*/",
    re.IGNORECASE | re.MULTILINE,
)
_COMMENT = re.compile(r"(?m)(?:^|[ \t])#.*$")
# Lines that build nothing, whatever they name.
_TELLING = re.compile(r"(?mi)^.*(?:\b(?:echo|printf|rmi)\b|\b(?:description|name):).*$")


def left_behind(
    root: str, launch: list[str], texts: list[str], python: list[str], commands: Iterable[WorkerCommand]
) -> tuple[str, ...] | None:
    """The folders that nobody starts anything of; ``None`` where only launch files were asked for that.

    ``launch``, ``texts`` and ``python`` are all files of the workspace.
    """
    starting = list(commands)
    if not any(command.is_worker for command in starting):
        return None
    copies = {folder for folder, own in _kept_beside(python).items() if _is_copy(root, folder, own, python)}
    found = sorted(copies | set(_unbuilt(root, launch, texts, python, starting)))
    if not found:
        return None
    told = [(path, text_of(root, path)) for path in (*launch, *texts, *python) if not path.endswith("ignore")]
    return tuple(folder for folder in found if not any(_says(folder, python, *each) for each in told))


def _unbuilt(
    root: str, launch: list[str], texts: list[str], python: list[str], commands: list[WorkerCommand]
) -> Iterator[str]:
    """The folders of which no image is made, where it is known what all of them are made of."""
    folders = set(_built(root, launch))
    if not folders or "" in folders:
        return
    folders |= {folder for path in texts if is_pipeline(path) for folder in _of_pipeline(text_of(root, path))}
    homes = {folder for folder in folders if folder and _within(folder, python)}
    candidates = _candidates(homes, launch, python) if homes and "" not in folders else {}
    for folder, home in candidates.items():
        if _is_elsewhere(folder, homes, commands, python) and (
            home is None or _is_copy(root, folder, home, python)
        ):
            yield folder


# ---------------------------------------------------------------------- what is built


def _built(root: str, launch: list[str]) -> Iterator[str]:
    """The folders that images are made of; the root itself, ``""``, where nobody can tell."""
    for path in launch:
        kind = kind_of(path)
        if kind == "compose":
            text = text_of(root, path)
            for _, service in named_services(text):
                if _MOUNTED.search(service.get("volumes", "")):
                    yield ""
                elif "build" in service and not service["build"].startswith("*"):
                    yield from _of_service(root, path, service["build"], launch)
        elif kind == "blueprint":
            for found in _OF_BLUEPRINT.finditer(text_of(root, path)):
                yield _plain(found[1])


def _of_service(root: str, path: str, build: str, launch: list[str]) -> Iterator[str]:
    given = built(path, build)
    if given is None:
        yield ""
        return
    context, name = given
    if _plain(context):
        yield _plain(context)
        return
    image = posixpath.normpath(name)
    yield from _sources(text_of(root, image)) if image in launch else [""]


def _sources(text: str) -> Iterator[str]:
    """What an image that is built of the root takes of it."""
    for found in _COPIED.finditer(text):
        given = found[1].replace("\\\n", " ").split()
        words = [word for word in given if not word.startswith("--")]
        if not words or any(word.startswith("--from") for word in given):
            continue
        for word in words[:-1] if not words[0].startswith("[") else ["."]:
            folder, _, leaf = _plain(word).rpartition("/")
            if any(sign in folder for sign in "*$?["):
                yield ""
            elif any(sign in leaf for sign in "*$?["):
                yield from () if "." in leaf else (folder,)
            elif "." not in leaf:
                yield _plain(word)


def _of_pipeline(text: str) -> Iterator[str]:
    for found in _OF_PIPELINE.finditer(text):
        yield from (_plain(word) for word in found[0].split()[-1:] if "$" not in word)


def _plain(folder: str) -> str:
    plain = posixpath.normpath(folder.strip("\"'"))
    return "" if plain == "." or plain.startswith("..") else plain.lstrip("/")


# ---------------------------------------------------------------------- what is not


def _candidates(homes: set[str], launch: list[str], python: list[str]) -> dict[str, str | None]:
    """The folders that may be left behind, and what each may be a copy of if its name does not say so."""
    own = {path.rpartition("/")[0] for path in launch if path.lower().rpartition("/")[2].startswith(_IMAGE)}
    leaves = {home.rpartition("/")[2]: home for home in sorted(homes)}
    found: dict[str, str | None] = {}
    for path in filter(is_product_path, python):
        kept = kept_folder(path)
        if kept:
            found[kept] = None
            continue
        folders = path.split("/")[:-1]
        for place, folder in enumerate(folders):
            whole = "/".join(folders[: place + 1])
            if any(is_kept_name(folder, leaf) for leaf in leaves):
                found[whole] = None
            elif folder in leaves and whole in own:
                found[whole] = leaves[folder]
    return {
        folder: home
        for folder, home in found.items()
        if not any(_is_in(folder, each) or _is_in(each, folder) for each in homes)
    }


def _kept_beside(python: list[str]) -> dict[str, str]:
    """The folders that the names of their neighbours say they are kept of: `shop_backup_20240131`, `shop`."""
    beside: dict[str, dict[tuple[str, ...], str]] = {}
    kept: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in filter(is_product_path, python):
        folders = path.split("/")[:-1]
        for place, folder in enumerate(folders):
            upper = "/".join(folders[:place])
            beside.setdefault(upper, {}).setdefault(name_words(folder), folder)
            if original := kept_of(folder):
                kept[posixpath.join(upper, folder)] = upper, original
    return {
        folder: posixpath.join(upper, beside[upper][original])
        for folder, (upper, original) in kept.items()
        if original in beside[upper]
    }


def _is_in(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def _within(folder: str, paths: Iterable[str]) -> list[str]:
    return [path[len(folder) + 1 :] for path in paths if path.startswith(f"{folder}/")]


def _is_elsewhere(folder: str, homes: set[str], commands: list[WorkerCommand], python: list[str]) -> bool:
    """Whether all that is started outside of a folder is what images of other folders hold."""
    outside = [command for command in commands if not _is_in(command.path, folder)]
    return any(command.is_worker for command in outside) and all(
        any(_holds(home, command.app, python) for home in homes) for command in outside
    )


def _holds(home: str, app: str, python: list[str]) -> bool:
    dotted, colon, _ = app.removesuffix(".py").partition(":")
    if not all(part.isidentifier() for part in dotted.split(".")):
        return False
    names = [dotted] if colon or "." not in dotted else [dotted, dotted.rpartition(".")[0]]
    ends = tuple(
        f"/{name.replace('.', '/')}{end}" for name in names for end in (".py", "/__init__.py", "/celery.py")
    )
    return any(f"/{path}".endswith(ends) for path in _within(home, python))


def _is_copy(root: str, folder: str, home: str, python: list[str]) -> bool:
    """Whether two folders have packages of the same names, and a task of the same name."""
    tops = [
        {path.partition("/")[0] for path in _within(each, python) if "/" in path} - {_MIGRATIONS}
        for each in (folder, home)
    ]
    if tops[0].isdisjoint(tops[1]) or not tops[0]:
        return False
    first, second = (set(_tasks(root, each, python)) for each in (folder, home))
    return not first.isdisjoint(second)


def _tasks(root: str, folder: str, python: list[str]) -> Iterator[str]:
    for path in _within(folder, filter(is_product_path, python)):
        text = text_of(root, f"{folder}/{path}")
        if "task" in text:
            yield from (found[1] for found in _TASK.finditer(text) if found[1] not in _USUAL)


def _says(folder: str, python: list[str], path: str, text: str) -> bool:
    """Whether a text outside of a folder says its name, as a path or as that of a module."""
    leaf = folder.rpartition("/")[2]
    if _is_in(path, folder):
        return False
    if leaf not in text:
        return _ALL_FOLDERS.search(text) is not None and _builds(folder, path, text)
    inside = sorted({each.partition("/")[0].removesuffix(".py") for each in _within(folder, python)})
    parts = folder.split("/")
    steps = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    entered = "|".join(map(re.escape, steps))
    within = "" if len(parts) > 1 else rf"[/\\](?:{'|'.join(map(re.escape, inside))})"
    named = rf"(?<![\w-]){re.escape(folder)}{within}(?![\w-])|{_ENTERED}(?:{entered})/?(?![\w/-])"
    if re.search(named, text) or _builds(folder, path, text):
        return True
    # From whichever folder modules are looked for in, but for names that those of another folder have, too.
    own = max((place for place, part in enumerate(parts) if says_kept(part)), default=0)
    ends = "|".join(re.escape(".".join(parts[first:])) for first in range(own + 1))
    return path.endswith(".py") and bool(
        re.search(rf"(?m)^[ \t]*(?:from|import)[ \t]+(?:{ends})\b|[\"'](?:{ends})[.\"']", text)
    )


def _builds(folder: str, path: str, text: str) -> bool:
    """Whether a file that makes images names a folder, or takes all folders: in a loop, a list, a matrix."""
    name = path.lower().rpartition("/")[2]
    if path.endswith(".py") or name.endswith(PROSE):
        return False
    if _BUILDING.search(text) is None and not name.startswith(_BUILDING_FILES):
        return False
    said = _TELLING.sub("", _COMMENT.sub("", text))
    upper = folder.rpartition("/")[0]
    among = rf"|{re.escape(upper)}/[*$]" if upper else ""
    word = rf"(?<![\w./-])(?:\./)?(?:{re.escape(folder)}/?(?![\w./-]|:\S){among})"
    return _ALL_FOLDERS.search(said) is not None or re.search(word, said) is not None

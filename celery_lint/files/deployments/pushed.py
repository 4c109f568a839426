"""Images of workers that a pipeline gives to a registry, and that no file here starts anything from.

Whoever takes them from there deploys the workers: a repository of manifests, or a console. The compose file
beside the pipeline builds its images itself, so that it is not what runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from celery_lint.files.commands.mentions import is_pipeline
from celery_lint.model.commands import Elsewhere

_PUSHING = re.compile(r"(?m)^[^#\n]*(?:\bpush:[ \t]*(?:true|[\"']?\$)|\bdocker push\b|--push\b)")
# A pipeline that starts the product itself does so with the files that are here.
_ALL_OF_IT = re.compile(r"\b(?:compose|stack)\b")
_IS_STARTED = re.compile(r"\b(?:up|deploy)\b")
_KEY = re.compile(r"^[ \t-]*(?:context|dockerfile|file|images?|repo|repository|tags)[ \t]*:[ \t]*(\S.*)$")
_COMMAND = re.compile(r"\bdocker[ \t]+(?:buildx[ \t]+)?(?:build|push)[ \t](.*)$")
_EXPRESSION = re.compile(r"\$\{\{[^{}]*\}\}")
_OF_WORKERS = re.compile(r"(?i)(?<![a-z])(?:celery|workers?)(?![a-z])")
# Where a file says what it starts something from: `image: shop/worker`, `"image": "shop/worker"`.
_STARTED = re.compile(r"(?im)^[^#\n]*\bimage[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"']+)")


def pushed_elsewhere(paths: Iterable[str], text_of: Callable[[str], str]) -> list[Elsewhere]:
    """The images of workers that pipelines push, if no other file of a workspace starts one.

    ``paths`` are all texts that the workspace has; most are only asked for if a pipeline pushes something.
    """
    others: list[str] = []
    found: list[Elsewhere] = []
    for path in paths:
        if is_pipeline(path):
            found.extend(Elsewhere(path, name, True) for name in _pushed(text_of(path)))
        else:
            others.append(path)
    return found if found and not any(_starts_workers(text_of(path)) for path in others) else []


def _pushed(text: str) -> Iterator[str]:
    lines = text.split("\n")
    if not _PUSHING.search(text) or any(map(_starts_all, lines)):
        return
    for line in lines:
        plain = _EXPRESSION.sub("x", line)
        said = [found[1] for found in (_KEY.search(plain), _COMMAND.search(plain)) if found is not None]
        for word in " ".join([*said, _tag(plain)]).translate(_QUOTES).split():
            if _is_of_workers(word):
                yield word


def _starts_all(line: str) -> bool:
    """Whether a line starts all that a file of services speaks of: two searches, one after the other."""
    code = line.partition("#")[0]
    file = _ALL_OF_IT.search(code)
    return file is not None and _IS_STARTED.search(code, file.end()) is not None


def _tag(line: str) -> str:
    """One of several tags below their key: the name of an image with its registry or owner, by itself."""
    word = line.lstrip(" \t-").rstrip(" \t")
    alone = len(word.split(None, 1)) == 1
    return word if alone and "/" in word and ":" in word.rpartition("/")[2] else ""


_QUOTES = str.maketrans(dict.fromkeys("\"',[]{}", " "))


def _is_of_workers(word: str) -> bool:
    """Whether a word names the image of workers, its Dockerfile, or the folder that it is made of."""
    head, _, leaf = word.rstrip("/").rpartition("/")
    name = leaf.partition(":")[0]
    if "dockerfile" in name.lower():
        name = f"{head.rpartition('/')[2]}/{name}"
    return _OF_WORKERS.search(name) is not None


def _starts_workers(text: str) -> bool:
    return "image" in text and any(_is_of_workers(found[1]) for found in _STARTED.finditer(text))

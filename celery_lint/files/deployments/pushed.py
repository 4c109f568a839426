"""Images of workers that a pipeline gives to a registry, and that no file here starts anything from.

Whoever takes them from there deploys the workers: a repository of manifests, or a console. The compose file
beside the pipeline builds its images itself, so that it is not what runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from celery_lint.files.commands.mentions import is_pipeline
from celery_lint.model.commands import Elsewhere

_PUSHING = re.compile(r"(?m)^[^#\n]*(?:\bpush:[ \t]*(?:true|[\"']?\$)|\bdocker push\b|--push\b)")
# A pipeline that starts the product itself does so with the files that are here.
_STARTING = re.compile(r"(?m)^[^#\n]*\b(?:compose|stack)\b[^#\n]*\b(?:up|deploy)\b")
_KEY = re.compile(r"^[ \t-]*(?:context|dockerfile|file|images?|repo|repository|tags)[ \t]*:[ \t]*(\S.*)$")
_COMMAND = re.compile(r"\bdocker[ \t]+(?:buildx[ \t]+)?(?:build|push)[ \t](.*)$")
# One of several tags below their key: the name of an image with its registry or owner, and nothing besides.
_TAG = re.compile(r"^[ \t-]*(\S+/\S+:\S+)[ \t]*$")
_EXPRESSION = re.compile(r"\$\{\{[^}]*\}\}")
_OF_WORKERS = re.compile(r"(?i)(?<![a-z])(?:celery|workers?)(?![a-z])")
# Where a file says what it starts something from: `image: shop/worker`, `"image": "shop/worker"`.
_STARTED = re.compile(r"(?im)^[^#\n]*\bimage[\"']?[ \t]*[:=][ \t]*[\"']?([^\s\"']+)")


def pushed_elsewhere(texts: Mapping[str, str]) -> Iterator[Elsewhere]:
    """The images of workers that pipelines push, of all texts of a workspace, if none of these starts one."""
    found = [
        Elsewhere(path, name, True)
        for path, text in texts.items()
        if is_pipeline(path)
        for name in _pushed(text)
    ]
    if found and not any(_starts_workers(text) for path, text in texts.items() if not is_pipeline(path)):
        yield from found


def _pushed(text: str) -> Iterator[str]:
    if not _PUSHING.search(text) or _STARTING.search(text):
        return
    for line in text.split("\n"):
        plain = _EXPRESSION.sub("x", line)
        for said in filter(None, (pattern.search(plain) for pattern in (_KEY, _COMMAND, _TAG))):
            for word in said[1].translate(_QUOTES).split():
                if _is_of_workers(word):
                    yield word


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

"""The services of a compose file, with what they take from anchors of the same file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.files.deployments.wholes import keys_of, named_services

_ANCHOR = re.compile(r"(?m)^( *)(?:- +)?[\w.-]+:[ \t]*&([\w-]+)[ \t]*(?:#.*)?$")
_MERGED = re.compile(r"\*([\w-]+)")
_ENVIRONMENT = "environment"


def services(text: str) -> Iterator[dict[str, str]]:
    """What the services of a compose file have, with what they take from anchors."""
    anchors = _anchors(text) if "*" in text else {}
    for _, service in named_services(text):
        keys: dict[str, str] = {}
        for name in reversed(_MERGED.findall(service.get("<<", ""))):
            keys.update(keys_of(anchors.get(name, [])))
        keys.update(service)
        given = keys.get(_ENVIRONMENT, "")
        named = [name for name in _MERGED.findall(given) if name in anchors] if anchors else ()
        for name in named:
            given += "\n" + "\n".join(anchors[name])
        yield {**keys, _ENVIRONMENT: given} if named else keys


def _anchors(text: str) -> dict[str, list[str]]:
    """The lines below what an anchor names."""
    anchors: dict[str, list[str]] = {}
    lines = text.split("\n")
    for found in _ANCHOR.finditer(text):
        number = text.count("\n", 0, found.start()) + 1
        block = []
        for line in lines[number:]:
            if line.strip() and len(line) - len(line.lstrip()) <= len(found[1]):
                break
            if line.strip() and not line.lstrip().startswith("#"):
                block.append(line)
        anchors[found[2]] = block
    return anchors

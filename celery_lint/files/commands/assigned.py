"""What launch files give to variables of the environment: `ENV`, `environment:`, `export`, `env:`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.model.records import NamedTuple
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LARGEST = 262_144  # bytes, as of launch files
# `ENV PYTHONPATH /app/src`, `PYTHONPATH: src`, `environment=PYTHONPATH="/srv/shop"`, outside of comments;
# and as Kubernetes has it: a name, and on the next line the value.
_ASSIGNED = (
    r"""^(?![ \t]*#).*?(?<![\w$({-])%s["']?(?:[ \t]*:?=[ \t]*|:[ \t]+|[ \t]+)["']?([^\s"',;#]+)"""
    r"""|^[ \t]*(?:-[ \t]+)?name:[ \t]*["']?%s["']?[ \t]*\n[ \t]*value:[ \t]*["']?([^\s"'#]+)"""
)
# Names of variables that hold the address of a broker, and what an address begins with.
_OF_ADDRESS = re.compile(
    r"""(?<![\w$({-])([A-Z][A-Z0-9_]*)["']?[ \t]*[:=]?[ \t]*["']?(?:\$\{\w+:?-)?(?:amqp|redis|sqs)"""
)
_SCHEME = re.compile(r"(?:\$\{\w+:?-)?([A-Za-z][A-Za-z0-9+.-]*)://")
# A file of variables alone is none of those that start something.
_OF_VARIABLES = re.compile(r"(?:^|[._-])env(?:[._-]|$)")


class Assigned(NamedTuple):
    """A value that a variable is given: its text, the line up to there, and what follows on the line."""

    text: str
    line: str
    rest: str


def is_of_variables(path: str) -> bool:
    """Whether a file of this path holds variables alone: `.env.example`, `deploy/env.prod`."""
    return _OF_VARIABLES.search(path.lower().rpartition("/")[2]) is not None


def saying(root: str, paths: Iterable[str], words: tuple[bytes, ...]) -> list[str]:
    """The texts of those files (relative to the root) that give variables and say one of these words."""
    found = []
    for path in paths:
        if is_candidate(path) or is_of_variables(path):
            try:
                data = read_bytes(f"{root}/{path}", _LARGEST, within=root)
            except NotParsed:
                continue
            if any(word in data for word in words):
                found.append(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    return found


def assigned(text: str, variable: str) -> Iterator[Assigned]:
    """What a text gives to a variable."""
    if variable not in text:
        return
    for found in re.finditer(_ASSIGNED % (variable, variable), text, re.MULTILINE):
        yield Assigned(found[1] or found[2], found[0], text[found.end() :].partition("\n")[0])


def schemes(texts: Iterable[str]) -> dict[str, frozenset[str]]:
    """The schemes of the addresses that variables are given, by variable; empty for a value that has none."""
    texts = list(texts)
    names = {name for text in texts if "://" in text for name in _OF_ADDRESS.findall(text)}
    return {
        name: frozenset(_scheme(each.text) for text in texts for each in assigned(text, name))
        for name in sorted(names)
    }


def _scheme(value: str) -> str:
    """The scheme of an address, be it only one by default: `${BROKER:-redis://broker}`."""
    known = _SCHEME.match(value)
    return known[1].lower() if known is not None else ""

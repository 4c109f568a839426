"""Colours for a terminal, and text that cannot trouble one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, TextIO

from celery_lint.diagnostics import Severity

_ESCAPE, _RESET = "\x1b[", "\x1b[0m"
_SEVERITIES = {"error": "1;31", "warning": "1;33", "advice": "1;36"}


class Paint(NamedTuple):
    """Puts text into colours, or leaves it alone where there are none."""

    colours: bool

    def severity(self, text: str, severity: Severity) -> str:
        """In the colour of the severity."""
        return self._paint(text, _SEVERITIES[severity])

    def strong(self, text: str) -> str:
        """What the eye should find first."""
        return self._paint(text, "1")

    def frame(self, text: str) -> str:
        """Line numbers, bars and arrows."""
        return self._paint(text, "1;34")

    def good(self, text: str) -> str:
        """Nothing to complain about."""
        return self._paint(text, "32")

    def _paint(self, text: str, style: str) -> str:
        return f"{_ESCAPE}{style}m{text}{_RESET}" if self.colours and text else text


def wanted(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this stream gets colours: a terminal does, unless the user's environment decides.

    See https://no-color.org and https://force-color.org; ``NO_COLOR`` wins.
    """
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return environment["FORCE_COLOR"] != "0"
    return stream.isatty() and environment.get("TERM") != "dumb"


def printable(text: str) -> str:
    """The text with every control, bidirectional and undecodable character escaped, on one line.

    Messages quote the user's source, and a file name may hold anything: neither may move the cursor, nor
    give orders to a service that reads its log for commands.
    """
    if "##" in text:
        text = without_commands(text, "\\x23")
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in text
    )


def without_commands(text: str, sharp: str) -> str:
    """The text with another character (or characters) for the second sharp of ``##vso[`` and the like.

    Azure Pipelines and the older form of GitHub's workflow commands (``##[add-path]``) are obeyed anywhere
    in a line, TeamCity's ``##teamcity[`` at its start.
    """
    start = text.find("##")
    while start >= 0:
        end = start + 2
        while text[end : end + 1].isalpha():
            end += 1
        if text[end : end + 1] == "[":
            text = f"{text[: start + 1]}{sharp}{text[start + 2 :]}"
        start = text.find("##", start + 1)
    return text


def opening(text: str) -> str:
    """A printable text that begins a line, where ``::`` would be a workflow command of GitHub.

    A path stays a path: ``./::x.py``. Blanks before it make no difference to GitHub.
    """
    text = printable(text)
    return f"./{text}" if text.lstrip().startswith("::") else text

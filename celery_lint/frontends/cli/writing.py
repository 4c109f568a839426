"""How the command writes files of the user's."""

from __future__ import annotations

import sys

from celery_lint.frontends.cli.arguments import UsageError
from celery_lint.paths import shown
from celery_lint.reports.colours import printable


def rewrite(path: str, before: bytes, after: bytes) -> None:
    """Write a file that is still what it was when it was read. Raises UsageError where that fails."""
    name = printable(shown(path))
    try:
        with open(path, "rb+") as stream:
            if stream.read() != before:
                raise UsageError(f"{name} has changed meanwhile: run it again")
            stream.seek(0)
            stream.write(after)
            stream.truncate()
    except OSError as error:
        raise UsageError(f"cannot write {name}: {error.strerror or error}") from None


def write(text: str, path: str) -> None:
    """Write a text to this file, or to standard output without one. Raises UsageError where that fails."""
    if not path:
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"cannot write {printable(shown(path))}: {reason}") from None

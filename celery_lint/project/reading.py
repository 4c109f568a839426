"""From files to facts, in one process or in several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.model.reader import read_module
from celery_lint.source import NotParsed, Source, read

Reading = Module | Unparsed


def facts_of(path: str, data: bytes | str) -> Reading:
    """The facts of a text, or why there are none. Whatever the text is, nothing is raised."""
    try:
        return read_module(path, Source(path, data))
    except NotParsed as error:
        return error.unparsed
    except (RecursionError, MemoryError):
        return Unparsed(path, 1, "too deeply nested to be read")


class Read(NamedTuple):
    """What became of some files: their facts, and how many were looked at."""

    readings: dict[str, Reading]


def read_files(
    root: str,
    paths: Iterable[str],
    passes: Callable[[bytes], bool] | None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Reading]:
    """The readings of those files whose content passes."""
    readings: dict[str, Reading] = {}
    for done, path in enumerate(paths):
        if progress is not None and done % 100 == 0:
            progress(done)
        try:
            data = read(f"{root}/{path}")
        except NotParsed as error:
            # Nobody knows whether it has to do with Celery; a file that cannot be read is worth a word.
            readings[path] = error.unparsed._replace(path=path)
            continue
        if passes is None or passes(data):
            readings[path] = facts_of(path, data)
    return readings

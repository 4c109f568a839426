"""What the plugins of other linters share: the options they pass on, and one question per file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from celery_lint import engine
from celery_lint.configuration import ConfigurationError, load
from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.scopes import closest_table
from celery_lint.files import roots
from celery_lint.import_path import own_path
from celery_lint.options import OPTIONS, Option
from celery_lint.reports.colours import printable
from celery_lint.reports.concise import words

PREFIX = "celery-lint-"
_PATH = own_path()  # as it is when a host loads its plugins, before it looks at any code


def options() -> Iterator[tuple[str, Option]]:
    """The options that other linters offer, by the name that they have there."""
    for option in OPTIONS:
        if option.linters:
            yield f"{PREFIX}{option.key}", option


def overrides(namespace: object, extend_select: Iterable[str]) -> tuple[tuple[str, object], ...]:
    """What the user of another linter has set there; an empty text leaves our own table alone."""
    given: list[tuple[str, object]] = []
    for name, option in options():
        value = getattr(namespace, name.replace("-", "_"), "")
        if value:
            given.append((option.key, value))
    return (*given, ("extend-select", tuple(extend_select)))


def is_own(selector: str) -> bool:
    """Whether a selector means some of our rules; the bare ``CEL`` means the plugin, not every preset."""
    return selector.startswith("CEL") and len(selector) > len("CEL")


# pylint asks once per family of rules for the same file.
@lru_cache(maxsize=1)
def diagnostics(
    path: str | None, text: bytes | str, given: tuple[tuple[str, object], ...]
) -> tuple[Diagnostic, ...]:
    """The diagnostics of one file; what goes wrong is one of them, because a host would die of it.

    Messages are printable, whatever they quote: hosts write them as they are.
    """
    settings: Mapping[str, object] = dict(given)
    path_of_host, sys.path = sys.path, _PATH
    try:
        report = engine.check_text(path, text, None, overrides=settings, suppress=False)
        show_help = bool(report.diagnostics) and _shows_help(os.path.dirname(path or ""), given)
    except ConfigurationError as error:
        return (_failure(path, f"celery-lint is not configured: {error}"),)
    except Exception as error:
        return (_failure(path, " ".join(f"celery-lint failed: {type(error).__name__}: {error}".split())),)
    finally:
        sys.path = path_of_host
    return tuple(found._replace(message=words(found, show_help=show_help)) for found in report.diagnostics)


@lru_cache(maxsize=64)
def _shows_help(folder: str, given: tuple[tuple[str, object], ...]) -> bool:
    """Whether the options of this folder want the remedy behind each message."""
    there = os.path.realpath(folder or os.curdir)
    return load(closest_table(there, roots.workspace(there)), dict(given)).show_help


def _failure(path: str | None, message: str) -> Diagnostic:
    return Diagnostic(path or "", 1, 1, 1, 1, "CEL999", "internal-error", printable(message), "", "error")

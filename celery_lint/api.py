"""The linter for programs: scripts, bots, tests of a project.

    from celery_lint import api

    report = api.check(["shop"], options={"preset": "strict", "ignore": ["CEL510"]})
    for found in report.diagnostics:
        print(found.path, found.line, found.code, found.message)

What stands in ``__all__`` is stable: names and fields are added, never changed or removed without a word in
the changelog. Everything else in the package may change with any release. Nothing of the code that is checked
is imported or run.

What is raised: :class:`ConfigurationError` for options that cannot be used, whether they are given here or
stand in the project; ``FileNotFoundError`` for a path that is not there. A rule that fails raises nothing: it
is a diagnostic ``CEL999``, and ``report.failed`` is true.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from typing import Any

from celery_lint import engine
from celery_lint.configuration import ConfigurationError
from celery_lint.diagnostics import Diagnostic, Related, Report, Severity, Unparsed
from celery_lint.reports import json as json_report

__all__ = [
    "ConfigurationError",
    "Diagnostic",
    "Related",
    "Report",
    "Severity",
    "Unparsed",
    "check",
    "check_text",
    "document",
    "schema",
]


def check(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = ".",
    *,
    options: Mapping[str, object] = {},
) -> Report:
    """Check files and folders as ``celery-lint check`` does.

    Each file is judged with its whole project in view and reported once, sorted by place. ``options`` are
    laid over those of the project and have their names and values: ``{"pool": ["gevent"], "cache": False}``;
    lists of rules and patterns to leave out add to the project's. Paths of the report are absolute.
    """
    asked = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    for path in asked:
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return engine.check_paths(asked, None, overrides=options)


def check_text(
    text: str | bytes,
    path: str | os.PathLike[str] | None = None,
    *,
    options: Mapping[str, object] = {},
) -> Report:
    """Check the text of one file as it is in an editor, within its project as it is on disk now.

    ``path`` is where the text would be saved; nothing has to be there yet. Without it the text is a project
    of its own, and its path in the report is ``<stdin>``. ``options`` as for :func:`check`.
    """
    engine.forget()
    return engine.check_text(None if path is None else os.fspath(path), text, None, overrides=options)


def document(report: Report) -> dict[str, Any]:
    """The report as ``--output-format json`` writes it, paths relative to the working directory."""
    return json_report.to_document(report)


def schema() -> dict[str, Any]:
    """The JSON schema of :func:`document`, which lies in the package as ``reports/report.schema.json``."""
    return json_report.schema()

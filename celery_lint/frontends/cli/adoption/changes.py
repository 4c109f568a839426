"""``celery-lint check --diff-base REV``: only what stands on lines that have changed since a revision."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.files.revisions import Revision, UnknownRevision, changed_lines, revision_around
from celery_lint.frontends.cli.arguments import UsageError
from celery_lint.paths import shown
from celery_lint.source import NotParsed, read


def narrowed(report: Report, revision: str, folder: str, buffers: Mapping[str, bytes]) -> Report:
    """The report without what stands on lines that are as they were. ``buffers`` are texts of an editor.

    Raises UsageError for a revision that the folder's checkout, or that of a diagnostic, does not know.
    """
    with ExitStack() as stack:
        revisions: dict[str, Revision] = {}

        def revision_of(folder: str) -> Revision:
            if folder not in revisions:
                found = revision_around(folder, revision)
                known = next((r for r in revisions.values() if r.folder == found.folder), None)
                revisions[folder] = known or stack.enter_context(found)
            return revisions[folder]

        changed: dict[str, set[int] | None] = {}

        def is_new(found: Diagnostic) -> bool:
            if found.code == "CEL999":  # that the linter fails is always told
                return True
            path = found.path
            if path not in changed:
                before = revision_of(os.path.dirname(path)).text(path)
                now = buffers[path] if path in buffers else read(path)
                changed[path] = None if before is None else changed_lines(before, now)
            lines = changed[path]
            return lines is None or not lines.isdisjoint(range(found.line, found.end_line + 1))

        try:
            assert revision_of(os.path.realpath(folder)).commit  # also where nothing is found
            return report.only([found for found in report.diagnostics if is_new(found)])
        except UnknownRevision as error:
            raise UsageError(f"--diff-base: {error}") from None
        except NotParsed as error:
            raise UsageError(f"--diff-base: {shown(error.unparsed.path)} {error.unparsed.message}") from None

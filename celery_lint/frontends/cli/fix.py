"""``celery-lint check --fix`` and ``--diff``: files are mended, or it is shown how they would be."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from celery_lint import engine
from celery_lint.diagnostics import Report
from celery_lint.engine.fixing import Fixed, fixed
from celery_lint.frontends.cli.writing import rewrite
from celery_lint.paths import shown
from celery_lint.reports.summary import counted


def fixes(report: Report, flags: Mapping[str, str], overrides: Mapping[str, object]) -> list[Fixed]:
    """How the files of a report can be fixed; nothing is written."""

    def check(texts: Mapping[str, str]) -> Report:
        return engine.check_texts(texts, None, overrides=overrides)

    return list(fixed(report, "--unsafe-fixes" in flags, check))


def write(files: list[Fixed]) -> None:
    """Write the files that have not changed since they were read. Raises UsageError where that fails."""
    for file in files:
        rewrite(file.path, file.before, file.after)


def show(files: list[Fixed]) -> None:
    """Write what would change to standard output, as a unified diff that ``git apply`` takes."""
    import difflib

    for file in files:
        name = shown(file.path).replace(os.sep, "/")
        before, after = (
            data.decode("utf-8", "surrogateescape").splitlines(keepends=True)
            for data in (file.before, file.after)
        )
        for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
            sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def summary(files: list[Fixed]) -> str:
    """One line about what was fixed."""
    count = sum(sum(file.codes.values()) for file in files)
    return f"Fixed {counted(count, 'place')} in {counted(len({file.path for file in files}), 'file')}"

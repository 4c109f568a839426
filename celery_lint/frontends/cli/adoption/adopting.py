"""The flags of ``celery-lint check`` for a project that has diagnostics already."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping

from celery_lint.diagnostics import Report
from celery_lint.frontends.cli.arguments import FIXING, UsageError
from celery_lint.paths import shown
from celery_lint.reports.colours import printable
from celery_lint.reports.summary import counted

_CHOOSING = ("select", "ignore", "extend-select", "preset", "exclude", "per-file-ignores", "min-severity")

Checked = Callable[[], Collection[str]]
"""Asks for the files that were checked, as absolute paths: it costs a walk, and few runs want to know."""


def narrowed(
    report: Report,
    flags: Mapping[str, str],
    folder: str,
    buffers: Mapping[str, bytes] = {},
    checked: Checked | None = None,
    overrides: Collection[str] = (),
) -> Report:
    """The report without what is known or was there before; entries of the baseline that are gone leave it.

    ``buffers`` are texts of an editor, ``overrides`` the options of the command line: where those choose
    rules, nobody knows which entries are gone. Raises UsageError for a flag that cannot be obeyed.
    """
    check_flags(flags, bool(buffers))
    if "--baseline" in flags:
        from celery_lint.frontends.cli.adoption.baseline import Baseline

        baseline = Baseline(flags["--baseline"])
        report, left = baseline.without_known(report)
        if left and checked is not None and not report.failed and not set(_CHOOSING) & set(overrides):
            gone = baseline.gone(left, _parsed(report, checked))
            if gone:
                sys.stderr.write(f"celery-lint: warning: {printable(baseline.shrink(gone))}\n")
    if "--diff-base" in flags:
        from celery_lint.frontends.cli.adoption import changes

        report = changes.narrowed(report, flags["--diff-base"], folder, buffers)
    return report


def _parsed(report: Report, checked: Checked) -> set[str]:
    """The files that were checked: nothing is known of one that cannot be parsed today."""
    return set(checked()).difference(entry.path for entry in report.unparsed)


def check_flags(flags: Mapping[str, str], of_text: bool) -> None:
    """Raise UsageError for flags that contradict each other."""
    if "--write-baseline" in flags:
        for other in ("--baseline", "--diff-base", "--add-noqa"):
            if other in flags:
                raise UsageError(f"--write-baseline and {other} exclude each other")
    for flag in FIXING:
        for other in ("--write-baseline", "--add-noqa"):
            if flag in flags and other in flags:
                raise UsageError(f"{flag} and {other} exclude each other")
    for flag in ("--write-baseline", "--add-noqa", *FIXING):
        if of_text and flag in flags:
            raise UsageError(f"{flag} needs files: a text on standard input has no place for it")


def acted(report: Report, flags: Mapping[str, str], checked: Checked) -> int | None:
    """Write what the flags ask for in place of a report, and return the exit code; None for a report."""
    code = 2 if report.failed else 0
    if "--write-baseline" in flags:
        from celery_lint.frontends.cli.adoption.baseline import Baseline

        path = flags["--write-baseline"]
        number = Baseline(path).write(report, _parsed(report, checked))
        entries = counted(number, "entry", "entries")
        sys.stdout.write(
            f"Wrote {entries} to {printable(path)}: --baseline {printable(path)} leaves them out\n"
        )
        return code
    if "--add-noqa" in flags:
        from celery_lint.frontends.cli.adoption.silencing import silence

        comments, files, left = silence(report.diagnostics)
        sys.stdout.write(f"Added {counted(comments, 'comment')} in {counted(files, 'file')}\n")
        for found in left:
            place = f"{printable(shown(found.path))}:{found.line}"
            sys.stderr.write(f"{place}: has no place for a comment: {found.code}\n")
        return code or int(bool(left) and "--exit-zero" not in flags)
    return None

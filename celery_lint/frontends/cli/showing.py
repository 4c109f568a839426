"""How a report reaches the user: in which forms, in which colours, where, and with which exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TextIO

from celery_lint import __version__
from celery_lint.diagnostics import Report
from celery_lint.frontends.cli.arguments import UsageError
from celery_lint.options import Configuration
from celery_lint.reports.colours import Paint, wanted

_FOR_PEOPLE = ("full", "concise", "grouped")
_DEFAULT = "full"


class Showing:
    """What the command line and the options say about showing a report."""

    def __init__(self, flags: Mapping[str, str], configuration: Configuration) -> None:
        self._statistics = configuration.statistics
        self._show_help = configuration.show_help
        self._when = flags.get("--color", "auto")
        self._quiet = "--quiet" in flags
        self._exit_zero = "--exit-zero" in flags
        # Of several forms without a file the last one wins; a file on top leaves standard output as it is.
        plain = [form for form in configuration.output_format if ":" not in form]
        self._forms = [((plain or [_DEFAULT])[-1], flags.get("--output-file", ""))]
        for form in configuration.output_format:
            name, colon, file = form.partition(":")
            if colon:
                self._forms.append((name, file))

    def show(self, report: Report, buffers: Mapping[str, bytes]) -> int:
        """Write the report, and return the exit code. ``buffers`` are texts that are not those on disk.

        Raises UsageError for a file that cannot be written.
        """
        for form, path in self._forms:
            if not path:
                self._write(form, report, sys.stdout, buffers)
                continue
            try:
                with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
                    self._write(form, report, file, buffers)
            except OSError as error:
                raise UsageError(f"cannot write the report: {path}: {error.strerror or error}") from None
        if report.failed:
            return 2
        return int(report.blocking > 0 and not self._exit_zero)

    def _write(self, form: str, report: Report, stream: TextIO, buffers: Mapping[str, bytes]) -> None:
        if form in _FOR_PEOPLE:
            self._write_for_people(form, report, stream, buffers)
        elif form == "json":
            from celery_lint.reports import json

            json.write(report, stream, statistics=self._statistics, buffers=buffers)
        elif form == "sarif":
            from celery_lint.reports import sarif

            sarif.write(report, stream, version=__version__, buffers=buffers)
        elif form == "github":
            from celery_lint.reports import github

            github.write(report, stream)
        elif form == "gitlab":
            from celery_lint.reports import gitlab

            gitlab.write(report, stream)
        else:
            from celery_lint.reports import junit

            junit.write(report, stream)

    def _write_for_people(
        self, form: str, report: Report, stream: TextIO, buffers: Mapping[str, bytes]
    ) -> None:
        from celery_lint.reports.summary import not_checked, summary

        colours = self._colours(stream)
        if self._statistics:
            from celery_lint.reports import statistics

            statistics.write(report, stream, colours=colours)
        elif form == "concise":
            from celery_lint.reports import concise

            concise.write(report, stream, colours=colours, show_help=self._show_help)
        elif form == "grouped":
            from celery_lint.reports import grouped

            grouped.write(report, stream, colours=colours, show_help=self._show_help)
        elif report.diagnostics:
            from celery_lint.reports import full

            full.write(report, stream, colours=colours, buffers=buffers)
        if form != "concise" and not self._quiet:
            stream.write(f"{summary(report, Paint(colours))}\n")
        stream.flush()
        # Lines of the concise form are counted and parsed by programs: what is no diagnostic goes elsewhere.
        sys.stderr.writelines(f"{line}\n" for line in not_checked(report))
        if form == "concise" and not self._quiet:
            sys.stderr.write(f"{summary(report, Paint(self._colours(sys.stderr)))}\n")

    def _colours(self, stream: TextIO) -> bool:
        return wanted(stream) if self._when == "auto" else self._when == "always"

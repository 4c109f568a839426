"""How a report reaches the user: in which form, in which colours, where, and with which exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TextIO

from celery_lint.diagnostics import Report
from celery_lint.frontends.cli.arguments import UsageError
from celery_lint.options import Configuration
from celery_lint.reports.colours import Paint, wanted


class Showing:
    """What the command line and the options say about showing a report."""

    def __init__(self, flags: Mapping[str, str], configuration: Configuration) -> None:
        self._format = configuration.output_format
        self._statistics = configuration.statistics
        self._when = flags.get("--color", "auto")
        self._file = flags.get("--output-file", "")
        self._quiet = "--quiet" in flags
        self._exit_zero = "--exit-zero" in flags

    def show(self, report: Report, buffers: Mapping[str, bytes]) -> int:
        """Write the report, and return the exit code. ``buffers`` are texts that are not those on disk.

        Raises UsageError for a file that cannot be written.
        """
        if self._file:
            try:
                with open(self._file, "w", encoding="utf-8", errors="backslashreplace") as file:
                    self._write(report, file, buffers)
            except OSError as error:
                raise UsageError(f"--output-file: {self._file}: {error.strerror or error}") from None
        else:
            self._write(report, sys.stdout, buffers)
        if report.failed:
            return 2
        return int(report.blocking > 0 and not self._exit_zero)

    def _write(self, report: Report, stream: TextIO, buffers: Mapping[str, bytes]) -> None:
        if self._format == "json":
            from celery_lint.reports import json

            json.write(report, stream, statistics=self._statistics)
            return
        from celery_lint.reports.summary import not_checked, summary

        colours = self._colours(stream)
        concise = self._format == "concise"
        if self._statistics:
            from celery_lint.reports import statistics

            statistics.write(report, stream, colours=colours)
        elif concise:
            from celery_lint.reports import concise as concise_report

            concise_report.write(report, stream, colours=colours)
        elif report.diagnostics:
            from celery_lint.reports import full

            full.write(report, stream, colours=colours, buffers=buffers)
        if not concise and not self._quiet:
            stream.write(f"{summary(report, Paint(colours))}\n")
        stream.flush()
        # Lines of the concise form are counted and parsed by programs: what is no diagnostic goes elsewhere.
        sys.stderr.writelines(f"{line}\n" for line in not_checked(report))
        if concise and not self._quiet:
            sys.stderr.write(f"{summary(report, Paint(self._colours(sys.stderr)))}\n")

    def _colours(self, stream: TextIO) -> bool:
        return wanted(stream) if self._when == "auto" else self._when == "always"

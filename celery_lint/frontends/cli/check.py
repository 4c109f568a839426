"""``celery-lint check``: lint files, folders, or a text on standard input."""

from __future__ import annotations

import os
import sys

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.files import roots
from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.frontends.cli.progress import Progress
from celery_lint.options import Configuration
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, printable, wanted


def run(arguments: Arguments) -> int:
    """Check, show, and return the exit code."""
    overrides = dict(arguments.overrides)
    if "--config" in arguments.flags:
        overrides["config"] = arguments.flags["--config"]
    if "--stdin-filename" in arguments.flags or "-" in arguments.positional:
        return _check_text(arguments, overrides)
    return _check_paths(arguments.positional or ["."], overrides)


def _check_paths(paths: list[str], overrides: dict[str, object]) -> int:
    present = [path for path in paths if is_there(path)]
    if not present:
        return 2
    # The engine reads the options of each workspace; how to show its report, the outermost one decides.
    folders = {path if os.path.isdir(path) else os.path.dirname(path) for path in present}
    root = min(roots.workspace(folder) for folder in folders)
    configuration = load(root, overrides)
    progress = Progress(sys.stderr)
    try:
        report = engine.check_paths(present, None, overrides=overrides, progress=progress)
    finally:
        progress.clear()
    code = _show(report, configuration, {})
    if configuration.cache_dir and (reason := engine.unused_cache(root, configuration)):
        folder = printable(shown(os.path.join(root, configuration.cache_dir)))
        sys.stderr.write(f"celery-lint: warning: nothing is kept in {folder}: {reason}\n")
    return code if len(present) == len(paths) else 2


def is_there(path: str) -> bool:
    """Whether the path exists; says so on standard error if it does not."""
    try:
        os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        sys.stderr.write(f"celery-lint: error: {printable(path)}: {reason}\n")
        return False
    return True


def _check_text(arguments: Arguments, overrides: dict[str, object]) -> int:
    others = [path for path in arguments.positional if path != "-"]
    if others:
        raise UsageError(f"standard input and {others[0]!r} cannot be checked in one run")
    name = arguments.flags.get("--stdin-filename", "-")
    path = None if name in ("", "-") else os.path.abspath(name)
    folder = os.curdir if path is None else os.path.dirname(path)
    configuration = load(roots.workspace(folder), overrides)
    data = sys.stdin.buffer.read()
    report = engine.check_text(path, data, None, overrides=overrides)
    names = {"<stdin>", "-"}
    if path is not None:
        names = {path, os.path.realpath(path), os.path.join(os.path.realpath(folder), os.path.basename(path))}
    return _show(report, configuration, dict.fromkeys(names, data))


def _show(report: Report, configuration: Configuration, buffers: dict[str, bytes]) -> int:
    """Write the report in the form that is asked for, and return the exit code."""
    if configuration.output_format == "json":
        from celery_lint.reports import json

        json.write(report, sys.stdout, statistics=configuration.statistics)
    else:
        _show_text(report, configuration, buffers)
    if report.failed:
        return 2
    if report.diagnostics or (configuration.strict_parse and report.unparsed):
        return 1
    return 0


def _show_text(report: Report, configuration: Configuration, buffers: dict[str, bytes]) -> None:
    from celery_lint.reports.summary import not_checked, summary

    colours = wanted(sys.stdout)
    concise = configuration.output_format == "concise"
    if configuration.statistics:
        from celery_lint.reports import statistics

        statistics.write(report, sys.stdout, colours=colours)
    elif concise:
        from celery_lint.reports import concise as concise_report

        concise_report.write(report, sys.stdout, colours=colours)
    elif report.diagnostics:
        from celery_lint.reports import full

        full.write(report, sys.stdout, colours=colours, buffers=buffers)
    if not concise:
        sys.stdout.write(f"{summary(report, Paint(colours))}\n")
    sys.stdout.flush()
    # Lines of the concise form are counted and parsed by programs: what is no diagnostic goes elsewhere.
    sys.stderr.writelines(f"{line}\n" for line in not_checked(report))
    if concise:
        sys.stderr.write(f"{summary(report, Paint(wanted(sys.stderr)))}\n")

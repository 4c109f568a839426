"""``celery-lint check``: lint files, folders, or a text on standard input."""

from __future__ import annotations

import os
import sys

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.scopes import closest_table
from celery_lint.files import roots
from celery_lint.frontends.cli.arguments import ADOPTING, FIXING, Arguments, UsageError
from celery_lint.frontends.cli.progress import Progress
from celery_lint.frontends.cli.showing import Showing
from celery_lint.paths import shown
from celery_lint.reports.colours import printable

_MOST_PASSES = 5
"""How often ``--fix`` looks again; the second pass hardly ever finds more."""


def run(arguments: Arguments) -> int:
    """Check, show, and return the exit code."""
    overrides = dict(arguments.overrides)
    if "--config" in arguments.flags:
        overrides["config"] = arguments.flags["--config"]
    if "--stdin-filename" in arguments.flags or "-" in arguments.positional:
        return _check_text(arguments, overrides)
    return _check_paths(arguments, overrides)


def _check_paths(arguments: Arguments, overrides: dict[str, object]) -> int:
    paths = arguments.positional or ["."]
    present = [path for path in paths if is_there(path)]
    if not present:
        return 2
    missing = len(present) < len(paths)
    # The engine reads the options of each workspace; how to show its report, the outermost one decides.
    folders = {path if os.path.isdir(path) else os.path.dirname(path) for path in present}
    root = min(roots.workspace(folder) for folder in folders)
    common = os.path.commonpath([os.path.realpath(folder) for folder in folders])
    closest = closest_table(common, root)
    configuration = load(closest, overrides)
    if "--show-settings" in arguments.flags:
        from celery_lint.frontends.cli.settings import settings

        sys.stdout.write(settings(closest, configuration))
        return 2 if missing else 0
    if "--show-files" in arguments.flags:
        files = engine.files(present, overrides)
        sys.stdout.writelines(f"{printable(shown(path))}\n" for path in files)
        return 2 if missing else 0
    showing = Showing(arguments.flags, configuration)
    progress = Progress(sys.stderr)
    try:
        report = engine.check_paths(present, None, overrides=overrides, progress=progress)
    finally:
        progress.clear()
    code = _told(report, arguments.flags, overrides, showing, common, present)
    configuration = load(root, overrides)
    if configuration.cache_dir and (reason := engine.unused_cache(root, configuration)):
        folder = printable(shown(os.path.join(root, configuration.cache_dir)))
        sys.stderr.write(f"celery-lint: warning: nothing is kept in {folder}: {reason}\n")
    return 2 if missing else code


def _told(
    report: Report,
    flags: dict[str, str],
    overrides: dict[str, object],
    showing: Showing,
    folder: str,
    paths: list[str],
) -> int:
    """Show a report, or do with it what the flags ask for; returns the exit code."""
    if not any(flag in flags for flag in (*ADOPTING, *FIXING)):  # most runs import nothing for it
        return showing.show(report, {})
    from celery_lint.frontends.cli.adoption import adopting

    def checked() -> set[str]:
        return set(engine.files(paths, overrides))

    if any(flag in flags for flag in FIXING):
        from celery_lint.frontends.cli import fix

        mended = fix.fixes(adopting.narrowed(report, flags, folder), flags, overrides)
        if "--diff" in flags:
            fix.show(mended)
            return 2 if report.failed else int(bool(mended) and "--exit-zero" not in flags)
        every = []
        for _ in range(_MOST_PASSES):  # what is mended here may show what is wrong elsewhere
            if not mended:
                break
            fix.write(mended)
            every += mended
            engine.forget()
            report = engine.check_paths(paths, None, overrides=overrides)
            mended = fix.fixes(adopting.narrowed(report, flags, folder), flags, overrides)
        if every and "--quiet" not in flags:
            sys.stderr.write(f"{fix.summary(every)}\n")
    report = adopting.narrowed(report, flags, folder, {}, checked, overrides)
    code = adopting.acted(report, flags, checked)
    return showing.show(report, {}) if code is None else code


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
    closest = closest_table(os.path.realpath(folder), roots.workspace(folder))
    showing = Showing(arguments.flags, load(closest, overrides))
    data = sys.stdin.buffer.read()
    report = engine.check_text(path, data, None, overrides=overrides)
    names = {"<stdin>", "-"}
    if path is not None:
        names = {path, os.path.realpath(path), os.path.join(os.path.realpath(folder), os.path.basename(path))}
    buffers = dict.fromkeys(names, data)
    if any(flag in arguments.flags for flag in (*ADOPTING, *FIXING)):
        from celery_lint.frontends.cli.adoption import adopting

        report = adopting.narrowed(report, arguments.flags, os.path.realpath(folder), buffers)
    return showing.show(report, buffers)

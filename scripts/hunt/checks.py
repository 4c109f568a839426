"""What must hold whatever is linted."""

from __future__ import annotations

import io
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from celery_lint import engine
from celery_lint.configuration import ConfigurationError
from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.engine.filtering import NAMELESS
from celery_lint.options import Configuration
from celery_lint.reports import concise, full, json, statistics
from celery_lint.reports.summary import not_checked
from celery_lint.source import NotParsed, Source, read
from scripts.hunt.trials import Outcome, Story
from scripts.hunt.watch import Watch

CONFIGURATION = Configuration(preset="all", cache=False)
MOST_SECONDS = 60
"""Processor time that one trial may take: a busy machine breaks nothing."""
MOST_SECONDS_ASLEEP = 300
"""Time on the wall after which a trial hangs: it waits for a pipe or a lock, not for the processor."""


class TookTooLong(BaseException):
    """A trial has used up its time; nothing on the way may take it for an error of its own."""

    def __init__(self, bound: str) -> None:
        super().__init__(f"took more than {bound}")


def of_text(data: str | bytes, watch: Watch) -> Outcome:
    """Check a program as a text of its own, and what is said about it."""
    reports: list[Report] = []

    def check() -> None:
        reports.append(engine.check_text(None, data, CONFIGURATION))
        # An editor hands over the text, others the bytes: both must say the same.
        reports.append(engine.check_text(None, _decoded(data), CONFIGURATION))

    faults = _guarded(check, watch)
    if not reports:
        return Outcome(faults, [], 0)
    report = reports[0]
    if len(reports) == 2 and reports[1] != report:
        faults.append(f"said otherwise the second time: {difference(report, reports[1])}")
    buffers = {NAMELESS: data}
    faults += of_report(report, buffers)
    return Outcome(faults, report.diagnostics, len(report.unparsed))


def of_workspace(folder: Path, watch: Watch) -> Outcome:
    """Check a folder without a cache, with a new one, and with a kept one; then each file as a buffer."""
    reports: dict[str, Report] = {}
    refused: dict[str, str] = {}

    def ask(name: str, ask_engine: Callable[[], Report]) -> None:
        try:
            reports[name] = ask_engine()
        except ConfigurationError as error:  # what the user wrote is refused: the same way every time
            refused[name] = str(error)

    def check() -> None:
        for name, cache in (("no cache", False), ("new cache", True), ("kept cache", True)):
            ask(
                name,
                lambda cache=cache: engine.check_paths(  # type: ignore[misc]
                    [str(folder)], None, overrides={"preset": "all", "cache": cache}
                ),
            )

    faults = _guarded(check, watch)
    if len(set(refused.values())) > 1 or (refused and reports):
        faults.append(f"refused in different ways: {refused}")
    if "no cache" not in reports:
        return Outcome(faults, [], 0)
    fresh = reports.pop("no cache")
    for name, report in reports.items():
        if report != fresh:
            faults.append(f"said otherwise with a {name}: {difference(fresh, report)}")
    faults += of_report(fresh, {})
    faults += _guarded(lambda: faults.extend(_of_buffers(folder, fresh)), watch)
    return Outcome(faults, fresh.diagnostics, len(fresh.unparsed))


def of_story(folder: Path, story: Story) -> Outcome:
    """What goes wrong in the course of a story, which looks for itself."""
    try:
        return Outcome(list(story.told(folder)), [], 0, story.steps)
    except Exception as error:
        return Outcome([f"{type(error).__name__}: {error}: {_where(error)}"], [], 0, story.steps)


def _of_buffers(folder: Path, fresh: Report) -> Iterator[str]:
    """What editors and flake8 get to hear: about each file of the report, as it is on disk."""
    engine._workspaces.clear()
    engine._settings_of.clear()
    paths = {found.path for found in fresh.diagnostics} | {entry.path for entry in fresh.unparsed}
    for path in sorted(paths):
        if not os.path.realpath(path).startswith(f"{folder}/"):  # a link that leads elsewhere
            continue
        try:
            data = read(path)
        except NotParsed:
            continue
        report = engine.check_text(path, data, None, overrides={"preset": "all", "cache": False})
        of_file = [found for found in fresh.diagnostics if found.path == path]
        if report.diagnostics != of_file:
            yield f"said otherwise about the text of {path!r}: {_first(of_file, report.diagnostics)}"
    engine._workspaces.clear()


def of_report(report: Report, buffers: Mapping[str, str | bytes]) -> list[str]:
    """What is wrong with a report: errors of our own, places outside of their files, an order, its texts."""
    faults = [f"{found.code}: {found.message}" for found in report.diagnostics if found.code == "CEL999"]
    keys = [(found.path, found.line, found.column, found.code, found.message) for found in report.diagnostics]
    if keys != sorted(keys):
        faults.append("the diagnostics are not in order")
    if len(set(report.diagnostics)) != len(report.diagnostics):
        faults.append("a diagnostic stands there twice")
    lines: dict[str, list[str]] = {}
    for found in report.diagnostics:
        places = [(found.path, found.line, found.column), (found.path, found.end_line, found.end_column)]
        if places[0] > places[1]:
            faults.append(f"{found.code} ends before it starts: {found[:5]}")
        places += [(place.path, place.line, place.column) for place in found.related]
        for path, line, column in places:
            if not _is_inside(_lines(lines, path, buffers), line, column):
                faults.append(f"{found.code} speaks of {path!r}:{line}:{column}, which is not there")
    faults += _of_shown(report, buffers)
    return faults


def _lines(known: dict[str, list[str]], path: str, buffers: Mapping[str, str | bytes]) -> list[str]:
    if path not in known:
        try:
            known[path] = Source(path, buffers[path] if path in buffers else read(path)).lines
        except NotParsed:
            known[path] = []
    return known[path]


def _is_inside(lines: Sequence[str], line: int, column: int) -> bool:
    return 0 < line <= len(lines) and 0 < column <= len(lines[line - 1]) + 1


def _of_shown(report: Report, buffers: Mapping[str, str | bytes]) -> list[str]:
    """Whether every form of the report can be written, and cannot trouble a terminal."""
    streams = {name: io.StringIO() for name in ("full", "concise", "statistics", "json")}
    full.write(report, streams["full"], buffers=buffers)
    concise.write(report, streams["concise"])
    statistics.write(report, streams["statistics"])
    json.write(report, streams["json"])
    texts = {name: stream.getvalue() for name, stream in streams.items()}
    texts["not checked"] = "\n".join(not_checked(report))
    return [
        f"{name} shows what is not printable: {line!r}"
        for name, text in texts.items()
        for line in text.split("\n")
        if not line.isprintable()
    ]


def difference(one: Report, other: Report) -> str:
    """The first thing that one report says and the other does not."""
    for field in ("diagnostics", "unparsed", "files", "tasks"):
        first, second = getattr(one, field), getattr(other, field)
        if first != second:
            return f"{field}: {_first(first, second) if isinstance(first, list) else (first, second)}"
    return ""


def _first(one: Sequence[object], other: Sequence[object]) -> str:
    missing = [row for row in one if row not in other]
    new = [row for row in other if row not in one]
    return f"no longer {missing[:1]}, now {new[:1]}" if missing or new else "in another order"


def _decoded(data: str | bytes) -> str | bytes:
    try:
        return Source(NAMELESS, data).text
    except NotParsed:
        return data


def _guarded(check: Callable[[], None], watch: Watch) -> list[str]:
    """Do it, watched and within its time; returns what went wrong."""
    try:
        with _limited(), watch.watching() as seen:
            check()
    except TookTooLong as error:
        return [f"{error}: {_where(error, bell=1)}"]
    except Exception as error:
        return [f"{type(error).__name__}: {error}: {_where(error)}"]
    return [*seen]


def _where(error: BaseException, bell: int = 0) -> str:
    """The innermost places of an error, but for the bell that rang."""
    frames = list(traceback.extract_tb(error.__traceback__))
    del frames[len(frames) - bell :]
    return " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames[-4:]))


@contextmanager
def _limited() -> Iterator[None]:
    if not hasattr(signal, "setitimer"):
        yield
        return
    bounds = (
        (signal.SIGPROF, signal.ITIMER_PROF, MOST_SECONDS, "seconds of processor time"),
        (signal.SIGALRM, signal.ITIMER_REAL, MOST_SECONDS_ASLEEP, "seconds"),
    )
    before = []
    for number, timer, seconds, unit in bounds:

        def ring(_number: int, _frame: FrameType | None, bound: str = f"{seconds} {unit}") -> None:
            raise TookTooLong(bound)

        before.append(signal.signal(number, ring))
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (number, timer, _, _), handler in zip(bounds, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def by_code(diagnostics: Sequence[Diagnostic]) -> set[str]:
    """The codes that spoke."""
    return {found.code for found in diagnostics}

"""What a change does to real projects: two versions of the linter over the same ones, difference per rule.

    python scripts/ecosystem.py BEFORE AFTER FOLDER [FOLDER ...] [--jobs N] [-- OPTION ...]

BEFORE and AFTER are checkouts, run by the Python that runs this file, or Pythons in which a version is
installed. Every folder in a FOLDER is a project. It is checked with all rules and without a cache, and the
two JSON documents are compared byte for byte. What stands after ``--`` is handed to ``celery-lint check``,
for example ``-- --pool gevent``. Printed is what is new (``+``) and what is gone (``-``), by rule, and the
time that all projects took. Exits with 1 if anything differs, with 2 if a run wrote no document.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

# Neither the project that is checked nor this checkout may stand before the version that is asked for.
START = """
import sys
sys.path[0:1] = [sys.argv[1]] if sys.argv[1] else []
del sys.argv[1]
from celery_lint.frontends.cli import command
sys.exit(command())
"""
OPTIONS = ["--no-cache", "--preset", "all", "--output-format", "json"]


class Version(NamedTuple):
    """A version of the linter: the Python that runs it, and its checkout or ``""``."""

    python: str
    checkout: str


class Outcome(NamedTuple):
    """What a version said about a project: its document as it was written, or why it failed."""

    document: bytes
    failure: str
    seconds: float


def version(text: str) -> Version:
    """The version that an argument names; raises ``ArgumentTypeError``."""
    path = Path(text)
    if (path / "celery_lint/__init__.py").is_file():
        return Version(sys.executable, str(path.resolve()))
    if path.is_file():
        return Version(os.path.abspath(text), "")
    raise argparse.ArgumentTypeError(f"{text} is neither a checkout of celery-lint nor a Python")


def run(asked: Version, project: Path, options: list[str]) -> Outcome:
    """Check a project with one version."""
    command = [asked.python, "-c", START, asked.checkout, "check", *OPTIONS, *options, "."]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=project, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - started
    failure = ""
    try:
        json.loads(done.stdout)
    except ValueError:
        failure = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}, no document"
    return Outcome(done.stdout, failure, seconds)


def line_of(diagnostic: dict[str, Any]) -> str:
    """A diagnostic as one line, with everything that its document says of it."""
    related = ", ".join(
        f"{r['path']}:{r['line']}:{r['column']} {r['message']}" for r in diagnostic["related"]
    )
    place = f"{diagnostic['path']}:{diagnostic['line']}:{diagnostic['column']}"
    until = f"{diagnostic['end_line']}:{diagnostic['end_column']}"
    rest = f" [{related}]" if related else ""
    return f"{place}-{until} {diagnostic['message']} ({diagnostic['help']}){rest}"


def lines_of(document: bytes) -> Counter[tuple[str, str]]:
    """The diagnostics of a document: rule and line."""
    found = json.loads(document)["diagnostics"]
    return Counter((f"{entry['code']} {entry['name']}", line_of(entry)) for entry in found)


class Difference:
    """What two versions say differently about projects, by rule, and what else is to be told."""

    def __init__(self) -> None:
        self.rules: dict[str, list[tuple[str, str]]] = {}
        self.notes: list[str] = []
        self.failed = False
        self.said = 0

    def add(self, project: str, before: Outcome, after: Outcome) -> None:
        """Compare what was said about one project."""
        for side, outcome in (("before", before), ("after", after)):
            if outcome.failure:
                self.failed = True
                self.notes.append(f"{project} failed {side}: {outcome.failure}")
        if before.failure or after.failure:
            return
        then, now = lines_of(before.document), lines_of(after.document)
        self.said += sum(now.values())
        for sign, only in (("-", then - now), ("+", now - then)):
            for rule, line in sorted(only.elements()):
                self.rules.setdefault(rule, []).append((sign, f"{project}/{line}"))
        if then == now and before.document != after.document:
            self.notes.append(f"{project}: the same diagnostics, in another order or with other counts")

    def __bool__(self) -> bool:
        return bool(self.rules or self.notes)

    def print(self) -> None:
        """Tell it."""
        for rule, lines in sorted(self.rules.items()):
            new = sum(sign == "+" for sign, _ in lines)
            print(f"{rule}: {new} new, {len(lines) - new} gone")
            for sign, line in lines:
                print(f"  {sign} {line}")
        for note in self.notes:
            print(note)


def main() -> int:
    """Run both versions over every project; returns the exit code."""
    arguments, handed_on = sys.argv[1:], []
    if "--" in arguments:
        position = arguments.index("--")
        arguments, handed_on = arguments[:position], arguments[position + 1 :]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=version, metavar="BEFORE")
    parser.add_argument("after", type=version, metavar="AFTER")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--jobs", type=int, default=2, help="projects that are checked at one time (2)")
    asked = parser.parse_args(arguments)
    projects = [
        path
        for folder in asked.folders
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    ]

    def both(project: Path) -> tuple[Outcome, Outcome]:
        return run(asked.before, project, handed_on), run(asked.after, project, handed_on)

    difference = Difference()
    seconds_before = seconds_after = 0.0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for project, (before, after) in zip(projects, pool.map(both, projects), strict=True):
            difference.add(project.name, before, after)
            seconds_before += before.seconds
            seconds_after += after.seconds
    difference.print()
    verdict = "not equal" if difference else "equal byte for byte"
    times = f"{seconds_before:.1f} s before, {seconds_after:.1f} s after"
    print(f"{len(projects)} projects, {difference.said} diagnostics: {verdict}; {times}")
    return 2 if difference.failed else int(bool(difference))


if __name__ == "__main__":
    sys.exit(main())

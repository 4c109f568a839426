"""Where the time of a cold run goes: the floor below which nobody comes, and each phase, in CPU milliseconds.

    python benchmarks/phases.py [--sums] PROJECT [PROJECT ...]

The floor is to find all files, to search their bytes and to parse those that must be read. It is one process,
so that phases add up; the files are read once before, so that no disk is measured. ``--sums`` prints nothing
but the whole and the floor.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import celery_lint.engine.building as building
import celery_lint.engine.workspace as workspace
import celery_lint.files.discovery as discovery
import celery_lint.files.library as library
from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace

#: What is measured: the module or class that holds a function, its name, and what it is part of.
PHASES: tuple[tuple[Any, str, str], ...] = (
    (discovery, "discover", "discovery"),
    (library.Library, "first_pass", "first filter"),
    (library.Library, "second_pass", "second filter"),
    (library.Library, "reading_of", "second filter"),
    (library, "read_module", "facts of modules"),
    (library.Source, "parse", "parsing"),
    (building, "linked", "linking"),
    (building, "explore", "worth reading"),
    (building, "sinks", "worth reading"),
    (building, "hints", "worth reading"),
    (building, "search", "facts of rules"),
    (workspace, "judge", "judging"),
)
FLOOR = ("discovery", "first filter", "parsing")


class Clock:
    """How long each phase took by itself, without those that it calls."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.rounds = 0
        self._inner: list[float] = []

    def watch(self, holder: Any, name: str, phase: str) -> None:
        """Measure a function from now on."""
        original: Callable[..., Any] = getattr(holder, name)

        def measured(*given: Any, **named: Any) -> Any:
            self.rounds += name == "linked"
            started = time.process_time()
            self._inner.append(0.0)
            try:
                return original(*given, **named)
            finally:
                took = time.process_time() - started
                self.spent[phase] += took - self._inner.pop()
                if self._inner:
                    self._inner[-1] += took

        setattr(holder, name, measured)


def measure(project: Path, briefly: bool) -> None:
    """The phases of one project, or their sums."""
    configuration = load(str(project), {"cache": False})
    Workspace(str(project), configuration).linked()
    clock = Clock()
    kept = [(holder, name, getattr(holder, name)) for holder, name, _ in PHASES]
    for holder, name, phase in PHASES:
        clock.watch(holder, name, phase)
    try:
        started = time.process_time()
        engine.check_paths([str(project)], configuration)
        total = time.process_time() - started
    finally:
        for holder, name, original in kept:
            setattr(holder, name, original)
    floor = sum(clock.spent[phase] for phase in FLOOR)
    if briefly:
        print(total * 1000, floor * 1000)
        return
    print(f"{project.name}: {clock.rounds} rounds, {total * 1000:.0f} ms, {total / floor:.1f} x the floor")
    for phase in dict.fromkeys(phase for *_, phase in PHASES):
        mark = "floor" if phase in FLOOR else ""
        print(f"  {phase:20} {clock.spent[phase] * 1000:8.0f} {clock.spent[phase] / total:6.0%}  {mark}")
    rest = total - sum(clock.spent.values())
    print(f"  {'all else':20} {rest * 1000:8.0f} {rest / total:6.0%}")


def main(arguments: list[str]) -> int:
    """Measure each project."""
    briefly = arguments[:1] == ["--sums"]
    if not arguments[briefly:]:
        sys.exit(__doc__)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one process: phases of forks cannot be seen
    for project in arguments[briefly:]:
        measure(Path(project).resolve(), briefly)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

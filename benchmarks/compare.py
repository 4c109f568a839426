"""Side by side: this linter and what a user would pick instead, in one interleaved run.

    python benchmarks/compare.py FOLDER [PROJECT ...] [--runs N] [--copies K] [--phases]

FOLDER holds projects, each in a folder of its own; without names all of them are measured. Every project
is copied first, so that nothing is written to FOLDER. The programs are those of the Python that runs this
file: ``ruff``, ``flake8`` and ``pylint`` must be installed beside ``celery-lint``. Times are medians of wall
time in milliseconds; on a shared machine trust the ratios.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BIN = Path(sys.executable).parent
PYTHON = sys.executable
LINT = [str(BIN / "celery-lint")]
RUFF = [str(BIN / "ruff"), "check", "--quiet", "--exit-zero", "--select=ASYNC,PIE,B"]
FLAKE8 = [
    PYTHON,
    "-c",
    """
import importlib.metadata as metadata, sys
from flake8.main.cli import main
every, hidden = metadata.distributions, sys.argv.pop(1).split(",")
metadata.distributions = lambda **options: [d for d in every(**options) if d.metadata["name"] not in hidden]
sys.exit(main())
""",
]
OTHERS = "flake8-pie,flake8-bugbear,flake8-async"
PYLINT = [PYTHON, "-m", "pylint", "--exit-zero", "--score=n", "--rcfile=/dev/null", "-j1", "--disable=R0801"]


class Cost(NamedTuple):
    """What one run of a program took: wall time in milliseconds, memory in megabytes."""

    wall: float
    memory: float


def run(command: list[str], folder: Path, stdin: Path | None = None) -> Cost:
    """Run a program to its end; its output goes nowhere."""
    started = time.perf_counter()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, str(stdin or os.devnull), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    before = os.getcwd()
    os.chdir(folder)
    try:
        process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    finally:
        os.chdir(before)
    _, status, usage = os.wait4(process, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit(f"failed: {' '.join(command)}")
    return Cost((time.perf_counter() - started) * 1000, usage.ru_maxrss / 1024)


def medians(runs: int, programs: dict[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """The medians of several rounds; in each round every program runs once."""
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(runs):
        for name, program in programs.items():
            costs[name].append(program())
    return {
        name: Cost(statistics.median(c.wall for c in rows), max(c.memory for c in rows))
        for name, rows in costs.items()
    }


def settle(folder: Path) -> None:
    """Make everything older than the run, and let both caches see it."""
    old = time.time() - 3600
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (old, old))
    for _ in range(2):
        run([*LINT, "check", "."], folder)
        run([*RUFF, "."], folder)
        time.sleep(2.1)  # younger changes are looked at again


def line(what: str, ours: float, theirs: float, goal: str, unit: str = "x") -> None:
    """One line of the table."""
    ratio = ours / theirs if unit == "x" else (ours / theirs - 1) * 100
    print(f"  {what:46} {ours:8.0f} {theirs:8.0f} {ratio:8.2f}{unit}   goal {goal}", flush=True)


def difference(what: str, ours: float, goal: str, unit: str = "ms") -> None:
    """A line without a peer."""
    print(f"  {what:46} {ours:8.0f} {'':8} {'':8}{unit:>3}  goal {goal}", flush=True)


def measure(project: Path, runs: int) -> None:
    """The goals for one project."""
    files = [
        p
        for p in sorted(project.rglob("*.py"))
        if p.is_file() and "/." not in str(p.relative_to(project.parent))
    ]
    print(f"{project.name}: {len(files)} files", flush=True)
    settle(project)
    with_tasks = [
        p for p in files if "shared_task" in (text := p.read_text("utf-8", "ignore")) or ".task(" in text
    ]
    edited = next((p for p in with_tasks if "test" not in str(p)), files[0])
    original = edited.read_bytes()
    relative = str(edited.relative_to(project))

    def changed(addition: str) -> Callable[[], Cost]:
        def go() -> Cost:
            edited.write_bytes(original + addition.format(time.time_ns()).encode())
            return run([*LINT, "check", "."], project)

        return go

    stdin = [*LINT, "check", "--stdin-filename", relative, "-"]
    first = medians(
        runs,
        {
            "ruff": lambda: run([*RUFF, "."], project),
            "ruff uncached": lambda: run([*RUFF, "--no-cache", "."], project),
            "warm": lambda: run([*LINT, "check", "."], project),
            "cold": lambda: run([*LINT, "check", "--no-cache", "."], project),
            "stdin": lambda: run(stdin, project, edited),
        },
    )
    comment = medians(runs, {"x": changed("\n# {}\n")})["x"]
    code = medians(runs, {"x": changed("\n\ndef added_{}():\n    return 1\n")})["x"]
    edited.write_bytes(original)
    line("cold / ruff --no-cache", first["cold"].wall, first["ruff uncached"].wall, "<= 3x")
    line("warm / ruff with its cache", first["warm"].wall, first["ruff"].wall, "<= 1x")
    line("warm / ruff --no-cache", first["warm"].wall, first["ruff uncached"].wall, "<= 0.5x")
    difference("one file changed (a comment): more than warm", comment.wall - first["warm"].wall, "<= 60 ms")
    difference("one file changed (a function): more than warm", code.wall - first["warm"].wall, "")
    difference("one buffer on stdin", first["stdin"].wall, "<= 80 ms")
    difference("memory, cold", first["cold"].memory, "<= 80 MB at 50,000 files", "MB")
    difference("memory, warm", first["warm"].memory, "<= 80 MB at 50,000 files", "MB")
    settle(project)
    some = [str(p.relative_to(project)) for p in files[:: max(1, len(files) // 60)]]
    hosts = medians(
        max(3, runs // 2),
        {
            "flake8": lambda: run([*FLAKE8, f"celery-lint,{OTHERS}", "--isolated", "-j1", *some], project),
            "flake8 with": lambda: run([*FLAKE8, OTHERS, "--isolated", "-j1", *some], project),
            "flake8 stdin": lambda: run(
                [*FLAKE8, f"celery-lint,{OTHERS}", "--isolated", "-"], project, edited
            ),
            "flake8 stdin with": lambda: run(
                [*FLAKE8, OTHERS, "--isolated", "--stdin-display-name", relative, "-"], project, edited
            ),
        },
    )
    line(
        f"flake8 -j1 with / without ({len(some)} files)",
        hosts["flake8 with"].wall,
        hosts["flake8"].wall,
        "<= 5%",
        "%",
    )
    difference(
        "added to flake8 on stdin", hosts["flake8 stdin with"].wall - hosts["flake8 stdin"].wall, "<= 30 ms"
    )
    few = some[::4]
    hosts = medians(
        3,
        {
            "pylint": lambda: run_pylint([*PYLINT, *few], project),
            "pylint with": lambda: run_pylint([*PYLINT, "--load-plugins=celery_lint", *few], project),
        },
    )
    line(
        f"pylint -j1 with / without ({len(few)} files)",
        hosts["pylint with"].wall,
        hosts["pylint"].wall,
        "<= 2%",
        "%",
    )


def run_pylint(command: list[str], folder: Path) -> Cost:
    """pylint reads the home folder's cache; the same for both sides."""
    os.environ["PYLINTHOME"] = str(folder / ".pylint")
    return run(command, folder)


def measure_start(folder: Path, runs: int) -> None:
    """What does not depend on a project."""
    empty = folder / "empty"
    empty.mkdir()
    found = medians(
        runs * 2,
        {
            "python": lambda: run([PYTHON, "-c", "pass"], empty),
            "version": lambda: run([*LINT, "--version"], empty),
            "empty": lambda: run([*LINT, "check", "."], empty),
        },
    )
    print("start")
    difference("python -c pass", found["python"].wall, "")
    difference("celery-lint --version", found["version"].wall, "<= 40 ms")
    difference("celery-lint check, empty folder", found["empty"].wall, "<= 60 ms")


def measure_growth(project: Path, folder: Path, copies: int) -> None:
    """The same project, and many copies of it side by side in one workspace."""
    many = folder / "many"
    for number in range(copies):
        shutil.copytree(
            project, many / f"copy_{number}", symlinks=True, ignore=shutil.ignore_patterns(".git", ".*_cache")
        )
    (many / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    count = sum(1 for _ in many.rglob("*.py"))
    print(f"{project.name} x {copies}: {count} files")
    costs = {}
    for name, place in (("one", project), ("many", many)):
        settle(place)
        costs[name] = medians(
            3,
            {
                "warm": lambda place=place: run([*LINT, "check", "."], place),  # type: ignore[misc]
                "cold": lambda place=place: run([*LINT, "check", "--no-cache", "."], place),  # type: ignore[misc]
            },
        )
    goal = f"<= {copies + 1}x"
    line("growth, cold", costs["many"]["cold"].wall, costs["one"]["cold"].wall, goal)
    line("growth, warm", costs["many"]["warm"].wall, costs["one"]["warm"].wall, goal)
    difference("memory, cold", costs["many"]["cold"].memory, "<= 80 MB at 50,000 files", "MB")
    difference("memory, warm", costs["many"]["warm"].memory, "<= 80 MB at 50,000 files", "MB")
    shutil.rmtree(many)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("projects", nargs="*")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--phases", action="store_true", help="where the time of a cold run goes, too")
    arguments = parser.parse_args()
    names = arguments.projects or sorted(p.name for p in arguments.folder.iterdir() if p.is_dir())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        measure_start(folder, arguments.runs)
        for name in names:
            project = folder / name
            shutil.copytree(
                arguments.folder / name, project, symlinks=True, ignore=shutil.ignore_patterns(".*_cache")
            )
            measure(project, arguments.runs)
            if arguments.phases:
                subprocess.run([PYTHON, str(Path(__file__).with_name("phases.py")), str(project)], check=True)
            if name == names[0] and arguments.copies > 1:
                measure_growth(project, folder, arguments.copies)
            shutil.rmtree(project)


if __name__ == "__main__":
    main()

"""Side by side: this linter and what a user would pick instead, in one interleaved run.

    python benchmarks/compare.py FOLDER [PROJECT ...] [--runs N] [--copies K] [--phases] [--no-hosts]
    python benchmarks/compare.py --short

FOLDER holds projects, each in a folder of its own; without names all of them are measured. Every project
is copied first, so that nothing is written to FOLDER. The programs are those of the Python that runs this
file: ``ruff``, ``flake8`` and ``pylint`` must be installed beside ``celery-lint``. Times are medians in
milliseconds, of wall time or of the CPU time of a program and its children; on a shared machine trust the
ratios, and those of CPU time more. The floor is what nobody can do without: see ``phases.py``, whose table
``--phases`` shows. ``--short`` is a quick look at packages that are installed: it tells, and never fails.
"""

from __future__ import annotations

import argparse
import importlib.util
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
INSTALLED = ("celery", "kombu", "django", "sqlalchemy")
PYLINT = [PYTHON, "-m", "pylint", "--exit-zero", "--score=n", "--rcfile=/dev/null", "-j1", "--disable=R0801"]


class Cost(NamedTuple):
    """What one run of a program took: wall and CPU time in milliseconds, memory in megabytes."""

    wall: float
    cpu: float
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
    wall = time.perf_counter() - started
    return Cost(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)


def medians(runs: int, programs: dict[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """The medians of several rounds; in each round every program runs once."""
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(runs):
        for name, program in programs.items():
            costs[name].append(program())
    return {
        name: Cost(
            statistics.median(c.wall for c in rows),
            statistics.median(c.cpu for c in rows),
            max(c.memory for c in rows),
        )
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


def measure(project: Path, runs: int, hosts: bool = True) -> None:
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
    buffer = project.parent / "buffer.py"
    buffer.write_bytes(original + b"\n\ndef added():\n    return 1\n")
    first = medians(
        runs,
        {
            "ruff": lambda: run([*RUFF, "."], project),
            "ruff uncached": lambda: run([*RUFF, "--no-cache", "."], project),
            "warm": lambda: run([*LINT, "check", "."], project),
            "cold": lambda: run([*LINT, "check", "--no-cache", "."], project),
            "stdin": lambda: run(stdin, project, edited),
            "stdin changed": lambda: run(stdin, project, buffer),
        },
    )
    comment = medians(runs, {"x": changed("\n# {}\n")})["x"]
    code = medians(runs, {"x": changed("\n\ndef added_{}():\n    return 1\n")})["x"]
    edited.write_bytes(original)
    line("cold / ruff --no-cache, CPU", first["cold"].cpu, first["ruff uncached"].cpu, "<= 3x")
    line("cold / ruff --no-cache, wall", first["cold"].wall, first["ruff uncached"].wall, "<= 3x")
    line("cold / floor, CPU", *floor(project), "<= 2.2x")
    line("warm / ruff with its cache, CPU", first["warm"].cpu, first["ruff"].cpu, "")
    line("warm / ruff with its cache, wall", first["warm"].wall, first["ruff"].wall, "<= 1x")
    line("warm / ruff --no-cache, wall", first["warm"].wall, first["ruff uncached"].wall, "<= 0.5x")
    warm = first["warm"].cpu
    difference("a comment added: more CPU than warm", comment.cpu - warm, "<= 60 ms")
    difference("a function added: more CPU than warm", code.cpu - warm, "<= 150 ms")
    difference("one buffer on stdin, wall", first["stdin"].wall, "<= 80 ms")
    difference("the same with a function more, CPU", first["stdin changed"].cpu, "<= 100 ms")
    difference("memory, cold", first["cold"].memory, "<= 40 KB a module at 16 x", "MB")
    difference("memory, warm", first["warm"].memory, "", "MB")
    if hosts:
        measure_hosts(project, runs, files, edited)


def floor(project: Path) -> tuple[float, float]:
    """What a cold run takes in one process, and what of it is the floor, in milliseconds of CPU."""
    script = Path(__file__).with_name("phases.py")
    done = subprocess.run(
        [PYTHON, str(script), "--sums", str(project)], stdout=subprocess.PIPE, text=True, check=True
    )
    total, least = map(float, done.stdout.split())
    return total, least


def measure_hosts(project: Path, runs: int, files: list[Path], edited: Path) -> None:
    """What the linter adds to flake8 and pylint, with nothing changed since its last run."""
    relative = str(edited.relative_to(project))
    settle(project)
    some = [str(p.relative_to(project)) for p in files[:: max(1, len(files) // 60)]]
    hosts = medians(
        max(11, runs),
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
        max(5, runs // 2),
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
    line("growth, cold, CPU", costs["many"]["cold"].cpu, costs["one"]["cold"].cpu, goal)
    line("growth, warm, CPU", costs["many"]["warm"].cpu, costs["one"]["warm"].cpu, goal)
    difference("memory, cold", costs["many"]["cold"].memory, "<= 40 KB a module at 16 x", "MB")
    difference("memory, warm", costs["many"]["warm"].memory, "", "MB")
    shutil.rmtree(many)


def measure_installed(folder: Path) -> None:
    """A quick look at packages that are installed beside the linter, as if they were one project."""
    project = folder / "installed"
    for name in INSTALLED:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            shutil.copytree(Path(found.origin).parent, project / name)
    (project / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    measure(project, 3, hosts=False)
    phases(project)


def phases(project: Path) -> None:
    """Show where the time of a cold run goes."""
    subprocess.run([PYTHON, str(Path(__file__).with_name("phases.py")), str(project)], check=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("projects", nargs="*")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--phases", action="store_true", help="where the time of a cold run goes, too")
    parser.add_argument("--no-hosts", action="store_true", help="without flake8 and pylint")
    parser.add_argument("--short", action="store_true", help="a quick look at packages that are installed")
    arguments = parser.parse_args()
    if not arguments.short and arguments.folder is None:
        parser.error("name a folder of projects, or ask for --short")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a checkout would be compiled anew by every run
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        if arguments.short:
            measure_installed(folder)
            return
        measure_start(folder, arguments.runs)
        names = arguments.projects or sorted(p.name for p in arguments.folder.iterdir() if p.is_dir())
        for name in names:
            project = folder / name
            shutil.copytree(
                arguments.folder / name, project, symlinks=True, ignore=shutil.ignore_patterns(".*_cache")
            )
            measure(project, arguments.runs, not arguments.no_hosts)
            if arguments.phases:
                phases(project)
            if name == names[0] and arguments.copies > 1:
                measure_growth(project, folder, arguments.copies)
            shutil.rmtree(project)


if __name__ == "__main__":
    main()

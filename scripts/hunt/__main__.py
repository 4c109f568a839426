"""The command of the hunt: see ``scripts/hunt/__init__.py``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from celery_lint.files import stamps
from scripts.hunt import checks, sources, workspaces
from scripts.hunt.trials import Kind, Made, Outcome, Story, Trial
from scripts.hunt.watch import Watch


class Prey(NamedTuple):
    """One kind of trials: how many in the long form, how many in the short one, what must be installed."""

    kind: Kind
    long: int
    short: int
    needs: str = ""


KINDS = {
    "stdlib": Prey(sources.stdlib, 5_000, 6),
    "stdlib-tasks": Prey(sources.stdlib_tasks, 5_000, 8),
    "packages-tasks": Prey(sources.packages_tasks, 5_000, 8),
    "grammar": Prey(sources.grammar, 2_200, 6, "hypothesmith"),
    "grammar-tasks": Prey(sources.grammar_tasks, 2_200, 6, "hypothesmith"),
    "fixtures": Prey(sources.mutated_fixtures, 3_000, 30),
    "stubs": Prey(sources.stubs, 3_000, 30),
    "projects": Prey(workspaces.mutated_projects, 1_000, 8),
    "together": Prey(workspaces.together, 200, 1),
    "hostile": Prey(workspaces.hostile_files, 1_500, 15),
    "edits": Prey(workspaces.edited_projects, 170, 2),
    "attacks": Prey(workspaces.attacked_caches, 20, 1),
}
_MOST_SHOWN = 10
_MOST_MEMORY = 6 << 30


class Tally(NamedTuple):
    """What came of the trials of one kind."""

    tried: int = 0
    unparsed: int = 0
    diagnostics: int = 0
    codes: frozenset[str] = frozenset()
    failed: int = 0
    slowest: float = 0.0
    seconds: float = 0.0

    def with_outcome(self, outcome: Outcome, seconds: float) -> Tally:
        """One trial more. Seconds are of processor time."""
        return Tally(
            self.tried + outcome.tried,
            self.unparsed + bool(outcome.unparsed),
            self.diagnostics + len(outcome.diagnostics),
            self.codes | checks.by_code(outcome.diagnostics),
            self.failed + bool(outcome.faults),
            max(self.slowest, seconds),
            self.seconds + seconds,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Hunt, print the table and what has failed; 1 if anything has, or nothing was tried."""
    arguments = _arguments(argv)
    with tempfile.TemporaryDirectory(prefix="hunt-") as place:
        scratch = Path(place).resolve()
        failures: list[str] = []
        tried = 0
        _print_row("kind", "tried", "unparsed", "diagnostics", "rules", "failed", "slowest", "seconds")
        with _at_home_in(scratch):
            for name in arguments.kinds or KINDS:
                found = len(failures)
                tally = _hunt(name, arguments, scratch, failures)
                tried += tally.tried if tally is not None else 0
                print(*failures[found:], sep="\n", end="\n" if failures[found:] else "", flush=True)
    print(f"\n{tried} tried, {len(failures)} failed (seed {arguments.seed})")
    return 1 if failures or not tried else 0


@contextmanager
def _at_home_in(scratch: Path) -> Iterator[None]:
    """Neither the user's settings of git nor his caches take part."""
    before = dict(os.environ)
    places = {"HOME": "home", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "settings", "TMPDIR": "temporary"}
    for variable, name in places.items():
        (scratch / name).mkdir()
        os.environ[variable] = str(scratch / name)
    was_racy, stamps.RACY_NANOSECONDS = stamps.RACY_NANOSECONDS, 0  # else no cache is trusted so soon
    try:
        yield
    finally:
        stamps.RACY_NANOSECONDS = was_racy
        os.environ.clear()
        os.environ.update(before)


def _bound_memory() -> None:
    """Let a trial that reads for ever fail, and not the machine."""
    if importlib.util.find_spec("resource") is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.hunt", description=checks.__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--short", action="store_true", help="a few of each kind, in seconds")
    parser.add_argument("--count", type=int, default=0, help="so many of each kind")
    parser.add_argument("--seed", type=int, default=1, help="what everything follows from (1)")
    parser.add_argument("--only", default="", metavar="NAME", help="the trial of this name alone")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="where to put what has failed")
    arguments = parser.parse_args(argv)
    for name in arguments.kinds:
        if name not in KINDS:
            parser.error(f"no kind {name!r}: {', '.join(KINDS)}")
    return arguments


def _hunt(name: str, arguments: argparse.Namespace, scratch: Path, failures: list[str]) -> Tally | None:
    """Try one kind, and add what has failed to the failures."""
    prey = KINDS[name]
    if prey.needs and importlib.util.find_spec(prey.needs) is None:
        print(f"{name:16} skipped: {prey.needs} is not installed")
        return None
    tally = Tally()
    count = arguments.count or (prey.short if arguments.short else prey.long)
    for trial in prey.kind(arguments.seed, count):
        if arguments.only and trial.name != arguments.only:
            continue
        made = trial.make()
        if made is None:
            continue
        started = time.process_time()
        outcome = _try(made, scratch)
        tally = tally.with_outcome(outcome, time.process_time() - started)
        if outcome.faults:
            failures.append(_failure(name, trial, made, outcome, tally, arguments))
    _print_row(
        name, tally.tried, tally.unparsed, tally.diagnostics, len(tally.codes), tally.failed,
        f"{tally.slowest:.2f}", f"{tally.seconds:.0f}",
    )  # fmt: skip
    return tally


def _try(made: Made, scratch: Path) -> Outcome:
    own = [str(scratch / "cache"), str(scratch / "temporary")]
    if isinstance(made, (str, bytes)):
        return checks.of_text(made, Watch([str(Path.cwd())], own))
    folder = scratch / "workspace" / "outer" / "project"
    folder.mkdir(parents=True)
    try:
        if isinstance(made, Story):
            return checks.of_story(folder, made)
        workspaces.write(folder, made)
        outcome = checks.of_workspace(folder, Watch([str(folder)], own))
        left = [path.name for path in (scratch / "temporary").iterdir()]
        outcome.faults.extend(f"left behind: {name}" for name in left)
        return outcome
    finally:
        shutil.rmtree(scratch / "workspace")
        for name in own:
            shutil.rmtree(name, ignore_errors=True)
        (scratch / "temporary").mkdir()


def _failure(
    kind: str,
    trial: Trial,
    made: Made,
    outcome: Outcome,
    tally: Tally,
    arguments: argparse.Namespace,
) -> str:
    """What has failed, where it is kept, and how to try it again."""
    if tally.failed > _MOST_SHOWN:
        return f"{kind} {trial.name!r}: {outcome.faults[0][:200]}"
    kept = Path(arguments.keep or tempfile.mkdtemp(prefix="hunt-failed-")) / f"{kind}-{tally.failed}"
    kept.mkdir(parents=True, exist_ok=True)
    if isinstance(made, str):
        made = made.encode("utf-8", "surrogatepass")
    if not isinstance(made, Story):
        workspaces.write(kept, made if isinstance(made, dict) else {b"program.py": made})
    count = f" --count {arguments.count}" if arguments.count else " --short" if arguments.short else ""
    again = f"python -m scripts.hunt {kind} --seed {arguments.seed}{count} --only {trial.name!r}"
    lines = [f"{kind} {trial.name!r}", *(f"    {fault}" for fault in outcome.faults[:5])]
    return "\n".join([*lines, f"    again: {again}", f"    files: {kept}"])


def _print_row(kind: str, *columns: object) -> None:
    print(f"{kind:16}", *(f"{column!s:>11}" for column in columns), flush=True)


if __name__ == "__main__":
    _bound_memory()
    sys.exit(main())

"""Edit real little projects at random: after each edit the cache must say what a run without it says.

    python scripts/edits.py [--edits 2000] [--seed 1] [--folder FOLDER]

The projects are the fixtures. A file loses or repeats a line, is broken, emptied, removed, renamed,
moved, replaced by one of another project or brought back; functions come, go and grow; a name is replaced
everywhere; the worker pool changes. One project is edited several times in a row, and each time it is
checked twice with a cache and once without. Compared are diagnostics, files that could not be parsed, and
the numbers of files and tasks. Exits with 1 if anything differs, and tells the seed of that project and
its edits.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from celery_lint import engine  # noqa: E402
from celery_lint.diagnostics import Report  # noqa: E402
from celery_lint.files import stamps  # noqa: E402

FIXTURES = REPOSITORY / "fixtures"
# An edit and the run before it must not fall into one tick of the file system's clock: 10 ms on Linux.
TICK = 0.011
EDITS_OF_A_PROJECT = 12


class Difference(NamedTuple):
    """Where a cache has changed the outcome."""

    seed: str
    edits: list[str]
    cached: Report
    fresh: Report


class Project:
    """A copy of a fixture that is edited."""

    def __init__(self, case: Path, folder: Path, rng: random.Random) -> None:
        self.folder = folder
        self.case = case
        self._rng = rng
        shutil.copytree(case, folder)

    def sources(self) -> list[Path]:
        """Its Python files."""
        return sorted(self.folder.rglob("*.py"))

    def edit(self) -> str:
        """Change something; what it was."""
        edits: list[Callable[[Path], str]] = [
            self._delete_line,
            self._delete_line,
            self._repeat_line,
            self._break,
            self._indent,
            self._empty,
            self._remove,
            self._rename,
            self._move,
            self._replace,
            self._new,
            self._name,
            self._comment,
            self._touch,
            self._function,
            self._function,
            self._without,
            self._body,
        ]
        sources = self.sources()
        if not sources:
            return self._restore()
        kind = self._rng.randrange(len(edits) + 2)
        if kind == len(edits):
            return self._restore()
        if kind > len(edits):
            return self._pool()
        return edits[kind](self._rng.choice(sources))

    def _lines(self, path: Path) -> list[str]:
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)

    def _write(self, path: Path, lines: list[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")

    def _delete_line(self, path: Path) -> str:
        lines = self._lines(path)
        number = self._rng.randrange(len(lines)) if lines else 0
        self._write(path, lines[:number] + lines[number + 1 :])
        return f"delete line {number + 1} of {path.name}"

    def _repeat_line(self, path: Path) -> str:
        lines = self._lines(path)
        number = self._rng.randrange(len(lines)) if lines else 0
        self._write(path, lines[: number + 1] + lines[number:])
        return f"repeat line {number + 1} of {path.name}"

    def _break(self, path: Path) -> str:
        lines = self._lines(path)
        number = self._rng.randrange(len(lines) + 1)
        self._write(path, [*lines[:number], "def (\n", *lines[number:]])
        return f"break line {number + 1} of {path.name}"

    def _indent(self, path: Path) -> str:
        lines = self._lines(path)
        number = self._rng.randrange(len(lines)) if lines else 0
        self._write(path, [*lines[:number], *(f"    {line}" for line in lines[number:])])
        return f"indent {path.name} from line {number + 1}"

    def _empty(self, path: Path) -> str:
        self._write(path, [])
        return f"empty {path.name}"

    def _remove(self, path: Path) -> str:
        path.unlink()
        return f"remove {path.name}"

    def _rename(self, path: Path) -> str:
        path.rename(path.with_name(f"renamed_{path.name}"))
        return f"rename {path.name}"

    def _move(self, path: Path) -> str:
        target = self.folder / self._rng.choice(["moved", "shop", "app", "tests"]) / path.name
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        return f"move {path.name} to {target.parent.name}"

    def _foreign(self) -> list[str]:
        return self._lines(self._rng.choice(all_sources()))

    def _replace(self, path: Path) -> str:
        self._write(path, self._foreign())
        return f"replace {path.name}"

    def _new(self, path: Path) -> str:
        name = f"new_{self._rng.randrange(3)}.py"
        self._write(path.with_name(name), self._foreign())
        return f"new file {name} beside {path.name}"

    def _name(self, path: Path) -> str:
        words = sorted({word for line in self._lines(path) for word in line.split() if word.isidentifier()})
        if len(words) < 2:
            return f"no names in {path.name}"
        old, new = self._rng.sample(words, 2)
        places = self.sources() if self._rng.random() < 0.5 else [path]
        for place in places:
            self._write(place, [line.replace(old, new) for line in self._lines(place)])
        return f"call {old} {new} in {'all files' if len(places) > 1 else path.name}"

    def _restore(self) -> str:
        shutil.copytree(self.case, self.folder, dirs_exist_ok=True)
        return "restore all files"

    def _comment(self, path: Path) -> str:
        self._write(path, [*self._lines(path), f"# {self._rng.random()}\n"])
        return f"comment at the end of {path.name}"

    def _function(self, path: Path) -> str:
        """A function of its own, or another definition of a name, between others or at the end."""
        lines = self._lines(path)
        words = sorted({word for line in lines for word in re.findall(r"[a-z_]+", line)}) or ["x"]
        said = [line.strip() for line in lines if line[:1] == " "] or ["pass"]
        name = self._rng.choice(["added", "added", self._rng.choice(words)])
        body = self._rng.choice(["return 1", "return len([])", self._rng.choice(said)])
        tops = [at for at, line in enumerate(lines) if line.startswith(("def ", "class ", "@"))]
        at = self._rng.choice([*tops, len(lines)])
        self._write(path, [*lines[:at], f"\n\ndef {name}():\n", f"    {body}\n", "\n\n", *lines[at:]])
        return f"function {name} in line {at + 1} of {path.name}"

    def _heads(self, lines: list[str]) -> list[int]:
        return [at for at, line in enumerate(lines) if line.lstrip().startswith(("def ", "async def "))]

    def _without(self, path: Path) -> str:
        lines = self._lines(path)
        heads = self._heads(lines)
        if not heads:
            return f"no functions in {path.name}"
        at = self._rng.choice(heads)
        self._write(path, lines[:at] + lines[end_of(lines, at) :])
        return f"without the function in line {at + 1} of {path.name}"

    def _body(self, path: Path) -> str:
        lines = self._lines(path)
        heads = self._heads(lines)
        if not heads:
            return f"no functions in {path.name}"
        at = self._rng.choice(heads)
        end = end_of(lines, at)
        indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + 4)
        self._write(
            path, [*lines[:end], f"{indent}{self._rng.choice(['pass', 'len([])', 'x = 1'])}\n", *lines[end:]]
        )
        return f"a longer body in line {at + 1} of {path.name}"

    def _touch(self, path: Path) -> str:
        path.touch()
        return f"touch {path.name}"

    def _pool(self) -> str:
        pool = self._rng.choice(["prefork", "gevent", "threads", "solo"])
        self._write(self.folder / "Procfile", [f"worker: celery -A app worker -P {pool}\n"])
        return f"pool {pool}"


def end_of(lines: list[str], at: int) -> int:
    """The line behind the function that begins on a line."""
    inner = " " * (len(lines[at]) - len(lines[at].lstrip()) + 1)
    below = range(at + 1, len(lines))
    return next((n for n in below if lines[n].strip() and not lines[n].startswith(inner)), len(lines))


_sources: list[Path] = []


def all_sources() -> list[Path]:
    """The Python files of all fixtures."""
    if not _sources:
        _sources.extend(sorted(FIXTURES.rglob("*.py")))
    return _sources


def outcome(folder: Path, *, cache: bool) -> Report:
    """What a new process would say about a project."""
    return engine.check_paths([str(folder)], None, overrides={"preset": "all", "cache": cache})


def differences(edits: int, seed: int, folder: Path) -> Iterator[Difference]:
    """Edit projects, so many times all in all, in a folder that holds their copies for a while."""
    cases = sorted(path.parent for path in FIXTURES.glob("*/*/pyproject.toml"))
    rng = random.Random(seed)
    done = 0
    while done < edits:
        name = f"{seed}-{done}"
        project = Project(rng.choice(cases), folder / f"project-{done}", random.Random(name))
        story = [f"copy {project.case.relative_to(REPOSITORY)}"]
        outcome(project.folder, cache=True)
        for _ in range(min(EDITS_OF_A_PROJECT, edits - done)):
            time.sleep(TICK)
            story.append(project.edit())
            done += 1
            time.sleep(TICK)
            first, again = outcome(project.folder, cache=True), outcome(project.folder, cache=True)
            fresh = outcome(project.folder, cache=False)
            if not first == again == fresh:
                yield Difference(name, story, first if first != fresh else again, fresh)
                break
        shutil.rmtree(project.folder)


def only(kind: str, one: Report, other: Report) -> Iterator[str]:
    """What one of two outcomes says and the other does not, line by line."""
    for found in [*one.diagnostics, *one.unparsed]:
        if found not in other.diagnostics and found not in other.unparsed:
            yield f"  only {kind}: {found}"


def told(difference: Difference) -> Iterator[str]:
    """What is to be shown of a difference, line by line."""
    yield f"seed {difference.seed}: " + "; ".join(difference.edits)
    cached, fresh = difference.cached, difference.fresh
    yield from only("cached", cached, fresh)
    yield from only("fresh", fresh, cached)
    if cached[2:] != fresh[2:]:
        yield f"  cached {cached.files} files, {cached.tasks} tasks; fresh {fresh.files}, {fresh.tasks}"


def main() -> int:
    """Edit, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stamps.RACY_NANOSECONDS = 0  # files are trusted at once, so that the cache has something to say
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        found = list(differences(options.edits, options.seed, Path(folder)))
    for difference in found:
        print(*told(difference), sep="\n")
    print(f"{options.edits} edits tried, {len(found)} times cached and fresh runs differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

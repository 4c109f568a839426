"""Type into files of real little projects at random: what is kept from one text to the next must not show.

    python scripts/buffers.py [--edits 2000] [--seed 1]

The projects are the fixtures. In the text of one file a line goes, comes, is doubled, indented, replaced or
broken, words change places, calls move, functions come and go; mostly the text can still be parsed. Each text
is checked as an editor would have it checked, by a workspace that has seen the ones before, and by one that
sees it first.
Exits with 1 if they differ, and tells the seed of that project and its file.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from celery_lint.configuration import load  # noqa: E402
from celery_lint.diagnostics import Report  # noqa: E402
from celery_lint.engine.workspace import Workspace  # noqa: E402
from celery_lint.fixes.text import compiles  # noqa: E402
from scripts.edits import end_of, only  # noqa: E402

FIXTURES = REPOSITORY / "fixtures"
OPTIONS = {"preset": "all"}
EDITS_OF_A_FILE = 15
# So often a text is sought that can be parsed: one that cannot tells little.
TRIES = 6
_WORD = re.compile(r"\w+")
_HEAD = re.compile(r"\s*(async )?def ")
_HEADS = ("def", "def", "async def")
_TYPED = ("x", "(", ")", " ", "await ", "self.", "=1", ".delay()")
_COMMENTS = ("noqa", "celery-lint: ignore[CEL110]", "remember this")


class Difference(NamedTuple):
    """Where what was kept has changed the outcome, and between which texts."""

    seed: str
    path: Path
    before: str
    after: str
    kept: Report
    fresh: Report


class Typist:
    """Somebody who changes texts at random."""

    def __init__(self, rng: random.Random, lines: list[str]) -> None:
        self._rng = rng
        self._lines = lines  # of other files

    def typed(self, text: str) -> str:
        """The text with a change, which mostly leaves a program."""
        for _ in range(TRIES):
            new = self._changed(text)
            if compiles(new) or self._rng.random() < 0.02:
                return new
        return f"{text}\n"

    def _changed(self, text: str) -> str:
        lines, rng = text.split("\n"), self._rng
        at = rng.randrange(len(lines))
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip())]
        words = _WORD.findall(text) or ["x"]
        own = _WORD.findall(line) or ["x"]
        kind = rng.randrange(12)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, line)
        elif kind == 2:
            lines.insert(at, rng.choice(["", f"{indent}print(1)"]))
        elif kind == 3:
            lines.insert(at, indent + rng.choice(lines).lstrip())
        elif kind == 4:
            lines.insert(at, indent + rng.choice(self._lines).lstrip())
        elif kind == 5:
            lines[at] = indent + rng.choice(lines).lstrip()
        elif kind == 6:
            column = rng.randrange(len(line) + 1)
            lines[at] = line[:column] + rng.choice(_TYPED) + line[column:]
        elif kind == 7:
            lines[at] = f"{line}  # {rng.choice(_COMMENTS)}"
        elif kind == 8:
            name, said = rng.choice((*words, "added")), rng.choice(lines).strip()
            lines[at:at] = [
                f"{indent}{rng.choice(_HEADS)} {name}():",
                f"{indent}    {said or 'return 1'}",
                "",
            ]
        elif kind == 9:
            heads = [number for number, each in enumerate(lines) if _HEAD.match(each)]
            if heads:
                at = rng.choice(heads)
                del lines[at : end_of(lines, at)]
        else:
            lines[at] = line.replace(rng.choice(own), rng.choice(words), rng.randrange(1, 3))
        return "\n".join(lines)


def differences(edits: int, seed: int, folder: Path) -> Iterator[Difference]:
    """Type so many texts all in all, in a folder that holds the projects for a while."""
    cases = sorted(path.parent for path in FIXTURES.glob("*/*/pyproject.toml"))
    sources = sorted(FIXTURES.rglob("*.py"))
    rng = random.Random(seed)
    done = 0
    while done < edits:
        name = f"{seed}-{done}"
        case, other = rng.choice(cases), rng.choice(sources)
        project = folder / f"project-{done}"
        shutil.copytree(case, project)
        paths = sorted(project.rglob("*.py"))
        typist = Typist(random.Random(name), other.read_text(encoding="utf-8", errors="replace").split("\n"))
        options = load(str(project), OPTIONS)
        kept = Workspace(str(project), options, None, OPTIONS)
        for path in rng.sample(paths, min(2, len(paths))):
            relative, text = path.relative_to(project), path.read_text(encoding="utf-8", errors="replace")
            for _ in range(EDITS_OF_A_FILE):
                new = typist.typed(text)
                done += 1
                one = kept.report_of_text(relative.as_posix(), new, True, lambda: False)
                fresh = Workspace(str(project), options, None, OPTIONS)
                other_one = fresh.report_of_text(relative.as_posix(), new, True)
                if _said(one) != _said(other_one):
                    yield Difference(name, case / relative, text, new, one, other_one)
                text = new if compiles(new) else text
        shutil.rmtree(project)


def _said(report: Report) -> tuple[object, ...]:
    return sorted(report.diagnostics), *report[1:]


def told(difference: Difference) -> Iterator[str]:
    """What is to be shown of a difference, line by line."""
    yield f"seed {difference.seed}: {difference.path}"
    yield from only("kept", difference.kept, difference.fresh)
    yield from only("fresh", difference.fresh, difference.kept)


def main() -> int:
    """Type, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        found = list(differences(options.edits, options.seed, Path(folder)))
    for difference in found:
        print(*told(difference), sep="\n")
    print(f"{options.edits} texts tried, {len(found)} times a workspace and a new one differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

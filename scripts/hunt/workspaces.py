"""Workspaces to try: programs side by side, whole fixtures with something broken in them, hostile files."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from celery_lint.source import NotParsed, Source
from scripts import cache_attacks, edits
from scripts.hunt import hostile, sources
from scripts.hunt.mutations import mutated
from scripts.hunt.trials import Files, Link, Pipe, Story, Trial
from tests import fixture_corpus

MARKER = b"[tool.celery-lint]\nroot = true\n"
_TOGETHER = 12
_ATTACKS = 60


def write(folder: Path, files: Files) -> None:
    """Put the files of a workspace on the disk, as far as the disk takes them."""
    for path, content in files.items():
        target = os.path.join(os.fsencode(folder), path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if isinstance(content, Link):
                os.symlink(content.target, target)
            elif isinstance(content, Pipe):
                os.mkfifo(target)
            else:
                with open(target, "wb") as file:
                    file.write(content)
        except OSError:  # a name that this file system cannot have
            continue


def together(seed: int, count: int) -> Iterator[Trial]:
    """Programs of all sorts as the modules of one project, which import each other."""
    pools = [
        list(kind(seed, 400))
        for kind in (sources.stdlib_tasks, sources.packages_tasks, sources.mutated_fixtures)
    ]
    for number in range(count):

        def make(number: int = number) -> Files:
            dice = sources.choice(seed, "together", number)
            files: Files = {
                b"pyproject.toml": MARKER,
                b"Procfile": b"worker: celery -A m0 worker -P gevent\n",
            }
            for index in range(_TOGETHER):
                program = dice.choice(dice.choice(pools)).make()
                if isinstance(program, str):
                    others = "".join(f"from m{dice.randrange(_TOGETHER)} import *\n" for _ in range(2))
                    files[b"m%d.py" % index] = f"{program}\n{others}".encode("utf-8", "surrogatepass")
            return files

        yield Trial(str(number), make)


def mutated_projects(seed: int, count: int) -> Iterator[Trial]:
    """Whole cases of the fixtures with something broken in each of their files."""
    cases = fixture_corpus.cases()
    for number in range(count):

        def make(number: int = number) -> Files:
            dice = sources.choice(seed, "projects", number)
            folder = dice.choice(cases).folder
            others = sources.fixtures()
            files: Files = {}
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    name = path.relative_to(folder).as_posix().encode()
                    files[name] = (
                        _broken(path.read_bytes(), dice, others)
                        if path.suffix != ".toml"
                        else path.read_bytes()
                    )
            return files

        yield Trial(str(number), make)


def _broken(data: bytes, dice: random.Random, others: list[str]) -> bytes:
    try:
        text = Source("", data).text
    except NotParsed:
        return data
    return mutated(text, dice, others).encode("utf-8", "surrogatepass")


def hostile_files(seed: int, count: int) -> Iterator[Trial]:
    """Names, contents and links that nobody writes by accident, around a task that is in order."""
    for number in range(count):
        yield Trial(
            str(number),
            lambda number=number: hostile.files(sources.choice(seed, "hostile", number)),  # type: ignore[misc]
        )


def edited_projects(seed: int, count: int) -> Iterator[Trial]:
    """Fixtures that are edited several times in a row: see ``scripts/edits.py``."""
    for number in range(count):

        def told(folder: Path, number: int = number) -> Iterator[str]:
            dice = sources.choice(seed, "edits", number).getrandbits(32)
            for difference in edits.differences(edits.EDITS_OF_A_PROJECT, dice, folder):
                yield " | ".join(edits.told(difference))

        yield Trial(str(number), lambda told=told: Story(edits.EDITS_OF_A_PROJECT, told))  # type: ignore[misc]


def attacked_caches(seed: int, count: int) -> Iterator[Trial]:
    """Caches that are damaged, replaced and forged: see ``scripts/cache_attacks.py``."""
    for number in range(count):

        def told(folder: Path, number: int = number) -> Iterator[str]:
            dice = sources.choice(seed, "attacks", number).getrandbits(32)
            for kind, wrong in cache_attacks.attacks(_ATTACKS, dice, folder):
                if wrong:
                    yield f"{kind}: {wrong}"

        yield Trial(str(number), lambda told=told: Story(_ATTACKS, told))  # type: ignore[misc]

"""Do the tests bite? Break the code in every small way, one at a time, and see which tests notice.

    pip install mutmut
    python scripts/mutate.py                          all files of ``[tool.mutmut]``
    python scripts/mutate.py selection verdict        files whose path holds one of these words
    python scripts/mutate.py selection --show         and what each mutant that survived has changed
    python scripts/mutate.py --sample 60 --seed 1     so many mutants of each file, by chance

mutmut (https://mutmut.readthedocs.io) makes the mutants, in a copy of the checkout. One counts as killed if
a test fails, or does not come to an end; the slow random tests do not take part. Exits with 1 if of a file
less than 85 % are killed. What survives, and why it may: ``docs/mutants.md``.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
WANTED = 0.85
_KILLED = frozenset({"killed", "timeout", "segfault", "suspicious", "caught by type check"})
# celery_lint.files.cache.xǁCacheǁload__mutmut_3: survived
RESULT = re.compile(r"\s*(?P<name>(?P<module>[\w.]+)\.x[\wǁ]+__mutmut_\d+): (?P<outcome>.+)")


def main() -> int:
    """Make the mutants, try them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("words", nargs="*", help="parts of paths")
    parser.add_argument("--show", action="store_true", help="show what each survivor has changed")
    parser.add_argument(
        "--sample", type=int, default=0, metavar="N", help="try so many of each file, not all"
    )
    parser.add_argument("--seed", type=int, default=1, help="what the sample follows from (1)")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    try:
        import mutmut  # noqa: F401
    except ImportError:
        sys.exit("mutmut is not installed: pip install mutmut")
    except FileNotFoundError:
        pass  # it looks for the code when it is imported, and stands elsewhere
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folder = Path(place)
        _copy(folder)
        asked = [module for module in modules(folder) if _is_asked_for(module, options.words)]
        if not asked:
            sys.exit("no file of [tool.mutmut] in pyproject.toml has such a path")
        _mutmut(folder, "run", "nothing", fails=True)  # makes the mutants, and times the tests
        mutants = [name for name, module, _ in _results(folder) if module in asked]
        chosen = [
            name
            for module in asked
            for name in _sample([name for name in mutants if name.startswith(f"{module}.x")], options)
        ]
        _mutmut(folder, "run", "--max-children", str(options.processes), *chosen)
        found = _outcomes(folder)
        survivors = _table(found, asked)
        for name in survivors if options.show else ():
            print(_mutmut(folder, "show", name))
    return 1 if any(_share(found, module) < WANTED for module in asked) else 0


def _sample(names: list[str], options: argparse.Namespace) -> list[str]:
    if not options.sample or options.sample >= len(names):
        return names
    return random.Random(options.seed).sample(names, options.sample)


def _copy(folder: Path) -> None:
    """Copy the checkout as git knows it, new files included."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        path = REPOSITORY / name
        if name and path.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def modules(folder: Path) -> list[str]:
    """The modules that mutants are made of, by the table of a checkout."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("[tool.mutmut]")[2].partition("only_mutate = [")[2].partition("]")[0]
    return [path[:-3].replace("/", ".") for path in re.findall(r'"(.+)"', table)]


def _is_asked_for(module: str, words: list[str]) -> bool:
    return not words or any(word.removesuffix(".py").replace("/", ".") in module for word in words)


def _mutmut(folder: Path, *arguments: str, fails: bool = False) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    output = subprocess.DEVNULL if fails else None
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=output, encoding="utf-8", check=False
    )
    if done.returncode and not fails:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def _results(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Every mutant: its name, its module, and what became of it."""
    for line in _mutmut(folder, "results", "--all", "true").splitlines():
        match = RESULT.fullmatch(line)
        if match:
            yield match["name"], match["module"], match["outcome"]


def _outcomes(folder: Path) -> dict[str, Counter[str]]:
    """Of each module: how many of the mutants tried are killed, and the names of those that live."""
    found: dict[str, Counter[str]] = {}
    for name, module, outcome in _results(folder):
        if outcome != "not checked":
            found.setdefault(module, Counter())["killed" if outcome in _KILLED else name] += 1
    return found


def _share(found: dict[str, Counter[str]], module: str) -> float:
    outcomes = found.get(module, Counter())
    return outcomes["killed"] / max(outcomes.total(), 1)


def _table(found: dict[str, Counter[str]], asked: list[str]) -> list[str]:
    survivors: list[str] = []
    print(f"{'module':40} {'mutants':>8} {'killed':>8} {'survived':>9} {'share':>7}")
    for module in asked:
        outcomes = found.get(module, Counter())
        killed = outcomes.pop("killed", 0)
        survivors += sorted(outcomes)
        outcomes["killed"] = killed
        total = outcomes.total()
        print(f"{module:40} {total:8} {killed:8} {total - killed:9} {_share(found, module):7.1%}")
    print(*survivors, sep="\n")
    return survivors


if __name__ == "__main__":
    sys.exit(main())

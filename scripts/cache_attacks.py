"""Damage, replace and forge the cache in every way: what is said must stay what a run without it says.

    python scripts/cache_attacks.py [--tries 1500] [--seed 1]

Some fixtures are checked until their cache is warm. Then, so many times: a file of the cache gets a bit
flipped, is cut off, gets one value of its JSON replaced, is replaced by rubbish, by the file of another
project, by a link, pipe, folder, endless or huge file; or facts and verdicts are forged as somebody would
who has the same installation and all but the secret: with digests of another secret, with none, as a whole
folder that the project brings along (``cache-dir``). Half of the time the project is edited as well, so that
the facts are asked for. Two runs follow. Counted are tries after which one of them said something wrong or
failed; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from celery_lint import engine  # noqa: E402
from celery_lint.diagnostics import Report  # noqa: E402
from celery_lint.digests import blake2b  # noqa: E402
from celery_lint.files import stamps  # noqa: E402
from celery_lint.files.secret import Secret  # noqa: E402

FIXTURES = REPOSITORY / "fixtures"
CASES = (
    "CEL110/helper_in_another_module",
    "CEL210/loop_of_its_own",
    "CEL446/by_a_function_of_another_module",
    "CEL717/mapping",
)
SOURCE = "from celery import shared_task\n\n\n@shared_task\nasync def extra():\n    ...\n"
# Times must tell an edit from the run before it: the tick of a file system's clock.
TICK = 0.011


class Project:
    """A project with a warm cache, as it was before anybody touched it."""

    def __init__(self, case: str, folder: Path) -> None:
        self.folder = folder / case.replace("/", "-")
        self.planted = self.folder / "planted"
        shutil.copytree(FIXTURES / case, self.folder)
        (self.folder / "broken.py").write_text("from celery import (\n")
        self._texts = {path: path.read_bytes() for path in self.folder.rglob("*.py")}
        self.before = self.fresh()
        self.warm()

    def warm(self) -> None:
        """Fill the cache, so that the next run without changes reads nothing."""
        time.sleep(TICK)
        engine.check_paths([str(self.folder)], None)

    def fresh(self) -> Report:
        """What is true."""
        return engine.check_paths([str(self.folder)], None, overrides={"cache": False})

    def cached(self, cache_dir: str) -> Report:
        """What is said with the cache."""
        return engine.check_paths([str(self.folder)], None, overrides={"cache_dir": cache_dir})

    def edit(self, rng: random.Random) -> None:
        """Change something that may change the verdict."""
        path = rng.choice(sorted(self._texts))
        lines = path.read_text().splitlines(keepends=True)
        change = rng.randrange(3)
        if change == 0:
            path.write_text("# one more line\n" + "".join(lines))
        elif change == 1:
            path.write_text("".join(lines) + "\n\n" + SOURCE)
        else:
            path.write_text("".join(lines) + "# comment\n")

    def restore(self) -> None:
        """Undo all edits. The times are new, but the texts are what they were."""
        for path, text in self._texts.items():
            if path.read_bytes() != text:
                path.write_bytes(text)
        shutil.rmtree(self.planted, ignore_errors=True)


class Attacker:
    """Somebody who may write to the cache, and knows everything but the secret."""

    def __init__(self, user: Path, rng: random.Random) -> None:
        self._user = user
        self._rng = rng
        self._good: dict[str, bytes] = {}

    def remember(self) -> None:
        """Note the cache as it is."""
        self._good = {path.name: path.read_bytes() for path in self._user.iterdir()}

    def restore(self) -> None:
        """Put everything back."""
        for path in self._user.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.is_symlink() or not path.is_file() or path.name not in self._good:
                path.unlink()
        for name, data in self._good.items():
            path = self._user / name
            if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
                path.write_bytes(data)
                path.chmod(0o600)

    def attack(self, project: Project) -> tuple[str, str]:
        """Do something bad; what it was, and the option ``cache-dir`` of the runs that follow."""
        kinds: dict[str, Callable[[Path], None]] = {
            "flipped": self._flip,
            "cut off": self._cut,
            "value replaced": self._leaf,
            "rubbish": self._rubbish,
            "of another project": self._swap,
            "no file": self._odd,
            "link": self._link,
        }
        whole: dict[str, Callable[[], None]] = {
            "forged verdict": lambda: self._forge(self._user, self._emptied),
            "forged facts": lambda: self._forge(self._user, self._other_facts),
            "forged installation": self._forge_installation,
            "planted": lambda: self._plant(project),
        }
        kind = self._rng.choice([*kinds, *whole])
        if kind in whole:
            whole[kind]()
            return kind, str(project.planted) if kind == "planted" else ""
        names = sorted(self._good)
        spoken = [name for name in names if name.endswith((".manifest", ".facts"))]
        path = self._user / self._rng.choice(spoken if self._rng.random() < 0.7 else names)
        kinds[kind](path)
        return kind, ""

    # ------------------------------------------------------------------------------ one file

    def _flip(self, path: Path) -> None:
        data = bytearray(path.read_bytes())
        if data:
            data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
            path.write_bytes(data)

    def _cut(self, path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: self._rng.randrange(len(data) + 1)])

    def _rubbish(self, path: Path) -> None:
        deep = b"[" * 100_000
        texts = [b"", b"{}", b"[]", b"null", b"\xff\xfe{", deep, b"0" * 64 + b"\n" + deep, b"\n" * 9]
        path.write_bytes(self._rng.choice(texts))

    def _swap(self, path: Path) -> None:
        others = [name for name in self._good if name.endswith(path.suffix)]
        path.write_bytes(self._good[self._rng.choice(others)])

    def _leaf(self, path: Path) -> None:
        digest, _, text = path.read_bytes().partition(b"\n")
        text, _, stamps = text.partition(b"\n")
        try:
            document = json.loads(text)
        except ValueError:  # a file of another kind
            self._flip(path)
            return
        places = list(_leaves(document))
        holder, key = self._rng.choice(places) if places else ([0], 0)
        wrong: list[Any] = [None, 7, -1, 10**30, "x", "", [], {}, [None], True, "recommendeD", 0.5]
        holder[key] = self._rng.choice(wrong)
        path.write_bytes(digest + b"\n" + json.dumps(document).encode() + b"\n" + stamps)

    def _odd(self, path: Path) -> None:
        path.unlink()
        kind = self._rng.randrange(4)
        if kind == 0:
            os.mkfifo(path)
        elif kind == 1:
            path.mkdir()
        elif kind == 2:
            path.symlink_to("/dev/zero")
        else:
            path.touch()
            os.truncate(path, 1 << 40)

    def _link(self, path: Path) -> None:
        """A link to the very file that was here: it would be believed if it were followed."""
        target = self._user / "elsewhere"
        path.rename(target)
        path.symlink_to(target)

    # ------------------------------------------------------------------------------ all of it

    def _forge(self, folder: Path, change: Callable[[list[Any], list[str]], list[str]]) -> None:
        """Change what all manifests and facts say, and make new digests as well as one can."""
        for path in folder.glob("*.manifest"):
            facts = path.with_suffix(".facts")
            rows = facts.read_text().split("\n") if facts.exists() else []
            text, _, numbers = path.read_bytes().partition(b"\n")[2].partition(b"\n")
            manifest = json.loads(text)
            data = "\n".join(change(manifest, rows)).encode()
            facts.write_bytes(data)
            manifest[-1] = self._digest("facts", data)
            text = json.dumps(manifest, separators=(",", ":")).encode() + b"\n" + numbers
            path.write_bytes(self._digest("manifest", text).encode() + b"\n" + text)

    def _digest(self, purpose: str, data: bytes) -> str:
        if self._rng.random() < 0.5:
            return blake2b(data, digest_size=32, person=purpose.encode()).hexdigest()
        return Secret(b"a secret of somebody else's     ").digest(purpose, data)

    def _emptied(self, manifest: list[Any], rows: list[str]) -> list[str]:
        manifest[3] = [[], [], [], {}, {}]
        return rows

    def _other_facts(self, manifest: list[Any], rows: list[str]) -> list[str]:
        self._emptied(manifest, rows)
        # Every file says what the last one says, and is known by its own digest all the same.
        return [f"{row.partition(chr(9))[0]}\t{rows[-1].partition(chr(9))[2]}" for row in rows]

    def _forge_installation(self) -> None:
        for path in self._user.glob("celery-lint-installation-*"):
            text = json.dumps([json.loads(path.read_bytes().partition(b"\n")[2])[0], "0" * 16])
            path.write_bytes(self._digest("installation", text.encode()).encode() + b"\n" + text.encode())

    def _plant(self, project: Project) -> None:
        """The project brings a whole folder along, secret included, made by the same installation."""
        project.planted.mkdir()
        for _ in range(2):  # the second sees the folder that the first has filled
            time.sleep(TICK)
            project.cached(str(project.planted))
        (project.planted / "celery-lint-secret").write_bytes(b"a secret of somebody else's     ")
        self._forge(project.planted, self._rng.choice([self._emptied, self._other_facts]))


def _leaves(document: Any) -> Iterator[tuple[Any, Any]]:
    """Where the single values of a JSON document stand: what holds each, and its key there."""
    pending = [document]
    while pending:
        holder = pending.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(value, (dict, list)) and value:
                pending.append(value)
            else:
                yield holder, key


def attacks(tries: int, seed: int, folder: Path) -> Iterator[tuple[str, str]]:
    """Attack so many times; gives each one's kind and what went wrong, if anything did."""
    user = Path(os.environ["XDG_CACHE_HOME"], "celery-lint")
    projects = [Project(case, folder) for case in CASES]
    rng = random.Random(seed)
    attacker = Attacker(user, rng)
    attacker.remember()
    for _ in range(tries):
        project = rng.choice(projects)
        kind, cache_dir = attacker.attack(project)
        edited = rng.random() < 0.5
        if edited:
            project.edit(rng)
        expected = project.fresh() if edited else project.before
        wrong = ""
        try:
            if not project.cached(cache_dir) == project.cached(cache_dir) == expected:
                wrong = "says something else"
        except Exception as error:
            wrong = f"fails: {type(error).__name__}: {error}"
        yield kind, wrong
        project.restore()
        attacker.restore()
        if edited:  # the texts are what they were, the times are not
            project.warm()
            attacker.remember()


def main() -> int:
    """Attack, and print how often what was tried and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stamps.RACY_NANOSECONDS = 0  # the cache is trusted at once, so that there is something to attack
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        for kind, wrong in attacks(options.tries, options.seed, Path(folder)):
            tried[kind] += 1
            if wrong:
                failed[kind] += 1
                print(f"{kind}: {wrong}")
    for kind in sorted(tried):
        print(f"{kind:20} {tried[kind]:5} tries, {failed[kind]} wrong")
    print(f"{tried.total()} tries, {failed.total()} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A sample of the fixtures through each front end: what their comments ask for is found.

The places are compared before suppression, because each front end has its own comments for it.
"""

from __future__ import annotations

import json
import re
import sys
import tokenize
from collections.abc import Iterable
from pathlib import Path

import pytest

from celery_lint.frontends.flake8 import Plugin
from celery_lint.rules import all_rules
from tests.fixture_corpus import Case, cases
from tests.fixture_reports import LONG, REPOSITORY, Place, below, differences, sample, wanted
from tests.processes import run, run_module
from tests.sharing import found_once

CASES = cases(variants=False)
"""All fixtures as a front end finds them in their folders."""


def files_of(among: Iterable[Case]) -> list[Path]:
    """The files of some cases."""
    return [case.folder / file for case in among for file in case.files]


def output(*words: str) -> str:
    """What one of the hosts prints, run in the repository, without git: it would be asked of each fixture."""
    done = run([sys.executable, "-m", *words], cwd=REPOSITORY, environment={"PATH": ""})
    assert "Traceback" not in done.err, done.err
    return done.out


def answer(host: str, *words: str, path: Path) -> str:
    """What it prints about a text from standard input."""
    done = run_module(host, *words, cwd=REPOSITORY, stdin=path.read_text(encoding="utf-8"))
    assert "Traceback" not in done.err, done.err
    return done.out


# ------------------------------------------------------------------------------------ command


def command(cache: str) -> str:
    """What the command says of the sample."""
    folders = [str(case.folder.relative_to(REPOSITORY)) for case in sample()]
    return output("celery_lint", "check", "--output-format=json", f"--cache-dir={cache}", *folders)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """What the command says without a cache, and the cache that it leaves; made once in each test run.

    The other hosts find it, as they do wherever a project is checked by several: each reads the sample and
    asks by itself in :func:`test_flake8_on_buffers` and from standard input.
    """

    def make() -> tuple[str, str]:
        cache = str(tmp_path_factory.mktemp("kept"))
        return command(cache), cache

    return found_once("what hosts find", make)


def test_command(kept: tuple[str, str]) -> None:
    cold, cache = kept
    found = [
        (below(entry["path"]), (entry["code"], entry["line"], entry["column"]))
        for entry in json.loads(cold)["diagnostics"]
    ]
    assert differences(found, wanted(sample(), suppressed=False)) == []
    assert command(cache) == cold, "the cache says something else"


# ------------------------------------------------------------------------------------ flake8

FLAKE8 = ["flake8", "--isolated", "--select=CEL", "--disable-noqa"]
FLAKE8 += ["--format=%(code)s %(row)d %(col)d %(path)s"]


def of_flake8(printed: str) -> list[tuple[str, Place]]:
    found = []
    for line in printed.splitlines():
        code, row, column, path = line.split(" ", 3)
        found.append((below(path), (code, int(row), int(column))))
    return found


def test_flake8(kept: tuple[str, str]) -> None:
    pytest.importorskip("flake8")
    files = ["fixtures"] if LONG else [str(path.relative_to(REPOSITORY)) for path in files_of(sample())]
    printed = output(*FLAKE8, f"--celery-lint-cache-dir={kept[1]}", "-j2", *files)
    assert differences(of_flake8(printed), wanted(sample())) == []


def test_flake8_on_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file as flake8 hands over a text from standard input: lines and a name."""
    monkeypatch.setattr(Plugin, "overrides", (("cache", "false"),))
    found = []
    for path in files_of(sample()):
        with tokenize.open(path) as file:
            plugin = Plugin(None, str(path), list(file))
        for line, column, message, _ in plugin.run():
            found.append((below(str(path)), (message.partition(" ")[0], line, column + 1)))
    assert differences(found, wanted(sample())) == []


def some_files() -> list[Path]:
    """Files of three rules in which they fire, each from its case with the most files.

    They prove the way into a host; what is said there is asked of every file without a process.
    """
    best: dict[str, tuple[int, Path]] = {}
    for case in CASES:
        if case.name.endswith("/bytes"):  # pylint itself fails on a byte order mark from standard input
            continue
        own = [entry for entry in case.expectations if entry.code == case.rule]
        if own and len(case.files) > best.get(case.rule, (0, Path()))[0]:
            best[case.rule] = len(case.files), case.folder / own[0].path
    return [path for _, path in list(best.values())[:: max(1, len(best) // 3)]][:3]


@pytest.mark.parametrize("path", some_files(), ids=below)
def test_flake8_from_standard_input(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("flake8")
    name = str(path.relative_to(REPOSITORY))
    words = [*FLAKE8, f"--celery-lint-cache-dir={tmp_path}", f"--stdin-display-name={name}", "-"]
    found = of_flake8(answer(*words, path=path))
    assert found
    assert differences(found, {below(name): wanted(CASES)[below(name)]}) == []


# ------------------------------------------------------------------------------------ pylint

CODES = {rule.name: rule.code for rule in all_rules()} | {"internal-error": "CEL999"}
PYLINT = [
    "pylint",
    "--rcfile=",
    "--load-plugins=celery_lint",
    "--disable=all",
    f"--enable=internal-error,{','.join(rule.name for rule in all_rules() if rule.preset == 'recommended')}",
    "--output-format=json2",
    "--persistent=no",
    "--score=no",
]


def ignored(files: Iterable[str]) -> str:
    """Lets pylint not read the packages that files import: most of its time, and nothing to us."""
    texts = [(REPOSITORY / name).read_text(encoding="latin-1") for name in files]
    imports = re.compile(r"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)
    imported = {name for text in texts for name in imports.findall(text)}
    return f"--ignored-modules={','.join(sorted(imported))}"


def of_pylint(printed: str) -> list[tuple[str, Place]]:
    return [
        (below(entry["path"]), (CODES[entry["symbol"]], entry["line"], entry["column"] + 1))
        for entry in json.loads(printed)["messages"]
    ]


def test_pylint(kept: tuple[str, str]) -> None:
    pytest.importorskip("pylint")
    files = [str(path.relative_to(REPOSITORY)) for path in files_of(sample())]
    # Since Python 3.13 pylint cannot read a file whose lines end in a lone carriage return; we can.
    unreadable = "CEL110/bytes/carriage_return.py"
    files = [name for name in files if not name.endswith(unreadable)]
    expected = {path: places for path, places in wanted(sample()).items() if path != unreadable}
    printed = output(*PYLINT, ignored(files), f"--celery-lint-cache-dir={kept[1]}", *files)
    assert differences(of_pylint(printed), expected) == []


@pytest.mark.parametrize("path", some_files(), ids=below)
def test_pylint_from_standard_input(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("pylint")
    name = str(path.relative_to(REPOSITORY))
    words = [*PYLINT, f"--celery-lint-cache-dir={tmp_path}", ignored([name]), "--from-stdin", name]
    found = of_pylint(answer(*words, path=path))
    assert found
    assert differences(found, {below(name): wanted(CASES)[below(name)]}) == []

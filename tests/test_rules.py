"""Every fixture through the engine and a sample of them through each front end: what they ask for is found.

The places are compared before suppression, because each front end has its own comments for it.
"""

from __future__ import annotations

import json
import sys
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.noqa import suppressed as silenced
from celery_lint.frontends.flake8 import Plugin
from celery_lint.rules import all_rules
from tests.fixture_corpus import FOLDER, Case, cases, lines
from tests.fixture_reports import LONG, report, said, sample
from tests.processes import run

VARIANTS = cases()
"""All fixtures under all their configurations."""
CASES = cases(variants=False)
"""All fixtures as a front end finds them in their folders."""
NAMES = {rule.code: rule.name for rule in all_rules()}
REPOSITORY = FOLDER.parent
LONGEST_MESSAGE = 88

Place = tuple[str, int, int]
"""Code, line and column from 1 (0: any)."""
Places = Mapping[str, set[Place]]
"""The places of each file, by its path below the fixtures."""


def wanted(among: Iterable[Case], suppressed: bool = True) -> dict[str, set[Place]]:
    """What the comments of fixtures ask for; without the lines that ``# noqa`` silences if told so."""
    found: dict[str, set[Place]] = {}
    for case in among:
        found.update(asked_of(case, suppressed))
    return found


def asked_of(case: Case, suppressed: bool = True) -> dict[str, set[Place]]:
    """What the comments of one fixture ask for, likewise."""
    found: dict[str, set[Place]] = {}
    for code, path, line, column in case.expectations:
        text = lines(case.folder / path)[line - 1]
        if suppressed or not silenced(text[text.find("#") :], code, NAMES[code]):
            found.setdefault(f"{case.name}/{path}", set()).add((code, line, column))
    return found


def differences(found: Iterable[tuple[str, Place]], expected: Places) -> list[str]:
    """What is there and should not be, and what should be there and is not, one line each."""
    missing = {(path, place) for path, places in expected.items() for place in places}
    extra = []
    for path, (code, line, column) in sorted(found):
        match = next((p for p in ((code, line, column), (code, line, 0)) if (path, p) in missing), None)
        if match is None:
            extra.append(f"{path}:{line}:{column}: {code} is not asked for")
        else:
            missing.discard((path, match))
    gone = [f"{path}:{line}:{column}: {code} is missing" for path, (code, line, column) in sorted(missing)]
    return extra + gone


def files_of(among: Iterable[Case]) -> list[Path]:
    """The files of some cases."""
    return [case.folder / file for case in among for file in case.files]


def below(path: str) -> str:
    """A path as the fixtures name it."""
    return (REPOSITORY / path).resolve().relative_to(FOLDER.resolve()).as_posix()


def output(*words: str, stdin: str | None = None) -> str:
    """What one of the hosts prints, run in the repository."""
    done = run([sys.executable, "-m", *words], cwd=REPOSITORY, stdin=stdin)
    assert "Traceback" not in done.err, done.err
    return done.out


# ------------------------------------------------------------------------------------ engine


@pytest.mark.parametrize("case", VARIANTS, ids=[case.label for case in VARIANTS])
def test_engine(case: Case) -> None:
    configuration = load(str(case.folder), case.options)
    found: list[tuple[str, Place]] = []
    for file in case.files:
        path = case.folder / file
        report = engine.check_text(str(path), path.read_bytes(), configuration, suppress=False)
        assert not report.unparsed
        found.extend((f"{case.name}/{file}", (d.code, d.line, d.column)) for d in report.diagnostics)
    assert differences(found, asked_of(case)) == []


@pytest.mark.parametrize("case", cases("tasks"), ids=lambda case: case.label)
def test_tasks(case: Case) -> None:
    expected = {
        (file, number)
        for file in case.files
        for number, line in enumerate(lines(case.folder / file), 1)
        if line.endswith("# task")
    }
    described = engine.describe(str(case.folder), load(str(case.folder), case.options))
    found = {(below(task.path).removeprefix(f"{case.name}/"), task.line) for task in described.tasks}
    assert found == expected


@pytest.mark.parametrize("folder", sorted({case.rule for case in CASES}))
def test_paths_suppression_and_messages(folder: str) -> None:
    """Each message of a rule is said somewhere, and is short there: most names are such as projects have."""
    own = cases(folder)
    for case in own:
        found = [(below(d.path), (d.code, d.line, d.column)) for d in report(case).diagnostics]
        assert differences(found, wanted([case], suppressed=False)) == []
    for rule in all_rules():
        if rule.code == folder:
            for (message, _), real in said(rule, own).items():
                assert real, message
                assert min(map(len, real)) <= LONGEST_MESSAGE, real


# ------------------------------------------------------------------------------------ command


def test_command(tmp_path: Path) -> None:
    folders = [str(case.folder.relative_to(REPOSITORY)) for case in sample()]
    command = ["celery_lint", "check", "--output-format=json", f"--cache-dir={tmp_path}", *folders]
    cold = output(*command)
    found = [
        (below(entry["path"]), (entry["code"], entry["line"], entry["column"]))
        for entry in json.loads(cold)["diagnostics"]
    ]
    assert differences(found, wanted(sample(), suppressed=False)) == []
    assert output(*command) == cold, "the cache says something else"


# ------------------------------------------------------------------------------------ flake8

FLAKE8 = ["flake8", "--isolated", "--select=CEL", "--disable-noqa"]
FLAKE8 += ["--format=%(code)s %(row)d %(col)d %(path)s"]


def of_flake8(printed: str) -> list[tuple[str, Place]]:
    found = []
    for line in printed.splitlines():
        code, row, column, path = line.split(" ", 3)
        found.append((below(path), (code, int(row), int(column))))
    return found


def test_flake8(tmp_path: Path) -> None:
    pytest.importorskip("flake8")
    files = ["fixtures"] if LONG else [str(path.relative_to(REPOSITORY)) for path in files_of(sample())]
    printed = output(*FLAKE8, f"--celery-lint-cache-dir={tmp_path}", "-j2", *files)
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
    """Files of five rules in which they fire, each from its case with the most files.

    They prove the way into a host; what is said there is asked of every file without a process.
    """
    best: dict[str, tuple[int, Path]] = {}
    for case in CASES:
        if case.name.endswith("/bytes"):  # pylint itself fails on a byte order mark from standard input
            continue
        own = [entry for entry in case.expectations if entry.code == case.rule]
        if own and len(case.files) > best.get(case.rule, (0, Path()))[0]:
            best[case.rule] = len(case.files), case.folder / own[0].path
    return [path for _, path in list(best.values())[:: max(1, len(best) // 5)]][:5]


@pytest.mark.parametrize("path", some_files(), ids=below)
def test_flake8_from_standard_input(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("flake8")
    name = str(path.relative_to(REPOSITORY))
    words = [*FLAKE8, f"--celery-lint-cache-dir={tmp_path}", f"--stdin-display-name={name}", "-"]
    found = of_flake8(output(*words, stdin=path.read_text(encoding="utf-8")))
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


def of_pylint(printed: str) -> list[tuple[str, Place]]:
    return [
        (below(entry["path"]), (CODES[entry["symbol"]], entry["line"], entry["column"] + 1))
        for entry in json.loads(printed)["messages"]
    ]


def test_pylint(tmp_path: Path) -> None:
    pytest.importorskip("pylint")
    files = [str(path.relative_to(REPOSITORY)) for path in files_of(sample())]
    # Since Python 3.13 pylint cannot read a file whose lines end in a lone carriage return; we can.
    unreadable = "CEL110/bytes/carriage_return.py"
    files = [name for name in files if not name.endswith(unreadable)]
    expected = {path: places for path, places in wanted(sample()).items() if path != unreadable}
    printed = output(*PYLINT, f"--celery-lint-cache-dir={tmp_path}", *files)
    assert differences(of_pylint(printed), expected) == []


@pytest.mark.parametrize("path", some_files(), ids=below)
def test_pylint_from_standard_input(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("pylint")
    name = str(path.relative_to(REPOSITORY))
    words = [*PYLINT, f"--celery-lint-cache-dir={tmp_path}", "--from-stdin", name]
    found = of_pylint(output(*words, stdin=path.read_text(encoding="utf-8")))
    assert found
    assert differences(found, {below(name): wanted(CASES)[below(name)]}) == []

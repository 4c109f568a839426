"""The hunt (``python -m scripts.hunt``): its checks find what they are for, its short form finds nothing."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.diagnostics import Diagnostic, Related, Report, Unparsed
from celery_lint.reports import concise
from celery_lint.source import NotParsed, parse
from scripts.hunt import __main__ as hunt
from scripts.hunt import checks
from scripts.hunt.watch import Watch
from tests.processes import run

REPOSITORY = Path(__file__).parent.parent.parent
TEXT = "x = 1\nyy = 2\n"


def found(line: int, column: int, end_line: int, end_column: int, code: str = "CEL110") -> Diagnostic:
    return Diagnostic("a.py", line, column, end_line, end_column, code, "name", "message", "help", "error")


def report(*diagnostics: Diagnostic) -> Report:
    return Report(list(diagnostics), [], 1, 1)


@pytest.mark.parametrize(
    "said, fault",
    [
        (report(found(1, 1, 2, 7), found(2, 1, 3, 1)), ""),
        (report(found(1, 1, 1, 6, "CEL999")), "CEL999: message"),
        (report(found(2, 1, 2, 2), found(1, 1, 1, 2)), "the diagnostics are not in order"),
        (report(found(1, 1, 1, 2), found(1, 1, 1, 2)), "a diagnostic stands there twice"),
        (report(found(1, 3, 1, 2)), "CEL110 ends before it starts"),
        (report(found(0, 1, 1, 2)), "CEL110 speaks of 'a.py':0:1, which is not there"),
        (report(found(1, 0, 1, 2)), "CEL110 speaks of 'a.py':1:0, which is not there"),
        (report(found(1, 1, 1, 6)), ""),
        (report(found(1, 1, 1, 7)), "CEL110 speaks of 'a.py':1:7, which is not there"),
        (report(found(1, 1, 4, 1)), "CEL110 speaks of 'a.py':4:1, which is not there"),
        (
            report(found(1, 1, 1, 2)._replace(related=(Related("a.py", 5, 1, "there"),))),
            "CEL110 speaks of 'a.py':5:1, which is not there",
        ),
        (report(found(1, 1, 1, 2)._replace(path="b.py")), "CEL110 speaks of 'b.py':1:1, which is not there"),
    ],
)
def test_what_is_wrong_with_a_report(said: Report, fault: str) -> None:
    faults = checks.of_report(said, {"a.py": TEXT})
    assert any(fault in text for text in faults) if fault else faults == []


def test_what_could_move_a_cursor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concise, "printable", str)
    said = report(found(1, 1, 1, 2)._replace(message="\x1b[2J"))
    assert [text.partition(":")[0] for text in checks.of_report(said, {"a.py": TEXT})] == [
        "concise shows what is not printable"
    ]


def test_what_is_said_otherwise_the_second_time_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = [report(), Report([], [Unparsed("a.py", 1, "no")], 1, 1)]
    monkeypatch.setattr(engine, "check_text", lambda *_: reports.pop())
    outcome = checks.of_text(TEXT, Watch([], []))
    assert [text.partition(":")[0] for text in outcome.faults] == ["said otherwise the second time"]


def test_what_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(*_: object) -> Report:
        while True:
            pass

    monkeypatch.setattr(engine, "check_text", spin)
    monkeypatch.setattr(checks, "MOST_SECONDS", 0.2)
    (fault,) = checks.of_text(TEXT, Watch([], [])).faults
    assert fault.startswith("took more than 0.2 seconds of processor time: test_hunt.py")


SINS: dict[str, Callable[[Path], object]] = {
    "runs code: <module> of 'linted.py'": lambda _: exec(compile("1", "linted.py", "exec")),
    "reads ": lambda folder: (folder / "secret").read_bytes(),
    "lists ": os.listdir,
    "writes ": lambda folder: (folder / "new").write_bytes(b""),
    "os.mkdir of ": lambda folder: (folder / "new").mkdir(),
    "os.remove of ": lambda folder: (folder / "secret").unlink(),
    "os.rename of ": lambda folder: (folder / "secret").rename(folder / "mine" / "new"),
    "starts a program: ": lambda _: subprocess.run([sys.executable, "-V"], capture_output=True, check=True),
    "socket.": lambda _: socket.socket().close(),
}


@pytest.mark.parametrize("fault", SINS)
def test_what_must_not_be_done_is_seen(fault: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    (tmp_path / "mine").mkdir()
    watch = Watch([str(tmp_path / "mine")], [str(tmp_path / "mine" / "cache")])
    with watch.watching() as seen:
        SINS[fault](tmp_path)
    assert [text for text in seen if text.startswith(fault)], seen
    with watch.watching() as seen:
        os.listdir(tmp_path / "mine")
        (tmp_path / "mine" / "cache").mkdir()
        (tmp_path / "mine" / "cache" / "manifest").write_bytes(b"")
        (tmp_path / "mine" / "cache" / "manifest").read_bytes()
    assert seen == []


def test_a_syntax_error_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # Python looks for the line of an error in a file of the name it was given
    with pytest.raises(NotParsed):
        parse("a.py", "x = (\n")
    with Watch([], []).watching() as seen, pytest.raises(NotParsed):
        parse("a.py", "x y\n")
    assert seen == []


def test_a_failure_is_kept_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = engine.check_text

    def fragile(path: str | None, data: bytes | str, *options: object) -> Report:
        if isinstance(data, str) and "shared_task" in data:
            raise LookupError("shared_task")
        return original(path, data, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "check_text", fragile)
    assert hunt.main(["fixtures", "--count", "20", "--seed", "5", "--keep", str(tmp_path / "kept")]) == 1
    printed = capsys.readouterr().out
    kept = sorted((tmp_path / "kept").rglob("program.py"))
    assert 0 < len(kept) < 20
    assert all("shared_task" in path.read_text(encoding="utf-8") for path in kept)
    assert printed.count("LookupError: shared_task: test_hunt.py") == len(kept)
    row = next(line.split() for line in printed.splitlines() if line.startswith("fixtures "))
    assert row[1] == "20"
    assert row[5] == str(len(kept))
    again = [line.partition("again: ")[2] for line in printed.splitlines() if "again: " in line]
    for command in again:
        arguments = shlex.split(command)
        assert arguments[:3] == ["python", "-m", "scripts.hunt"]
        assert hunt.main([*arguments[3:], "--keep", str(tmp_path / "again")]) == 1
        assert " 1 " in capsys.readouterr().out.splitlines()[1]
    monkeypatch.setattr(engine, "check_text", original)
    assert hunt.main(shlex.split(again[0])[3:]) == 0


def test_the_short_form_finds_nothing() -> None:
    done = run([sys.executable, "-m", "scripts.hunt", "--short"], cwd=REPOSITORY)
    assert (done.code, done.err) == (0, ""), done.out
    rows = [line.split() for line in done.out.splitlines()[1:] if line and " failed (seed" not in line]
    assert [row[0] for row in rows] == list(hunt.KINDS)
    tried = {row[0]: (int(row[1]), int(row[5])) for row in rows if row[1] != "skipped:"}
    assert all(count > 0 and failed == 0 for count, failed in tried.values())
    assert set(hunt.KINDS).difference(tried) <= {"grammar", "grammar-tasks"}
    diagnostics, rules = next((int(row[3]), int(row[4])) for row in rows if row[0] == "stdlib-tasks")
    assert diagnostics > 20  # the rules have seen tasks
    assert rules > 3

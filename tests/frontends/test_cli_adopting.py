"""The command in projects with diagnostics: baselines, lines since a revision, comments that are added."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from celery_lint.diagnostics import Diagnostic
from celery_lint.frontends.cli import main
from celery_lint.frontends.cli.adoption.silencing import silenced
from celery_lint.reports.fingerprints import fingerprints, without_numbers
from celery_lint.source import Source
from tests.files.hostile import git

HEAD = "from celery import shared_task\n\n\n"
FOUND = Diagnostic("tasks.py", 1, 1, 1, 2, "CEL110", "asyncio-run-in-task", "message", "help", "warning")
TASK = "@shared_task(time_limit=60)\nasync def {}(): ...\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "one.py").write_text(HEAD + TASK.format("first") + TASK.format("second"))
    (tmp_path / "two.py").write_text(HEAD + TASK.format("third"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def checked(*words: str) -> tuple[int, list[str], str]:
        code = main(["check", "--output-format=concise", "--quiet", *words])
        captured = capsys.readouterr()
        return code, [line.partition(": C")[0] for line in captured.out.splitlines()], captured.err

    return checked


# -------------------------------------------------------------------------------------- baselines


def test_a_baseline_is_left_out_wherever_its_lines_are(project: Path, check) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = check("--write-baseline", "known.json")
    assert (code, out) == (0, ["Wrote 3 entries to known.json: --baseline known.json leaves them out"])
    assert check("--baseline", "known.json") == (0, [], "")
    one = project / "one.py"
    one.write_text(HEAD + "X = 1\n\n" + TASK.format("new") + TASK.format("first") + TASK.format("second"))
    assert check("--baseline", "known.json") == (1, ["one.py:7:11"], "")
    assert check("--baseline", "known.json", "--exit-zero")[0] == 0
    assert check("--baseline", "known.json", "--fail-on=error")[0] == 1


def test_it_does_not_matter_where_it_is_read(project: Path, check, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (project / "sub").mkdir()
    check("--write-baseline", "sub/known.json")
    assert json.loads((project / "sub/known.json").read_text())["entries"][0]["path"] == "../one.py"
    monkeypatch.chdir(project / "sub")
    assert check("--baseline", "known.json", "..") == (0, [], "")
    before = (project / "sub/known.json").read_text()
    check("--write-baseline", "known.json", "..")
    assert (project / "sub/known.json").read_text() == before, "nothing stands there twice"


def test_entries_that_no_longer_occur_are_taken_out(project: Path, check, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("CI", raising=False)
    check("--write-baseline", "known.json")
    (project / "one.py").write_text(HEAD + TASK.format("first"))
    before = (project / "known.json").read_text()
    assert check("--baseline", "known.json", "two.py") == (0, [], ""), "nobody has looked at one.py"
    assert check("--baseline", "known.json", "--select=CEL110") == (0, [], ""), "CEL111 is off"
    assert (project / "known.json").read_text() == before
    monkeypatch.setenv("CI", "true")
    told = (
        "known.json: 1 entry no longer occurs: CEL111 in one.py: --write-baseline known.json writes it anew"
    )
    for _ in range(2):
        code, out, err = check("--baseline", "known.json")
        assert (code, out) == (0, [])
        assert told in err
    assert (project / "known.json").read_text() == before, "a checkout in CI stays as it is"
    (project / "two.py").unlink()
    said = check("--baseline", "known.json", "one.py")[2]
    assert "2 entries no longer occur: CEL111 in one.py, CEL111 in two.py" in said
    monkeypatch.delenv("CI")
    code, out, err = check("--baseline", "known.json")
    assert (code, out) == (0, [])
    assert "2 entries no longer occur: CEL111 in one.py, CEL111 in two.py: they are taken out" in err
    assert check("--baseline", "known.json") == (0, [], "")
    (entry,) = json.loads((project / "known.json").read_text())["entries"]
    assert entry in json.loads(before)["entries"]
    (project / "one.py").write_text(HEAD + TASK.format("first") + TASK.format("second"))
    assert check("--baseline", "known.json")[1] == ["one.py:7:11"], "it is new again"


def test_a_file_that_cannot_be_parsed_today_keeps_its_entries(project: Path, check, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("CI", raising=False)
    check("--write-baseline", "known.json")
    before, text = (project / "known.json").read_text(), (project / "one.py").read_text()
    (project / "one.py").write_text(text + "(\n")
    assert check("--baseline", "known.json")[0] == 0
    check("--write-baseline", "known.json")
    assert (project / "known.json").read_text() == before


def test_files_that_are_not_checked_keep_their_entries(project: Path, check) -> None:  # type: ignore[no-untyped-def]
    check("--write-baseline", "known.json")
    (project / "one.py").write_text(HEAD)
    check("--write-baseline", "known.json", "one.py")
    assert [entry["path"] for entry in json.loads((project / "known.json").read_text())["entries"]] == [
        "two.py"
    ]


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "cannot read the baseline: known.json: No such file"),
        ("", "known.json: is no baseline"),
        ("[]", "known.json: is no baseline of this version"),
        ('{"version": 2, "entries": []}', "known.json: is no baseline of this version"),
        ('{"version": 1, "entries": [3]}', "known.json: an entry is damaged"),
    ],
)
def test_what_is_no_baseline(project: Path, check, content: str | None, said: str) -> None:  # type: ignore[no-untyped-def]
    if content is not None:
        (project / "known.json").write_text(content)
    code, out, err = check("--baseline", "known.json")
    assert (code, out) == (2, [])
    assert said in err
    assert err.count("\n") == 1
    if content:  # somebody else's file is not overwritten
        assert check("--write-baseline", "known.json")[0] == 2
        assert (project / "known.json").read_text() == content


def test_fingerprints_do_not_hold_numbers_of_lines() -> None:
    found = FOUND._replace(message="`task_2` is reached from line 12")
    moved = found._replace(line=99, message="`task_2` is reached from line 13")
    [(_, one)], [(_, two)] = fingerprints([found]), fingerprints([moved])
    assert one == two
    assert without_numbers("`task_2` in line 12") == "`task_2` in line "
    other = found._replace(message="`task_3` is reached from line 12")
    assert [print_ for _, print_ in fingerprints([found, other])][1] != one


# --------------------------------------------------------------------------- lines since a revision


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_only_lines_that_have_changed(project: Path, check, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", str(project))
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    assert check("--diff-base=HEAD") == (0, [], "")
    (project / "one.py").write_text(HEAD + TASK.format("new") + TASK.format("first") + TASK.format("second"))
    (project / "three.py").write_text(HEAD + TASK.format("untracked"))
    assert check("--diff-base=HEAD")[:2] == (1, ["one.py:5:11", "three.py:5:11"])
    code, out, err = check("--diff-base=nothing")
    assert (code, out) == (2, [])
    assert "git finds no revision 'nothing'" in err


def test_no_checkout(project: Path, check) -> None:  # type: ignore[no-untyped-def]
    code, _, err = check("--diff-base=HEAD")
    assert code == 2
    assert "lies in no git checkout" in err


# ----------------------------------------------------------------------------------------- comments


def test_comments_are_added_once(project: Path, check) -> None:  # type: ignore[no-untyped-def]
    code, out, err = check("--add-noqa")
    assert (code, out, err) == (0, ["Added 3 comments in 2 files"], "")
    assert check() == (0, [], "")
    before = (project / "one.py").read_bytes()
    assert check("--add-noqa") == (0, ["Added 0 comments in 0 files"], "")
    assert (project / "one.py").read_bytes() == before
    assert check("--preset=house") == (0, [], "")


ADDED = [
    # a text, the lines with diagnostics, and the text with comments
    ("x = 1\n", [1], "x = 1  # celery-lint: ignore[CEL110]\n"),
    ("x = 1", [1], "x = 1  # celery-lint: ignore[CEL110]"),
    ("x = 1\r\ny = 2\r\n", [2], "x = 1\r\ny = 2  # celery-lint: ignore[CEL110]\r\n"),
    ("x = 1\ry = 2\r", [1], "x = 1  # celery-lint: ignore[CEL110]\ry = 2\r"),
    ("x = 1 + \\\n  2\n", [1], "x = 1 + \\\n  2  # celery-lint: ignore[CEL110]\n"),
    ("x = 1 + \\\n  2\n", [1, 2], "x = 1 + \\\n  2  # celery-lint: ignore[CEL110]\n"),
    ("x = f('''\n''', 2)\n", [1], "x = f('''\n''', 2)  # celery-lint: ignore[CEL110]\n"),
    ("x = f(f'''{\n1}''', 2)\n", [1], "x = f(f'''{\n1}''', 2)  # celery-lint: ignore[CEL110]\n"),
    ("x = (\n  1,\n)\n", [2], "x = (\n  1,  # celery-lint: ignore[CEL110]\n)\n"),
    ("x = 1  # noqa: E501\n", [1], "x = 1  # noqa: E501  # celery-lint: ignore[CEL110]\n"),
    (
        "x = 1  # celery-lint: ignore[CEL210] -- why\n",
        [1],
        "x = 1  # celery-lint: ignore[CEL210, CEL110] -- why\n",
    ),
    (
        "y = 1\n# celery-lint: ignore[CEL210] -- why\nx = 1\n",
        [3],
        "y = 1\n# celery-lint: ignore[CEL210, CEL110] -- why\nx = 1\n",
    ),
    (
        "x = '# celery-lint: ignore[a]'\n",
        [1],
        "x = '# celery-lint: ignore[a]'  # celery-lint: ignore[CEL110]\n",
    ),
    (
        f"if 1:\n    x = '{'a' * 90}'\n",
        [2],
        f"if 1:\n    # celery-lint: ignore[CEL110]\n    x = '{'a' * 90}'\n",
    ),
    (
        "# coding: latin-1\nx = '\xe9'\n",
        [2],
        "# coding: latin-1\nx = '\xe9'  # celery-lint: ignore[CEL110]\n",
    ),
    ("x = 1\f\n", [1], "x = 1\f  # celery-lint: ignore[CEL110]\n"),
]


@pytest.mark.parametrize("text, lines, expected", ADDED)
def test_where_a_comment_goes(text: str, lines: list[int], expected: str) -> None:
    encoding = "latin-1" if "latin" in text else "utf-8"
    found = [FOUND._replace(line=line, code="CEL110") for line in lines]
    data, number = silenced("tasks.py", text.encode(encoding), found)
    assert data.decode(encoding) == expected
    assert number == 1
    Source("tasks.py", data).parse()


def test_what_has_no_place_is_told(project: Path, check) -> None:  # type: ignore[no-untyped-def]
    (project / "one.py").write_text(HEAD + "X = 1  # celery-lint: ignore[nothing-of-ours]\n")
    code, out, err = check("--add-noqa")
    assert (code, out) == (1, ["Added 1 comment in 1 file"])
    assert err == "one.py:4: has no place for a comment: CEL001\n"


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--write-baseline=a", "--baseline=b"], "--write-baseline and --baseline exclude each other"),
        (["--write-baseline=a", "--add-noqa"], "--write-baseline and --add-noqa exclude each other"),
        (["--add-noqa", "-"], "--add-noqa needs files"),
        (["--baseline"], "--baseline needs a value"),
    ],
)
def test_flags_that_cannot_be_obeyed(project: Path, check, monkeypatch, flags, said) -> None:  # type: ignore[no-untyped-def]
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x = 1\n")))
    code, out, err = check(*flags)
    assert (code, out) == (2, [])
    assert said in err
    assert err.count("\n") == 1

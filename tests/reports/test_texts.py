"""The forms made for people, letter by letter."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from celery_lint.diagnostics import Diagnostic, Related, Report, Unparsed
from celery_lint.reports import concise, full, grouped, statistics
from celery_lint.reports.colours import Paint, opening, printable, wanted
from celery_lint.reports.summary import not_checked, summary
from tests import examples


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    return examples.report(tmp_path)


def written(write: object, report: Report, **options: object) -> str:
    stream = io.StringIO()
    write(report, stream, **options)  # type: ignore[operator]
    return stream.getvalue()


FULL = """\
warning[CEL110]: `asyncio.run()` in task `sync` breaks under gevent (asyncio-run-in-task)
 --> tasks.py:5:2
  |
3 | @shared_task
  | - the task
4 | def sync():
5 |     asyncio.run(load("日本", 1))  # a tab and wide characters
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
6 |
7 | @shared_task(
  |
 ::: Procfile:2:27
  |
2 | worker: celery -A app worker -P gevent
  |                           - the worker pool is read here
  |
  = help: keep one loop per process
  = more: celery-lint rule CEL110

error[CEL111]: async task `mail` never runs its body (async-def-task)
  --> tasks.py:7:1
   |
 7 | / @shared_task(
 8 | |     name="mail",
 9 | | )
10 | | async def mail(): ...
   | |_____________________^
   |
   = help: make the task a plain function
   = more: celery-lint rule CEL111

"""

CONCISE = """\
tasks.py:5:2: CEL110 `asyncio.run()` in task `sync` breaks under gevent
tasks.py:7:1: CEL111 async task `mail` never runs its body
"""


def test_full(report: Report) -> None:
    assert written(full.write, report) == FULL


def test_full_in_colours(report: Report) -> None:
    first = written(full.write, report, colours=True).splitlines()
    first[3:7] = first[6:8]  # the lines above the place
    frame, end = "\x1b[1;34m", "\x1b[0m"
    message = "`asyncio.run()` in task `sync` breaks under gevent"
    assert first[:5] == [
        f"\x1b[1;33mwarning[CEL110]{end}: \x1b[1m{message}{end} (asyncio-run-in-task)",
        f" {frame}-->{end} tasks.py:5:2",
        f"  {frame}|{end}",
        f'{frame}5{end} {frame}|{end}     asyncio.run(load("日本", 1))  # a tab and wide characters',
        f"  {frame}|{end}     \x1b[1;33m{'^' * 28}{end}",
    ]


def test_concise(report: Report) -> None:
    assert written(concise.write, report) == CONCISE


def test_help_and_the_first_related_place_behind_a_message(report: Report) -> None:
    assert written(concise.write, report, show_help=True) == (
        "tasks.py:5:2: CEL110 `asyncio.run()` in task `sync` breaks under gevent; keep one loop per process "
        "[tasks.py:3: the task]\n"
        "tasks.py:7:1: CEL111 async task `mail` never runs its body; make the task a plain function\n"
    )
    assert "   5:2" not in written(grouped.write, report, show_help=True)
    assert written(grouped.write, report, show_help=True).count("; ") == 2


def test_statistics(report: Report) -> None:
    more = report._replace(diagnostics=report.diagnostics + report.diagnostics[1:] * 9)
    assert written(statistics.write, more) == (
        "10  CEL111  error    async-def-task\n 1  CEL110  warning  asyncio-run-in-task\n"
    )
    assert written(statistics.write, Report([], [], 0, 0)) == ""


def test_paths_outside_the_working_directory(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = Path(report.diagnostics[0].path).parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert written(concise.write, report).startswith("../tasks.py:5:2: ")


EXCERPTS = [
    # source, span, the lines under the place
    ("x = f()", (1, 5, 1, 8), ["1 | x = f()", "  |     ^^^"]),
    ("", (1, 1, 1, 1), ["1 |", "  | ^"]),
    ("f()", (1, 4, 1, 4), ["1 | f()", "  |    ^"]),
    ("f()", (1, 90, 1, 99), ["1 | f()", "  |    ^"]),
    ("\tf()\t# tab", (1, 2, 1, 5), ["1 |     f()    # tab", "  |     ^^^"]),
    ("é = e\u0301 + f()", (1, 10, 1, 13), ["1 | é = e\u0301 + f()", "  |         ^^^"]),
    ("'\x1b[31m\u202e' + f()", (1, 12, 1, 15), ["1 | '\ufffd[31m\ufffd' + f()", "  |            ^^^"]),
    ("# ##vso[x] f()", (1, 12, 1, 15), ["1 | # #\ufffdvso[x] f()", "  |            ^^^"]),
    (
        "x = 'redis://:hunter2@h/0?password=p&y=1' + f()",
        (1, 45, 1, 48),
        ["1 | x = 'redis://:***@h/0?password=***&y=1' + f()", f"  | {' ' * 42}^^^"],
    ),
    ("'redis://:hunter2@h'", (1, 12, 1, 15), ["1 | 'redis://:***@h'", "  |              ^"]),
    (f"'redis://:{'p' * 400}@h' + f()", (1, 417, 1, 420), ["1 | …***@h' + f()", "  |           ^^^"]),
    (
        "f(\n  'https://u:pw@h',\n)",
        (1, 1, 3, 2),
        ["1 | / f(", "2 | |   'https://u:***@h',", "3 | | )", "  | |_^"],
    ),
    ("a = 1\x0cb\r\nf()", (2, 1, 2, 4), ["1 | a = 1\ufffdb", "2 | f()", "  | ^^^"]),
    (
        "x = f(\n    1,\n)",
        (1, 5, 3, 2),
        ["1 |   x = f(", "  |  _____^", "2 | |     1,", "3 | | )", "  | |_^"],
    ),
    (
        "f(\n    1,\n    2,\n\n    4,\n)",
        (1, 1, 6, 2),
        ["1 | / f(", "2 | |     1,", "3 | |     2,", "  | | ...", "6 | | )", "  | |_^"],
    ),
    (f"{'x' * 300} + f() + {'y' * 300}", (1, 304, 1, 307), None),
]


@pytest.mark.parametrize("source, span, expected", EXCERPTS)
def test_excerpt(
    tmp_path: Path, source: str, span: tuple[int, int, int, int], expected: list[str] | None
) -> None:
    path = tmp_path / "tasks.py"
    path.write_text("another text is on disk", encoding="utf-8")
    found = examples.diagnostic(examples.AsyncDefTask, path, span, "message")
    report = Report([found], [], 1, 1)
    for buffer in (source, source.encode()):
        lines = written(full.write, report, buffers={str(path): buffer}).splitlines()[3:-4]
        if expected is None:  # a very long line is cut on both sides of the mark
            assert [len(line) for line in lines] == [166, 68]
            assert lines[0][4] == lines[0][-1] == "…"
            assert lines[0][lines[1].index("^") :].startswith("f() + y")
        else:
            assert lines == expected


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"# coding: nonsense\n", b"x"])
def test_no_excerpt_without_readable_source(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tasks.py"
    if content is not None:
        path.write_bytes(content)
    related = Related(str(path), 5, 1, "the task")
    found = examples.diagnostic(examples.AsyncDefTask, "<stdin>", (4, 1, 4, 9), "message", related)
    assert written(full.write, Report([found], [], 1, 1)).splitlines() == [
        "error[CEL111]: message (async-def-task)",
        " --> <stdin>:4:1",
        f" ::: {os.path.relpath(path)}:5:1",
        "  = note: the task",
        "  = help: make the task a plain function",
        "  = more: celery-lint rule CEL111",
        "",
    ]


def test_many_related_places_are_counted(report: Report) -> None:
    first = report.diagnostics[0]
    many = first._replace(related=first.related[:1] * 40)
    text = written(full.write, Report([many], [], 1, 1))
    assert text.count("- the task") == 6
    assert "  = note: and 34 more places\n  = help: " in text


LISTED = "(--output-format concise lists them)"


@pytest.mark.parametrize(
    ("others", "note"),
    [
        (2, None),
        (3, "the same at tasks.py:6, tasks.py:7, tasks.py:8"),
        (5, f"the same at tasks.py:6, tasks.py:7, tasks.py:8 and 2 more places {LISTED}"),
    ],
)
def test_many_diagnostics_of_the_same_words_are_one(report: Report, others: int, note: str | None) -> None:
    first, second = report.diagnostics
    alike = [
        first._replace(line=first.line + number, end_line=first.line + number) for number in range(others + 1)
    ]
    text = written(full.write, Report([*alike, second], [], 1, 1))
    assert text.count("warning[CEL110]") == (1 if note else others + 1)
    assert text.count("error[CEL111]") == 1
    assert (f"  = note: {note}\n  = help: keep" in text) == bool(note)


def test_diagnostics_with_another_remedy_stand_apart(report: Report) -> None:
    alike = [report.diagnostics[0]._replace(line=line, end_line=line) for line in range(1, 6)]
    other = alike[4]._replace(help="remove it")
    text = written(full.write, Report([*alike[:4], other], [], 1, 1))
    assert text.count("warning[CEL110]") == 2
    assert "  = help: remove it" in text


def test_text_from_the_source_cannot_move_the_cursor(report: Report) -> None:
    nasty = report.diagnostics[0]._replace(message="task `\x1b[2J\n`", path="/nowhere/\udcff\r.py")
    for write in (full.write, concise.write):
        text = written(write, Report([nasty], [], 1, 1))
        assert "task `\\x1b[2J\\n`" in text
        assert "nowhere/\\udcff\\r.py:5:2" in text


@pytest.mark.parametrize(
    "text, expected",
    [
        ("日本 é", "日本 é"),
        ("a\tb", "a\\tb"),
        ("\u202e", "\\u202e"),
        ("", ""),
        ("x ##vso[a.b] ##[c]d", "x #\\x23vso[a.b] #\\x23[c]d"),
        ("###[c] ####vso[", "##\\x23[c] ###\\x23vso["),
        ("## [c] ##vso ##1[ #[", "## [c] ##vso ##1[ #["),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [("a::b", "a::b"), ("::x", "./::x"), (" ::x", "./ ::x"), ("\t::x", "\\t::x"), (":x", ":x")],
)
def test_opening(text: str, expected: str) -> None:
    assert opening(text) == expected


SUMMARIES = [
    ("", 0, 120, 34, "All checks passed: 120 files, 34 tasks"),
    ("", 2, 3, 1, "Found nothing in 1 file (1 task), 2 files not checked"),
    ("", 1, 1, 0, "Found nothing in 0 files (0 tasks), 1 file not checked"),
    ("", 0, 0, 0, "Nothing to check: no Python files"),
    ("eeew", 0, 120, 34, "Found 3 errors, 1 warning in 120 files (34 tasks)"),
    ("a", 0, 2, 0, "Found 1 piece of advice in 2 files (0 tasks)"),
    ("waa", 1, 2, 0, "Found 1 warning, 2 pieces of advice in 2 files (0 tasks), 1 file not checked"),
]


@pytest.mark.parametrize("found, unparsed, files, tasks, expected", SUMMARIES)
def test_summary(found: str, unparsed: int, files: int, tasks: int, expected: str) -> None:
    rules = {"e": examples.AsyncDefTask, "w": examples.AsyncioRunInTask, "a": examples.MissingTimeLimit}
    diagnostics = [examples.diagnostic(rules[letter], "a.py", (1, 1, 1, 2), "m") for letter in found]
    report = Report(diagnostics, [Unparsed("b.py", 1, "m")] * unparsed, files, tasks)
    assert summary(report, Paint(False)) == expected


@pytest.mark.parametrize(
    "fixes, expected",
    [
        ("", ""),
        ("s", "; --fix may mend 1 of them"),
        ("uu", "; --fix --unsafe-fixes may mend 2 of them"),
        ("su", "; --fix may mend 1 of them, --unsafe-fixes 1 more"),
    ],
)
def test_summary_of_fixes(fixes: str, expected: str) -> None:
    found = examples.diagnostic(examples.AsyncDefTask, "a.py", (1, 1, 1, 2), "m")
    kinds = {"s": ("safe",), "u": ("unsafe", "word")}
    report = Report([found, *(found._replace(fix=kinds[letter]) for letter in fixes)], [], 1, 1)
    assert summary(report, Paint(False)).partition(")")[2] == expected


def test_not_checked(report: Report) -> None:
    assert not_checked(report) == ["broken.py:3: not checked: invalid syntax"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "stream, environment, expected",
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (Terminal(), {"FORCE_COLOR": "0"}, False),
        (Terminal(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_wanted(stream: io.StringIO, environment: dict[str, str], expected: bool) -> None:
    assert wanted(stream, environment) is expected


def test_marks_stand_below_what_the_terminal_shows(tmp_path: Path) -> None:
    path = tmp_path / "tasks.py"
    path.write_text('x = "日本"; run()\n', encoding="utf-8")
    found = Diagnostic(str(path), 1, 11, 1, 16, "CEL110", "a-rule", "message", "", "warning")
    report = Report([found], [], 1, 0)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    full.write(report, stream)
    stream.seek(0)
    shown, marks = [line for line in stream.read().splitlines() if "|" in line][1:3]
    assert shown.endswith('x = "\\u65e5\\u672c"; run()')
    assert marks.index("^") == shown.index("run()")
    assert marks.count("^") == len("run()")


@pytest.mark.parametrize(
    "message, label",
    [
        ("two: it fails", "two"),
        ("`delay()` raises `TypeError: f() takes 1 argument`", ""),
        ("`run()` breaks `a: b`: it fails", "`run()` breaks `a: b`"),
        ("all of it", ""),
    ],
)
def test_the_mark_is_labelled_with_the_cause_and_not_with_half_of_its_code(message: str, label: str) -> None:
    assert full._cause(message) == label


def test_places_of_one_file_stand_in_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "tasks.py"
    path.write_text("\n\none = 1\ntwo = 2\nthree = 3\n\n\neight = 8\nnine = 9\n\neleven = 11\n")
    places = [Related(str(path), line, 1, f"line {line}") for line in (3, 5, 4, 11, 99)]
    found = Diagnostic(
        str(path), 4, 1, 4, 4, "CEL110", "a-rule", "two: it fails", "", "warning", tuple(places)
    )
    rows = written(full.write, Report([found], [], 1, 0)).splitlines()[3:]
    assert [row.rstrip() for row in rows] == [
        " 3 | one = 1",
        "   | - line 3",
        " 4 | two = 2",
        "   | ^^^ two",
        "   | - line 4",
        " 5 | three = 3",
        "   | - line 5",
        "   | ...",
        "11 | eleven = 11",
        "   | - line 11",
        "   |",
        f"  ::: {os.path.relpath(path)}:99:1",
        "   = note: line 99",
        "   = more: celery-lint rule CEL110",
        "",
    ]

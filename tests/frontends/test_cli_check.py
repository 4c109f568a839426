"""``celery-lint check``: what it asks of the engine, what it prints where, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import celery_lint
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.frontends.cli.progress import Progress
from tests import examples
from tests.frontends.conftest import Engine
from tests.processes import run

pytestmark = pytest.mark.usefixtures("example_rules")
Command = Callable[..., Any]
CHECKOUT = Path(celery_lint.__file__).parents[1]

NOT_CHECKED = "broken.py:3: not checked: invalid syntax\n"
SUMMARY = "Found 1 error, 1 warning in 3 files (2 tasks), 1 file not checked\n"
CLEAN = "Found nothing in 2 files (2 tasks), 1 file not checked\n"
CONCISE = (
    "tasks.py:5:2: CEL110 `asyncio.run()` in task `sync` breaks under gevent\n"
    "tasks.py:7:1: CEL111 async task `mail` never runs its body\n"
)
STATISTICS = "1  CEL110  warning  asyncio-run-in-task\n1  CEL111  error    async-def-task\n"


def test_full(engine: Engine, command: Command) -> None:
    outcome = command("check")
    assert outcome.code == 1
    assert outcome.out.startswith("warning[CEL110]: `asyncio.run()` in task")
    assert outcome.out.endswith(f"\n\n{SUMMARY}")
    assert outcome.err == NOT_CHECKED
    assert engine.asked == [("paths", ["."], None, {})]


def test_concise(engine: Engine, command: Command) -> None:
    assert command("check", "--output-format", "concise") == (1, CONCISE, NOT_CHECKED + SUMMARY)


def test_json(engine: Engine, command: Command) -> None:
    outcome = command("check", "--output-format=json")
    document = json.loads(outcome.out)
    assert (outcome.code, outcome.err) == (1, "")
    assert [found["code"] for found in document["diagnostics"]] == ["CEL110", "CEL111"]
    assert document["unparsed"] == [{"path": "broken.py", "line": 3, "message": "invalid syntax"}]


def test_quiet(engine: Engine, command: Command) -> None:
    assert command("check", "-q", "--output-format", "concise") == (1, CONCISE, NOT_CHECKED)
    assert not command("check", "--quiet").out.endswith(SUMMARY)
    engine.report = engine.report._replace(diagnostics=[], unparsed=[])
    assert command("check", "--quiet") == (0, "", "")


def test_exit_zero_hides_diagnostics_and_no_failure(engine: Engine, command: Command) -> None:
    assert command("check", "--exit-zero", "--output-format", "concise") == (
        0,
        CONCISE,
        NOT_CHECKED + SUMMARY,
    )
    failure = engine.report.diagnostics[0]._replace(code="CEL999")
    engine.report = engine.report._replace(diagnostics=[failure])
    assert command("check", "--exit-zero").code == 2
    assert command("check", "--exit-zero", "missing").code == 2


def test_colours_as_the_flag_says(engine: Engine, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("check", "--color=always").out.startswith("\x1b[1;33mwarning[CEL110]")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in command("check", "--color", "never").out
    assert command("check", "--color", "auto").out.startswith("\x1b")


@pytest.mark.parametrize(
    "output_format, expected", [("concise", CONCISE), ("full", SUMMARY), ("json", '"CEL110"')]
)
def test_the_report_in_a_file(
    engine: Engine, command: Command, tmp_path: Path, output_format: str, expected: str
) -> None:
    outcome = command("check", "--output-format", output_format, "--output-file", "report.txt")
    assert (outcome.code, outcome.out) == (1, "")
    assert expected in (tmp_path / "report.txt").read_text(encoding="utf-8")
    refused = command("check", "--output-file", "missing/report.txt")
    assert refused == (
        2,
        "",
        "celery-lint: error: cannot write the report: missing/report.txt: No such file or directory\n",
    )


def test_several_forms_at_once(engine: Engine, command: Command, tmp_path: Path) -> None:
    words = ["--output-format", "concise", "--output-format=sarif:out.sarif", "--output-format=junit:j.xml"]
    assert command("check", *words) == (1, CONCISE, NOT_CHECKED + SUMMARY)
    assert json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert f'"version": "{celery_lint.__version__}"' in (tmp_path / "out.sarif").read_text(encoding="utf-8")
    assert (tmp_path / "j.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert command("check", "--output-format", "gitlab:quality.json").out.endswith(SUMMARY)
    assert len(json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))) == 2
    assert command("check", "--output-format=github").out.count("::") == 6
    (tmp_path / "pyproject.toml").write_text(
        '[tool.celery-lint]\noutput-format = ["grouped", "json:r.json"]\nroot = true\n'
    )
    assert command("check").out.startswith("tasks.py:\n")
    assert (tmp_path / "r.json").exists()


def test_what_would_be_checked(engine: Engine, command: Command) -> None:
    assert command("check", "a", "--show-files", "--exclude", "b") == (
        2,
        "",
        "celery-lint: error: a: No such file or directory\n",
    )
    assert command("check", "--show-files", "--exclude", "b") == (0, "./tasks.py\n", "")
    assert engine.asked == [("files", ["."], {"exclude": "b"})]


def test_the_options_in_force_can_be_written_as_they_are_shown(
    engine: Engine, command: Command, tmp_path: Path
) -> None:
    table = '[tool.celery-lint]\nroot = true\npreset = "all"\nper-file-ignores = { "a\\"b/*" = ["CEL1"] }\n'
    (tmp_path / "pyproject.toml").write_text(table, encoding="utf-8")
    shown = command("check", "--show-settings", "--ignore", "CEL510")
    assert shown.out.startswith('# project: .\n[tool.celery-lint]\nignore = ["CEL510"]\nper-file-ignores = ')
    expected = load(str(tmp_path), {"ignore": "CEL510"})
    (tmp_path / "pyproject.toml").write_text(shown.out, encoding="utf-8")
    assert load(str(tmp_path)) == expected
    assert engine.asked == []


def test_settings_hold_what_an_extended_file_says(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared.toml").write_text(
        '[tool.celery-lint]\nextend-select = ["CEL510"]\npreset = "house"\n'
    )
    own = '[tool.celery-lint]\nextend = "shared.toml"\nextend-select = ["CEL111"]\nroot = true\n'
    (tmp_path / "pyproject.toml").write_text(own)
    expected = load(str(tmp_path))
    shown = command("check", "--show-settings").out
    assert shown.startswith(
        '# project: .\n# extends: shared.toml\n[tool.celery-lint]\nextend-select = ["CEL510", "CEL111"]\n'
        'preset = "house"\nroot = true\n'
    )
    (tmp_path / "pyproject.toml").write_text(shown, encoding="utf-8")
    assert load(str(tmp_path)) == expected._replace(extend="")


STATISTICS_BY_FORMAT = [
    ("full", STATISTICS + SUMMARY, NOT_CHECKED),
    ("concise", STATISTICS, NOT_CHECKED + SUMMARY),
]


@pytest.mark.parametrize("output_format, out, err", STATISTICS_BY_FORMAT)
def test_statistics(engine: Engine, command: Command, output_format: str, out: str, err: str) -> None:
    assert command("check", "--statistics", "--output-format", output_format) == (1, out, err)


def test_clean(engine: Engine, command: Command) -> None:
    engine.report = engine.report._replace(diagnostics=[])
    assert command("check") == (0, CLEAN, NOT_CHECKED)


def test_colours_where_they_are_wanted(
    engine: Engine, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert command("check").out.startswith("\x1b[1;33mwarning[CEL110]")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in command("check").out


FOUND = examples.diagnostic(examples.AsyncDefTask, "a.py", (1, 1, 1, 2), "message")
FAILED = FOUND._replace(code="CEL999", name="internal-error")
EXIT_CODES = [
    # diagnostics, whether a file is unparsed, flags, exit code
    ([], False, [], 0),
    ([], True, [], 0),
    ([], True, ["--strict-parse"], 1),
    ([], False, ["--strict-parse"], 0),
    ([FOUND], False, [], 1),
    ([FOUND], True, ["--strict-parse"], 1),
    ([FOUND, FAILED], False, [], 2),
    ([FAILED], False, [], 2),
]


@pytest.mark.parametrize("output_format", ["full", "concise", "json"])
@pytest.mark.parametrize("diagnostics, unparsed, flags, expected", EXIT_CODES)
def test_exit_code(
    engine: Engine,
    command: Command,
    output_format: str,
    diagnostics: list[Any],
    unparsed: bool,
    flags: list[str],
    expected: int,
) -> None:
    engine.report = Report(diagnostics, engine.report.unparsed if unparsed else [], 1, 1)
    outcome = command("check", "--output-format", output_format, *flags)
    assert outcome.code == expected
    assert outcome.out.count("message") >= len(diagnostics)


def test_options_come_from_the_project_and_flags_win(
    engine: Engine, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.celery-lint]\noutput-format = "concise"\nroot = true\n')
    assert command("check", "tasks.py").out == CONCISE
    assert command("check", "--output-format", "json").out.startswith("{")
    assert engine.asked[1] == ("paths", ["."], None, {"output-format": "json"})
    (tmp_path / "other.cfg").write_text("[celery-lint]\nstatistics = yes\n")
    assert command("check", "--config", "other.cfg").out == STATISTICS + SUMMARY
    assert engine.asked[2] == ("paths", ["."], None, {"config": "other.cfg"})


@pytest.mark.parametrize("missing", ["missing.py", "dangling.py", "loop.py", "\0.py", "tasks.py/x"])
def test_missing_path_does_not_hide_the_others(
    engine: Engine, command: Command, tmp_path: Path, missing: str
) -> None:
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    outcome = command("check", missing, "tasks.py", "--output-format", "concise")
    assert (outcome.code, outcome.out) == (2, CONCISE)
    assert outcome.err.startswith(f"celery-lint: error: {missing}: ".replace("\0", "\\x00"))
    assert outcome.err.count("\n") == 3
    assert engine.asked == [("paths", ["tasks.py"], None, {})] or engine.asked[0][1] == ["tasks.py"]


def test_only_missing_paths_check_nothing(engine: Engine, command: Command) -> None:
    outcome = command("check", "missing.py")
    assert outcome == (2, "", "celery-lint: error: missing.py: No such file or directory\n")
    assert not engine.asked


def test_text_on_standard_input(engine: Engine, command: Command, tmp_path: Path) -> None:
    path = str(tmp_path / "tasks.py")
    text = examples.TASKS.replace("asyncio.run(", "anyio.run(").encode()
    outcome = command("check", "--stdin-filename", "tasks.py", stdin=text)
    assert "5 |     anyio.run(load(" in outcome.out  # the buffer is shown, not the file
    assert engine.asked == [("text", path, text, None, {})]


@pytest.mark.parametrize("words", [["-"], ["-", "--stdin-filename", "-"], ["--stdin-filename="]])
def test_text_without_a_name(engine: Engine, command: Command, words: list[str]) -> None:
    found = FOUND._replace(path="<stdin>")
    engine.report = Report([found], [], 1, 1)
    outcome = command("check", *words, stdin=b"text = 1")
    assert "--> <stdin>:1:1\n  |\n1 | text = 1\n" in outcome.out
    assert engine.asked == [("text", None, b"text = 1", None, {})]


MISTAKES = [
    (["check", "-", "a.py"], "standard input and 'a.py' cannot be checked in one run"),
    (["check", "a.py", "--stdin-filename", "b.py"], "standard input and 'a.py' cannot be checked in one run"),
    (["check", "--preset", "house!"], '--preset: unknown value "house!", did you mean "house"?'),
    (["check", "--select", "CEL9"], '--select: unknown rule "CEL9", did you mean "CEL'),
    (["check", "--config", "missing.toml"], "missing.toml: No such file or directory"),
]


@pytest.mark.parametrize("words, expected", MISTAKES)
def test_mistake_is_one_line(engine: Engine, command: Command, words: list[str], expected: str) -> None:
    outcome = command(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"celery-lint: error: {expected}")
    assert outcome.err.count("\n") == 1
    assert not engine.asked


def test_wrong_configuration_is_one_line(engine: Engine, command: Command, tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[celery-lint]\nroot = true\npresets = all\n")
    assert command("check") == (
        2,
        "",
        'celery-lint: error: setup.cfg: unknown key "presets", did you mean "preset"?\n',
    )


@pytest.mark.parametrize("error", [RuntimeError("two\nlines"), RecursionError("deep"), MemoryError()])
def test_internal_error(
    engine: Engine, command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    engine.error = error
    outcome = command("check")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert outcome.err.startswith(f"celery-lint: internal error: {type(error).__name__}: ")
    monkeypatch.setenv("CELERY_LINT_DEBUG", "1")
    assert "Traceback (most recent call last)" in command("check").err


@pytest.mark.skipif(sys.platform == "win32", reason="a working directory cannot be removed there")
@pytest.mark.parametrize(
    "words", [["check"], ["check", "--stdin-filename", "a.py", "-"], ["check", "-"], ["project"], ["clean"]]
)
def test_without_a_working_directory(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "removed").mkdir()
    (tmp_path / "kept").mkdir()
    remove = "import os; os.rmdir(os.getcwd()); from celery_lint.frontends.cli import command; command()"
    done = run([sys.executable, "-c", remove, *words], cwd=tmp_path / "removed")
    assert done == (2, "", "celery-lint: error: the working directory has been removed\n")
    (tmp_path / "removed").mkdir()
    done = run([sys.executable, "-c", remove, "check", str(tmp_path / "kept")], cwd=tmp_path / "removed")
    assert (done.code, done.err) == (0, "")


def test_interrupted(engine: Engine, command: Command) -> None:
    engine.error = KeyboardInterrupt()
    assert command("check") == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
@pytest.mark.parametrize("words", ["--version", "check .", "rule --all"])
def test_nothing_can_be_written(tmp_path: Path, words: str) -> None:
    command = f"{sys.executable} -m celery_lint {words}"
    done = run(["sh", "-c", f"{command} >&-"], cwd=tmp_path)
    assert done == (2, "", "celery-lint: error: cannot write to standard output: it is closed\n")
    assert run(["sh", "-c", f"{command} >/dev/null 2>&-"], cwd=tmp_path).code == 0
    if os.path.exists("/dev/full"):
        done = run(["sh", "-c", f"{command} >/dev/full"], cwd=tmp_path)
        assert (done.code, done.err) == (
            2, "celery-lint: error: cannot write to standard output: No space left on device\n",
        )  # fmt: skip


def test_names_that_cannot_be_shown(engine: Engine, command: Command) -> None:
    found = FOUND._replace(path="a\udcff\n.py")
    engine.report = Report([found], [], 1, 1)
    assert command("check", "--output-format=concise").out == "a\\udcff\\n.py:1:1: CEL111 message\n"
    document = json.loads(command("check", "--output-format=json").out)
    assert document["diagnostics"][0]["path"] == "a\udcff\n.py"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_only_after_a_second_and_on_a_terminal() -> None:
    times = iter([0.0, 0.5, 1.1, 1.15, 1.3, 1.31])
    terminal = Terminal()
    progress = Progress(terminal, lambda: next(times))
    for done in (1, 2, 3, 4):
        progress("reading", done, 9)
    progress("checking", 0, 0)
    progress.clear()
    progress.clear()
    assert terminal.getvalue() == (
        "\r\x1b[Kcelery-lint: reading 2 of 9 files\r\x1b[Kcelery-lint: reading 4 of 9 files"
        "\r\x1b[Kcelery-lint: checking\r\x1b[K"
    )
    pipe = io.StringIO()
    times = iter([0.0, 5.0])
    progress = Progress(pipe, lambda: next(times))
    progress("reading", 1, 9)
    progress.clear()
    assert pipe.getvalue() == ""


def test_nobody_reads() -> None:
    """A closed pipe ends the command quietly, as it ends every other one in a shell."""
    code = "from celery_lint.frontends.cli import main; import sys; sys.exit(main(['check', '--help']))"
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, check=False, cwd=CHECKOUT
    )
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


VERSION_IMPORTS = """
import __future__  # an editable installation has imported it already, a plain one has not
import sys
before = set(sys.modules)
from celery_lint.frontends.cli import main
main(["--version"])
print(*sorted(set(sys.modules) - before - set(sys.builtin_module_names)))
"""


def test_version_imports_nothing_else() -> None:
    process = subprocess.run(
        [sys.executable, "-c", VERSION_IMPORTS], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    imported = process.stdout.splitlines()[-1]
    assert imported == "celery_lint celery_lint.frontends celery_lint.frontends.cli"


def test_python_m_is_the_same_command() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "celery_lint", "chekc"],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.startswith("celery-lint: error: no command 'chekc', did you mean 'check'?")

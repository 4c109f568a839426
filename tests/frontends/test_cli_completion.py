"""``celery-lint completion``, asked by the shells themselves."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from celery_lint.frontends.cli import main
from celery_lint.frontends.cli.commands import COMMANDS
from celery_lint.frontends.cli.completion import SHELLS
from tests.processes import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="none of these shells is at home there")

QUESTIONS = [
    # the words of the line, what is offered for the last of them, what is not
    (["ch"], ["check"], ["clean"]),
    (["che", "--pre"], [], ["--preset"]),
    (["check", "--pre"], ["--preset"], ["--pool", "--help"]),
    (["check", "--preset", ""], ["recommended", "house", "strict", "all"], ["--pool"]),
    (["check", "--min-severity", "w"], ["warning"], ["error"]),
    (["check", "--ignore", "CEL51"], ["CEL510", "CEL511"], ["CEL110"]),
    (["rule", "missing-time"], ["missing-time-limit"], ["CEL510"]),
    (["project", "--task", "x", "--output-f"], ["--output-format"], ["--fix"]),
    (["completion", ""], ["bash", "zsh", "fish"], ["check"]),
    (["check", "sh"], ["shop.py"], ["check"]),
    (["check", "--baseline", "sh"], ["shop.py"], ["check"]),
]


def script(shell: str, folder: Path) -> Path:
    done = run([sys.executable, "-m", "celery_lint", "completion", shell])
    assert (done.code, done.err) == (0, "")
    (folder / "script").write_text(done.out, encoding="utf-8")
    return folder / "script"


def needed(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def ask_bash(words: list[str], folder: Path) -> str:
    quoted = " ".join(f"'{word}'" for word in words)
    (folder / "question").write_text(
        f"source ./script\nCOMP_WORDS=(celery-lint {quoted})\nCOMP_CWORD={len(words)}\n"
        "_celery_lint\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = run([needed("bash"), "--norc", "question"], cwd=folder)
    assert done.err == ""
    return done.out


def ask_fish(words: list[str], folder: Path) -> str:
    line = " ".join(["celery-lint", *words])
    command = f"source script; complete -C '{line}'"
    done = run([needed("fish"), "--no-config", "-c", command], cwd=folder)
    assert done.err == ""
    return done.out


@pytest.mark.parametrize("words, offered, others", QUESTIONS, ids=[" ".join(q[0]) for q in QUESTIONS])
@pytest.mark.parametrize("ask", [ask_bash, ask_fish])
def test_what_is_offered(
    ask: object, words: list[str], offered: list[str], others: list[str], tmp_path: Path
) -> None:
    needed(ask.__name__.removeprefix("ask_"))  # type: ignore[attr-defined]
    script(ask.__name__.removeprefix("ask_"), tmp_path)  # type: ignore[attr-defined]
    (tmp_path / "shop.py").touch()
    found = [line.split("\t")[0] for line in ask(words, tmp_path).splitlines()]  # type: ignore[operator]
    assert set(offered) <= set(found)
    assert not set(others).intersection(found)


@pytest.mark.parametrize(
    "words, offered",
    [
        (["check", "--preset", "=", "st"], "strict"),  # as bash takes --preset=st apart
        (["check", "--preset", "="], "house"),
        (["check", "--select", "CEL110,CEL81"], "CEL110,CEL810"),
    ],
)
def test_values_in_bash(words: list[str], offered: str, tmp_path: Path) -> None:
    script("bash", tmp_path)
    assert offered in ask_bash(words, tmp_path).splitlines()


@pytest.mark.parametrize(
    "line, completed",
    [
        ("celery-lint compl", "celery-lint completion "),
        ("celery-lint check --min-severity=w", "--min-severity=warning "),
        ("celery-lint check --select CEL110,CEL81", "CEL810"),
        ("celery-lint rule missing-time", "missing-time-limit "),
    ],
)
def test_zsh_completes(line: str, completed: str, tmp_path: Path) -> None:
    import pty

    zsh = needed("zsh")
    script("zsh", tmp_path)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(zsh, [zsh, "-f", "-i"], {"PATH": os.environ["PATH"], "TERM": "dumb", "COLUMNS": "200"})
    try:
        start = "autoload -Uz compinit; compinit -u -D; source ./script; PS1='ready''> '\n"
        os.write(terminal, start.encode())
        read_until(terminal, "ready> ")
        os.write(terminal, f"{line}\t".encode())
        read_until(terminal, completed)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def read_until(terminal: int, text: str) -> None:
    """Read what a shell shows until the text is there."""
    shown = ""
    last = time.monotonic() + 120  # a shell that never says it would keep the test for ever
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], max(last - time.monotonic(), 0))
        assert ready, shown
        shown += os.read(terminal, 65536).decode(errors="replace")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_flag_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    for command in COMMANDS.values():
        for flag in command.flags:
            assert (f"-l {flag.name[2:]} " if shell == "fish" else flag.name) in out


@pytest.mark.parametrize("words", [["completion"], ["completion", "tcsh"]])
def test_another_shell(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert (
        capsys.readouterr().err == "celery-lint: error: which shell? celery-lint completion bash|zsh|fish\n"
    )

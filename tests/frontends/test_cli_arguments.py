"""What the user types, and how it is understood."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from celery_lint import __version__
from celery_lint.frontends.cli.arguments import UsageError, parse
from celery_lint.frontends.cli.commands import COMMANDS
from celery_lint.options import OPTIONS

UNDERSTOOD: list[tuple[str, list[str], list[str], dict[str, str], dict[str, object]]] = [
    # command, words, positional, flags, overrides
    ("check", [], [], {}, {}),
    ("check", ["a", "b"], ["a", "b"], {}, {}),
    ("check", ["a", "--select", "CEL1", "b"], ["a", "b"], {}, {"select": "CEL1"}),
    ("check", ["--select=CEL1"], [], {}, {"select": "CEL1"}),
    ("check", ["--select=CEL1", "--select", "CEL2"], [], {}, {"select": "CEL1,CEL2"}),
    ("check", ["--preset=all", "--preset=house"], [], {}, {"preset": "house"}),
    ("check", ["--exclude="], [], {}, {"exclude": ""}),
    ("check", ["--exclude", ""], [], {}, {"exclude": ""}),
    ("check", ["--no-cache", "--statistics"], [], {}, {"cache": False, "statistics": True}),
    ("check", ["--config", "x.toml", "-"], ["-"], {"--config": "x.toml"}, {}),
    ("check", ["--stdin-filename", "-"], [], {"--stdin-filename": "-"}, {}),
    ("check", ["--", "--select", "-x"], ["--select", "-x"], {}, {}),
    ("check", ["-h"], [], {"--help": ""}, {}),
    ("check", ["-q", "--exit-zero"], [], {"--quiet": "", "--exit-zero": ""}, {}),
    ("rule", ["CEL110", "--output-format", "json"], ["CEL110"], {"--output-format": "json"}, {}),
    ("rule", ["--all"], [], {"--all": ""}, {}),
    ("project", ["x", "--pool", "gevent"], ["x"], {}, {"pool": "gevent"}),
]


@pytest.mark.parametrize("name, words, positional, flags, overrides", UNDERSTOOD)
def test_understood(
    name: str, words: list[str], positional: list[str], flags: dict[str, str], overrides: dict[str, Any]
) -> None:
    assert parse(COMMANDS[name], words) == (positional, flags, overrides)


REFUSED = [
    ("check", ["--selct", "x"], "celery-lint check has no flag --selct, did you mean --select?"),
    ("check", ["--foo"], "celery-lint check has no flag --foo (celery-lint check --help lists all)"),
    ("check", ["--version"], "--version stands alone: celery-lint --version"),
    ("check", ["-x"], "celery-lint check has no flag -x (celery-lint check --help lists all)"),
    ("check", ["--color=red"], "--color: unknown value 'red', one of auto, always, never"),
    ("check", ["--cache"], "celery-lint check has no flag --cache, did you mean --no-cache?"),
    ("check", ["--select"], "--select needs a value: --select RULES"),
    ("check", ["--select", "--no-cache"], "--select needs a value: --select RULES"),
    ("check", ["--no-cache=yes"], "--no-cache takes no value"),
    ("clean", ["a", "b"], "celery-lint clean does not take 'b'"),
    ("rule", ["--output-format", "xml"], "--output-format: unknown value 'xml', one of text, json"),
    ("rule", ["--select", "CEL1"], "celery-lint rule has no flag --select"),
]


@pytest.mark.parametrize("name, words, expected", REFUSED)
def test_refused(name: str, words: list[str], expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(COMMANDS[name], words)
    assert str(caught.value).startswith(expected)


OVERVIEWS = [
    (["--version"], 0, f"celery-lint {__version__}\n"),
    (["-V"], 0, f"celery-lint {__version__}\n"),
    (["--help"], 0, "Usage: celery-lint COMMAND [FLAGS]\n"),
    (["-h"], 0, "Usage: celery-lint COMMAND [FLAGS]\n"),
    (["help"], 0, "Usage: celery-lint COMMAND [FLAGS]\n"),
    (["check", "--help"], 0, "Usage: celery-lint check [FLAGS] [PATHS]\n"),
    (["check", "a", "-h"], 0, "Usage: celery-lint check [FLAGS] [PATHS]\n"),
    (["rule", "--help"], 0, "Usage: celery-lint rule [FLAGS] [CODE|NAME|PREFIX]\n"),
    (["project", "--help"], 0, "Usage: celery-lint project [FLAGS] [PATH]\n"),
    (["clean", "--help"], 0, "Usage: celery-lint clean [FLAGS] [PATH]\n"),
]


@pytest.mark.parametrize("words, code, expected", OVERVIEWS)
def test_overview(command: Callable[..., Any], words: list[str], code: int, expected: str) -> None:
    outcome = command(*words)
    assert (outcome.code, outcome.err) == (code, "")
    assert outcome.out.startswith(expected)


def test_no_command_is_wrong_usage(command: Callable[..., Any]) -> None:
    outcome = command()
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: ")


@pytest.mark.parametrize(
    "word, expected",
    [
        ("chekc", "no command 'chekc', did you mean 'check'?"),
        ("--version", "--version stands alone: celery-lint --version"),
        ("xyz", "no command 'xyz' (celery-lint --help lists all)"),
        ("--verison", "no flag '--verison', did you mean '--version'?"),
        (".", "no command '.', did you mean celery-lint check .?"),
    ],
)
def test_unknown_command(command: Callable[..., Any], word: str, expected: str) -> None:
    outcome = command(word, "--foo")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"celery-lint: error: {expected}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("columns", ["50", "80", "300"])
def test_help_names_every_flag_within_the_terminal(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = command("check", "--help").out
    for option in OPTIONS:
        assert bool(re.search(f"  {option.flag_name}\\s", text)) is option.flag
    longest = max(len(line) for line in text.splitlines() if not line.startswith("Usage: "))
    assert longest <= int(columns)


def test_help_of_a_flag_that_turns_off_says_what_it_does(command: Callable[..., Any]) -> None:
    """``--no-cache   keep what was read between runs`` says the opposite."""
    shown = " ".join(command("check", "--help").out.split())
    for option in OPTIONS:
        if option.default is True:
            assert option.off
            assert f"{option.flag_name} {option.off}" in shown
            assert option.help not in shown

"""The texts of ``--help``, made from the commands and the option table."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from celery_lint.frontends.cli.arguments import HELP, Command, Flag

_WIDEST = 100
_INDENT = 2
_COLUMN = 30
_NARROW = 60
_NARROW_COLUMN = 6

_EXIT_CODES = "Exit codes: 0 no findings, 1 diagnostics, 2 wrong usage or an internal error."


def overview(commands: Iterable[Command]) -> str:
    """What ``celery-lint --help`` shows."""
    entries = [(f"{command.name} {command.positional}", command.summary) for command in commands]
    flags = [
        ("--version", "show the version"),
        ("--help", "show this text; each command has its own"),
    ]
    return "".join(
        [
            "Usage: celery-lint COMMAND [FLAGS]\n\n",
            _paragraph("Finds the ways in which a project's use of Celery fails in production."),
            "\n",
            _section("Commands", entries),
            _section("Flags", flags),
            _paragraph(_EXIT_CODES),
        ]
    )


def usage(command: Command) -> str:
    """What ``celery-lint COMMAND --help`` shows."""
    positional = f" {command.positional}" if command.positional else ""
    own = [flag for flag in command.flags if flag.option is None and not flag.group]
    grouped = {
        flag.group: [_entry(f) for f in command.flags if f.group == flag.group] for flag in command.flags
    }
    reporting = [flag for flag in command.flags if flag.option and not flag.option.semantic]
    project = [flag for flag in command.flags if flag.option and flag.option.semantic]
    parts = [
        f"Usage: celery-lint {command.name} [FLAGS]{positional}\n\n",
        _paragraph(f"{command.summary[0].upper()}{command.summary[1:]}."),
        "\n",
        _section("What is reported", [_entry(flag) for flag in reporting]),
        _section("What the linter cannot see in the project", [_entry(flag) for flag in project]),
        *(_section(title, entries) for title, entries in grouped.items() if title),
        _section("Other flags" if reporting else "Flags", [_entry(flag) for flag in (*own, HELP)]),
    ]
    if reporting:
        parts.append(
            _paragraph(
                "The same options can be set in [tool.celery-lint] of pyproject.toml, "
                "or in [celery-lint] of setup.cfg."
            )
        )
    return "".join([*parts, _paragraph(_EXIT_CODES)])


def _entry(flag: Flag) -> tuple[str, str]:
    text = flag.help
    default = flag.option.default if flag.option else ""
    if flag.choices:
        text += f" [{', '.join(flag.choices)}]"
    if default and isinstance(default, tuple):
        default = ",".join(default)
    if default and isinstance(default, str):
        text += f" (default: {default})"
    names = f"{flag.short}, {flag.name}" if flag.short else flag.name
    return f"{names} {flag.metavar}".rstrip(), text


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST) - 1


def _paragraph(text: str) -> str:
    return textwrap.fill(text, max(_width(), _COLUMN), break_on_hyphens=False) + "\n"


def _section(title: str, entries: list[tuple[str, str]]) -> str:
    if not entries:
        return ""
    width = _width()
    column = _COLUMN if width >= _NARROW - 1 else _NARROW_COLUMN
    lines = [f"{title}:"]
    for name, text in entries:
        first = f"{' ' * _INDENT}{name}"
        if len(first) + 2 > column:
            lines.append(first)
            first = ""
        indent = " " * column
        lines.append(
            textwrap.fill(
                text,
                max(width, column + 10),
                initial_indent=first.ljust(column),
                subsequent_indent=indent,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines) + "\n\n"

"""Commands, their flags, and what the user typed.

Written by hand because ``argparse`` takes longer to import than a warm run takes to answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from celery_lint.options import OPTIONS, Option

ADOPTING = ("--baseline", "--write-baseline", "--diff-base", "--add-noqa")
"""The flags of ``check`` for a project that has diagnostics already."""

FIXING = ("--fix", "--diff")
"""The flags of ``check`` that mend what is found, or show how."""


class UsageError(Exception):
    """The command line cannot be understood; the text is one line."""


class Flag(NamedTuple):
    """A flag of a command. Without a ``metavar`` it takes no value.

    ``option`` is the option that the flag sets; the flags of the command itself set none. ``short`` is one
    letter that does the same. ``group`` is the title below which the help shows it.
    """

    name: str
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    option: Option | None = None
    short: str = ""
    group: str = ""


class Command(NamedTuple):
    """A command: the module of this package of the same name runs it."""

    name: str
    positional: str
    most_positional: int | None
    summary: str
    flags: tuple[Flag, ...]


class Arguments(NamedTuple):
    """What the user typed: words without a flag, the flags of the command, and options to override."""

    positional: list[str]
    flags: dict[str, str]
    overrides: dict[str, object]


HELP = Flag("--help", "show this text")


def option_flags(only_semantic: bool = False) -> tuple[Flag, ...]:
    """The flags that set options."""
    return tuple(
        Flag(option.flag_name, option.off or option.help, option.metavar, option.choices, option)
        for option in OPTIONS
        if option.flag and (option.semantic or not only_semantic)
    )


def parse(command: Command, words: Sequence[str]) -> Arguments:
    """Sort the words that follow a command's name. Raises UsageError for what does not belong there.

    Flags may stand anywhere, their values after ``=`` or as the next word; ``--`` ends them. A flag
    that is given several times adds to its list, or else the last one wins.
    """
    arguments = Arguments([], {}, {})
    flags = {name: flag for flag in command.flags for name in (flag.name, flag.short) if name}
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments.positional.extend(rest)
        elif word == "-" or not word.startswith("-"):
            arguments.positional.append(word)
        elif word in ("-h", "--help"):
            arguments.flags["--help"] = ""
        else:
            name, equals, value = word.partition("=")
            flag = flags.get(name)
            if flag is None:
                raise UsageError(_unknown(name, command))
            if flag.metavar and not equals:
                value = next(rest, "--")
                if value.startswith("--"):
                    raise UsageError(f"{name} needs a value: {name} {flag.metavar}")
            if equals and not flag.metavar:
                raise UsageError(f"{name} takes no value")
            _set(arguments, flag, value)
    most = command.most_positional
    if most is not None and len(arguments.positional) > most and "--help" not in arguments.flags:
        raise UsageError(f"celery-lint {command.name} does not take {arguments.positional[most]!r}")
    return arguments


def _set(arguments: Arguments, flag: Flag, value: str) -> None:
    option = flag.option
    if option is None:
        if flag.choices and value not in flag.choices:
            raise UsageError(f"{flag.name}: unknown value {value!r}, one of {', '.join(flag.choices)}")
        arguments.flags[flag.name] = value
    elif option.kind == "switch":
        arguments.overrides[option.key] = not option.default
    elif isinstance(option.default, tuple):
        before = arguments.overrides.get(option.key)
        arguments.overrides[option.key] = f"{before},{value}" if before else value
    else:
        arguments.overrides[option.key] = value


def _unknown(name: str, command: Command) -> str:
    from celery_lint.configuration import closest

    if name in ("--version", "-V"):
        return f"{name} stands alone: celery-lint --version"
    near = closest(name.lstrip("-"), [flag.name[2:] for flag in (*command.flags, HELP)])
    close = f", did you mean --{near}?" if near else f" (celery-lint {command.name} --help lists all)"
    return f"celery-lint {command.name} has no flag {name}{close}"

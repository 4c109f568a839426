"""The commands, and how one of them is found and run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from celery_lint.frontends.cli.arguments import Arguments, Command, Flag, UsageError, option_flags, parse

CONFIG = Flag("--config", "read the options from this file instead of the project's", "FILE")
ADOPTION = "In a project that has diagnostics already"
AS_TEXT_OR_JSON = Flag("--output-format", "text for people, json for programs", "FORMAT", ("text", "json"))

GRAPH_FORMS = ("html", "mermaid", "dot", "json")
# Which diagnostics stand on the nodes of a graph.
_OF_GRAPH = ("select", "ignore", "extend-select", "preset", "exclude", "per-file-ignores", "min-severity")

COMMANDS = {
    command.name: command
    for command in (
        Command(
            "check",
            "[PATHS]",
            None,
            "check files and folders (the working directory if none is named)",
            (
                *option_flags(),
                Flag("--stdin-filename", "read the text of this file from standard input", "NAME"),
                Flag("--baseline", "report only what is not in this file", "FILE", group=ADOPTION),
                Flag("--write-baseline", "write what is found into this file", "FILE", group=ADOPTION),
                Flag("--diff-base", "report only lines that changed since REV", "REV", group=ADOPTION),
                Flag("--add-noqa", "add a comment that silences it to each line", group=ADOPTION),
                CONFIG,
                Flag("--output-file", "write the report to this file", "FILE"),
                Flag("--quiet", "show diagnostics only, without a summary", short="-q"),
                Flag("--exit-zero", "exit with 0 whatever is found"),
                Flag("--color", "whether the report is in colours", "WHEN", ("auto", "always", "never")),
                Flag("--fix", "mend what can be mended for certain, and report the rest"),
                Flag("--unsafe-fixes", "with --fix or --diff: also where the code will do something else"),
                Flag("--diff", "show what --fix would change, and change nothing"),
                Flag("--show-files", "show which files would be checked, and check none"),
                Flag("--show-settings", "show the options of the first path's project, and check nothing"),
            ),
        ),
        Command(
            "rule",
            "[CODE|NAME|PREFIX]",
            None,
            "explain rules",
            (Flag("--all", "list every rule"), AS_TEXT_OR_JSON),
        ),
        Command(
            "project",
            "[PATH]",
            1,
            "show what the linter believes about a project: applications, tasks, pools and helpers",
            (
                Flag("--task", "show what it believes about one task: how it is called, and by whom", "NAME"),
                AS_TEXT_OR_JSON,
                *option_flags(only_semantic=True),
                CONFIG,
            ),
        ),
        Command(
            "graph",
            "[PATHS]",
            None,
            "show who sends which task: a page for a browser, a diagram as text, or a document",
            (
                Flag("--format", "the form of the graph (default: html)", "FORMAT", GRAPH_FORMS),
                Flag("--output-file", "write the graph to this file", "FILE"),
                *(flag for flag in option_flags() if flag.option and flag.option.key in _OF_GRAPH),
                *option_flags(only_semantic=True),
                CONFIG,
            ),
        ),
        Command(
            "skill",
            "",
            0,
            "print a guide to tasks that work, for coding assistants and new colleagues",
            (Flag("--write", "write it as SKILL.md into this folder", "FOLDER"),),
        ),
        Command("clean", "[PATH]", 1, "remove a project's cache", ()),
        Command("completion", "SHELL", 1, "print the completion of a shell: bash, zsh or fish", ()),
        Command("server", "", 0, "serve an editor over standard input and output (language server)", ()),
    )
}


def run(words: Sequence[str]) -> int:
    """Run what the user typed, and return the exit code."""
    name = words[0] if words else ""
    if name in ("", "-h", "--help", "help"):
        from celery_lint.frontends.cli.usage import overview

        (sys.stdout if name else sys.stderr).write(overview(COMMANDS.values()))
        return 0 if name else 2
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(_unknown(name))
    arguments = parse(command, words[1:])
    if "--help" in arguments.flags:
        from celery_lint.frontends.cli.usage import usage

        sys.stdout.write(usage(command))
        return 0
    # A name that cannot be shown must not end the run: it is written with escapes.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return _run(command, arguments)


def _run(command: Command, arguments: Arguments) -> int:
    # Only the module of the command that runs is imported.
    if command.name == "check":
        from celery_lint.frontends.cli.check import run
    elif command.name == "rule":
        from celery_lint.frontends.cli.rule import run
    elif command.name == "project":
        from celery_lint.frontends.cli.project import run
    elif command.name == "graph":
        from celery_lint.frontends.cli.explaining.graph import run
    elif command.name == "skill":
        from celery_lint.frontends.cli.explaining.skill import run
    elif command.name == "clean":
        from celery_lint.frontends.cli.clean import run
    elif command.name == "completion":
        from celery_lint.frontends.cli import completion

        return completion.run(arguments, COMMANDS.values())
    else:
        from celery_lint.frontends.cli.server import run
    return run(arguments)


def _unknown(name: str) -> str:
    import os

    from celery_lint.configuration import did_you_mean

    if os.path.exists(name):
        return f"no command {name!r}, did you mean celery-lint check {name}?"
    what = "flag" if name.startswith("-") else "command"
    if name in ("--version", "-V"):
        return f"{name} stands alone: celery-lint --version"
    close = did_you_mean(name, [*COMMANDS, "--version", "--help"], "'")
    return f"no {what} {name!r}{close} (celery-lint --help lists all)"

"""``celery-lint completion``: what a shell needs to complete commands, flags and their values.

Made from the same tables as the help: a flag that is new is completed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

from celery_lint.frontends.cli.arguments import HELP, Arguments, Command, Flag, UsageError
from celery_lint.rules import all_rules

_PATHS = ("[PATHS]", "FILE", "NAME")
_FOLDERS = ("[PATH]", "FOLDER")
_RULES = ("[CODE|NAME|PREFIX]", "RULES")


def run(arguments: Arguments, commands: Iterable[Command]) -> int:
    """Print the script for a shell. Raises UsageError for one that is not known."""
    shell = arguments.positional[0] if arguments.positional else ""
    if shell not in SHELLS:
        raise UsageError(f"which shell? celery-lint completion {'|'.join(SHELLS)}")
    sys.stdout.write(SHELLS[shell](commands))
    return 0


def _flags(command: Command) -> tuple[Flag, ...]:
    return (*command.flags, HELP)


def _words(metavar: str, choices: Iterable[str] = ()) -> list[str]:
    """What may stand for a metavar, where that is one of a few words."""
    if metavar in _RULES:
        return [word for rule in all_rules() for word in (rule.code, rule.name)]
    if metavar == "SHELL":
        return list(SHELLS)
    return list(choices)


# ---------------------------------------------------------------------------------------- bash


def _bash(commands: Iterable[Command]) -> str:
    commands = list(commands)
    cases: list[str] = []
    for command in commands:
        for flag in command.flags:
            if flag.metavar:
                action = _bash_action(flag.metavar, flag.choices)
                cases.append(f"    '{command.name} {flag.name}') {action}; return ;;")
    positional = [
        f"    {command.name}) {_bash_action(command.positional)} ;;"
        for command in commands
        if command.positional
    ]
    flags = [f"      {command.name}) words='{' '.join(_names(_flags(command)))}' ;;" for command in commands]
    names = " ".join([*(command.name for command in commands), "--version", "--help"])
    return f"""\
# celery-lint in bash: put this into ~/.bash_completion, or eval "$(celery-lint completion bash)"
_celery_lint() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} flag=${{COMP_WORDS[COMP_CWORD-1]}}
  local command=${{COMP_WORDS[1]}} words
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '{names}' -- "$current"))
    return
  fi
  # bash takes --flag=value apart at the sign.
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $flag == '=' ]]; then
    flag=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  case "$command $flag" in
{chr(10).join(cases)}
  esac
  if [[ $current == -* ]]; then
    case $command in
{chr(10).join(flags)}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  case $command in
{chr(10).join(positional)}
  esac
}}
# Of a list, the last word is completed: CEL110,CEL5<tab>
_celery_lint_words() {{
  local before=''
  if [[ $2 == *,* ]]; then before=${{2%,*}},; fi
  COMPREPLY=($(compgen -P "$before" -W "$1" -- "${{2##*,}}"))
}}
complete -F _celery_lint celery-lint
"""


def _bash_action(metavar: str, choices: Iterable[str] = ()) -> str:
    words = _words(metavar, choices)
    if words:
        return f"_celery_lint_words '{' '.join(words)}' \"$current\""
    if metavar in _FOLDERS:
        return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current"))'
    if metavar in _PATHS:
        return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))'
    return ":"


def _names(flags: Iterable[Flag]) -> Iterator[str]:
    for flag in flags:
        yield flag.name
        if flag.short:
            yield flag.short


# ---------------------------------------------------------------------------------------- zsh


def _zsh(commands: Iterable[Command]) -> str:
    commands = list(commands)
    described = "\n".join(f"      {_quoted(f'{_colons(c.name)}:{c.summary}')}" for c in commands)
    cases = []
    for command in commands:
        specifications = [_zsh_flag(flag) for flag in _flags(command)]
        if command.positional:
            specifications.append(_quoted(f"*:{command.positional}:{_zsh_action(command.positional)}"))
        lines = " \\\n          ".join(specifications)
        cases.append(f"        {command.name})\n          _arguments \\\n          {lines} ;;")
    return f"""\
#compdef celery-lint
# celery-lint in zsh: write this to a file _celery-lint in a folder of $fpath, before compinit runs
_celery-lint() {{
  local line state
  _arguments -C '(- *)--version[show the version]' '(- *)--help[show the help]' '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a commands=(
{described}
      )
      _describe command commands ;;
    rest)
      case $line[1] in
{chr(10).join(cases)}
      esac ;;
  esac
}}
if [[ $funcstack[1] == _celery-lint ]]; then
  _celery-lint "$@"
else
  compdef _celery-lint celery-lint
fi
"""


def _zsh_flag(flag: Flag) -> str:
    text = flag.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    names = [flag.name, *([flag.short] if flag.short else [])]
    several = flag.option is not None and isinstance(flag.option.default, tuple)
    action = _zsh_action(flag.metavar, flag.choices, several)
    value = f":{flag.metavar}:{action}" if flag.metavar else ""
    equals = "=" if flag.metavar else ""
    return " ".join(
        _quoted(f"*{name}{equals if name.startswith('--') else ''}[{text}]{value}") for name in names
    )


def _zsh_action(metavar: str, choices: Iterable[str] = (), several: bool = False) -> str:
    words = " ".join(_words(metavar, choices))
    if words:
        return f"_sequence compadd - {words}" if several else f"({words})"
    return "_files -/" if metavar in _FOLDERS else "_files" if metavar in _PATHS else " "


def _colons(text: str) -> str:
    return text.replace(":", "\\:")


def _quoted(text: str) -> str:
    """A word that no shell looks into."""
    return "'" + text.replace("'", "'\\''") + "'"


# ---------------------------------------------------------------------------------------- fish


def _fish(commands: Iterable[Command]) -> str:
    lines = [
        "# celery-lint in fish: write this to ~/.config/fish/completions/celery-lint.fish",
        "complete -c celery-lint -f",
        "complete -c celery-lint -n __fish_use_subcommand -l version -d 'show the version'",
        "complete -c celery-lint -n __fish_use_subcommand -l help -d 'show the help'",
    ]
    for command in commands:
        summary = _fish_quoted(command.summary)
        lines.append(f"complete -c celery-lint -n __fish_use_subcommand -a {command.name} -d {summary}")
        start = f"complete -c celery-lint -n '__fish_seen_subcommand_from {command.name}'"
        for flag in _flags(command):
            short = f" -s {flag.short[1:]}" if flag.short else ""
            value = f" {_fish_value(flag.metavar, flag.choices)}" if flag.metavar else ""
            lines.append(f"{start} -l {flag.name[2:]}{short}{value} -d {_fish_quoted(flag.help)}")
        if command.positional:
            lines.append(f"{start} {_fish_value(command.positional).replace('-x ', '')}")
    return "\n".join(lines) + "\n"


def _fish_value(metavar: str, choices: Iterable[str] = ()) -> str:
    words = _words(metavar, choices)
    if words:
        return f"-x -a '{' '.join(words)}'"
    if metavar in _FOLDERS:
        return "-x -a '(__fish_complete_directories)'"
    return "-r -F" if metavar in _PATHS else "-x"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: dict[str, Callable[[Iterable[Command]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
"""What makes the script of each shell."""

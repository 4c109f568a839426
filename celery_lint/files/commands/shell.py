"""Command lines, read as a shell reads them, as far as it takes to see which options a program gets.

Nothing is expanded: ``$POOL``, ``$(…)``, ``%(…)s`` and ``{{ … }}`` stay in the words as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_BLANKS = " \t\r\f\v"
_OPERATORS = ";&|<>()"
_EXPANSIONS = (("${", "{", "}"), ("$(", "(", ")"), ("%(", "(", ")"), ("{{", "{", "}"), ("{%", "{", "}"))

_DEFAULT = re.compile(r"\$\{\w+:?[-=]([^${}`]+)\}")
# What a script compares a word with: `"celery worker" | worker)`.
_WORD = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s()"'`$&;<>#|]+)"""
_PATTERN = re.compile(rf"\s*\(?\s*{_WORD}(?:\s*\|\s*{_WORD})*\s*\)")
_LONGEST_LIST = 4_000  # characters of a list of arguments
_LONGEST_EXPANSION = 400  # characters; keeps a file of nothing but unclosed braces from taking minutes


class Word(NamedTuple):
    """One word of a command, without its quotes, and the line on which it begins."""

    text: str
    line: int


def is_variable(text: str) -> bool:
    """Whether what the text says is only known where the command runs."""
    return any(mark in text for mark in ("$", "{{", "{%", "%(", "`"))


def with_defaults(text: str) -> str:
    """The text with variables replaced by the values that it gives for them: ``${POOL:-gevent}``."""
    return _DEFAULT.sub(r"\1", text) if "${" in text else text


def simple_commands(text: str, line: int) -> list[list[Word]]:
    """The commands of a text that begins on this line, each as its words.

    Pipes, lists, groups and redirections separate commands. A quote that nothing closes is dropped, so
    that one line of a longer quotation can be read on its own.
    """
    commands: list[list[Word]] = [[]]
    word: list[str] = []
    begun = 0  # the line of the word at hand, 0 between words
    position = 0
    unclosed: set[str] = set()  # what closes nowhere after a place closes nowhere after the next one

    def end_word() -> None:
        nonlocal begun
        if begun:
            commands[-1].append(Word("".join(word), begun))
        word.clear()
        begun = 0

    while position < len(text):
        character = text[position]
        following = position + 1
        if character == "\n" or character in _OPERATORS:
            if character in "<>" and "".join(word).isdigit():  # the 2 of 2>&1
                word.clear()
                begun = 0
            end_word()
            commands.append([])
        elif character in _BLANKS:
            end_word()
        elif character == "\\":
            following += 1
            if text[position + 1 : following] in ("\n", ""):
                end_word()
            else:
                begun = begun or line
                word.append(text[position + 1])
        elif character in "'\"":
            closing = -1 if character in unclosed else _closing_quote(text, position)
            if closing < 0:
                unclosed.add(character)
                end_word()
            else:
                begun = begun or line
                quoted = text[position + 1 : closing]
                word.append(_unescaped(quoted) if character == '"' else quoted)
                following = closing + 1
        elif character == "#" and not begun:
            following = text.find("\n", position)
            if following < 0:
                following = len(text)
        else:
            begun = begun or line
            following = _end_of_expansion(text, position)
            word.append(text[position:following])
        line += text.count("\n", position, following)
        position = following
    end_word()
    return [command for command in commands if command]


def logical_lines(text: str, *, comments: str = "#", indented: bool = False) -> Iterator[tuple[int, str]]:
    """Lines joined where a backslash says so, with the number of their first one; no comment lines.

    ``indented``: a line that begins with a blank continues the one before, as in INI files.
    """
    first = 0
    joined = ""
    continued = False
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip()
        if line.lstrip().startswith(tuple(comments)):
            if joined and (continued or indented):  # goes on after the comment; lines are still counted
                joined += "\n\\" if continued else "\\\n"
                continue
            line = ""
        if joined and (continued or (indented and line[:1].isspace())):
            joined += ("\n" if continued else "\\\n") + line
        else:
            if joined:
                yield first, joined
            first, joined = number, line
        continued = joined.endswith("\\") and not joined.endswith("\\\\")
    if joined:
        yield first, joined


def behind_pattern(line: str) -> str:
    """A line of a script without the pattern of a `case` that it begins with, which is no command."""
    found = _PATTERN.match(line) if ")" in line else None
    return line[found.end() :] if found is not None else line


def list_items(text: str, line: int) -> list[Word]:
    """The items of a list in brackets, as JSON and YAML write it: ``["celery", -A, 'app']``."""
    items: list[Word] = []
    position = text.find("[") + 1
    line += text.count("\n", 0, position)
    unclosed: set[str] = set()
    while position < len(text):
        character = text[position]
        following = position + 1
        closing = -1
        if character in "'\"" and character not in unclosed:
            closing = _closing_quote(text, position)
            if closing < 0:
                unclosed.add(character)
        if closing > 0:
            quoted = text[following:closing]
            items.append(Word(_unescaped(quoted) if character == '"' else quoted.replace("''", "'"), line))
            following = closing + 1
        elif character == "]":
            break
        elif character == "#":
            following = text.find("\n", position)
            if following < 0:
                break
        elif character not in _BLANKS + ",\n\\":
            while following < len(text) and text[following] not in ",]\n":
                following = _end_of_expansion(text, following)
            items.append(Word(text[position:following].strip(), line))
        line += text.count("\n", position, following)
        position = following
    return items


def quoted_commands(text: str, line: int) -> Iterator[list[Word]]:
    """The commands in the strings and lists of strings of JSON, or of YAML that is written like it."""
    position = 0
    while position < len(text):
        character = text[position]
        following = position + 1
        if character == "[":
            end = text.find("]", position, position + _LONGEST_LIST) + 1
            part = text[position:end]
            if "celery" in part and part.find("[", 1) < 0 and "{" not in part:
                yield list_items(part, line)
                following = end
        elif character == '"':
            closing = _closing_quote(text, position)
            if closing < 0:
                return
            following = closing + 1
            quoted = text[position + 1 : closing]
            if "celery" in quoted.lower() and text[following : following + 2].lstrip()[:1] != ":":
                yield from simple_commands(_unescaped(quoted), line)
        line += text.count("\n", position, following)
        position = following


def _closing_quote(text: str, opening: int) -> int:
    """Where the quotation that opens here is closed; -1 if it is not."""
    quote = text[opening]
    closing = text.find(quote, opening + 1)
    while quote == '"' and closing > 0:
        backslashes = closing - 1
        while text[backslashes] == "\\":
            backslashes -= 1
        if (closing - backslashes) % 2:
            break
        closing = text.find(quote, closing + 1)
    return closing


def _unescaped(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted
    for escape, meaning in (("\\\\", "\0"), ('\\"', '"'), ("\\$", "$"), ("\\n", "\n"), ("\\t", "\t")):
        quoted = quoted.replace(escape, meaning)
    return quoted.replace("\0", "\\")


def _end_of_expansion(text: str, position: int) -> int:
    """The end of the expansion that begins here, blanks included; of one character if there is none."""
    if text[position] == "`":
        return text.find("`", position + 1) + 1 or position + 1
    for start, opening, closing in _EXPANSIONS:
        if text.startswith(start, position):
            depth = 0
            for index in range(position + len(start) - 1, min(len(text), position + _LONGEST_EXPANSION)):
                if text[index] == opening:
                    depth += 1
                elif text[index] == closing:
                    depth -= 1
                    if not depth:
                        # {{ … }} and {% … %} begin with two of which only the second was counted
                        return index + (2 if start == "{{" else 1)
            return position + 1
    return position + 1

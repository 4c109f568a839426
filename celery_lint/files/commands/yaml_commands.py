"""Commands in YAML files: compose files, Kubernetes manifests, Helm charts, platforms' own formats.

Not a YAML parser: a tolerant reader of lines that keeps line numbers, needs no package, and does not mind
templates, which are not YAML before they are rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.files.commands.shell import Word, list_items, quoted_commands, simple_commands

_NAME = re.compile(r"[\w./ -]+|<<")  # the last unpacks what an anchor names
_ITEM = re.compile(r"(?P<indent> *(?:- +)*- +)")
_PROPERTIES = re.compile(r"(?:[!&]\S+(?:\s+|$))+")  # tags and anchors
# A line of a template that only decides which of the following lines there are: it puts nothing in itself.
_DECISION = re.compile(r"\{\{-?\s*(?:(?:if|else|with|range|end)\b|/\*|\$\w+\s*:?=)[^{}]*\}\}")
_POOL_OPTIONS = ("-P", "--pool")
_BLOCK = re.compile(r"[|>][-+\d]*\s*(?:#.*)?$")

# What a container runs: the second continues the first (Kubernetes: command and args; compose: entrypoint
# and command). https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
_CONTINUED_BY = (("command", "args"), ("entrypoint", "command"))
_PARTS = frozenset({"args", "command", "entrypoint"})

# Keys whose text speaks of workers but starts none.
_PROSE = frozenset(
    {
        "comment", "container_name", "description", "help", "healthcheck", "hostname", "image",
        "message", "name", "summary", "test", "title",
    }
)  # fmt: skip

Commands = list[list[Word]]


class _Key(NamedTuple):
    """A key of a mapping: with the dashes before it, its name, and where its value begins."""

    indent: str
    name: str
    end: int


def yaml_commands(text: str) -> Iterator[list[Word]]:
    """The commands of a YAML file, as words with their lines."""
    yield from _Reader(text.split("\n")).commands()


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._number = 0  # index of the next line
        self._parts: dict[int, dict[str, Commands]] = {}  # by the indentation of their mapping

    def commands(self) -> Iterator[list[Word]]:
        while self._number < len(self._lines):
            line = self._lines[self._number]
            key = _key(line)
            item = None if key else _ITEM.match(line)
            self._number += 1
            if key:
                indent = len(key.indent)
                dash = key.indent.find("-")
                # A dedent ends the mappings within, and a dash the one of the item before.
                yield from self._finish(indent if dash < 0 else dash)
                part = key.name in _PARTS
                found = self._value(line[key.end :], indent, sequence=True, part=part)
                if part:
                    self._parts.setdefault(indent, {})[key.name] = found
                elif key.name not in _PROSE:
                    yield from found
            elif item:
                yield from self._finish(len(item["indent"]) - 2)
                yield from self._value(
                    line[item.end() :], len(item["indent"]) - 2, sequence=False, part=False
                )
        yield from self._finish(-1)

    def _finish(self, indent: int) -> Iterator[list[Word]]:
        """Join what the containers that end here run. Mappings of exactly this indentation go on."""
        for inner in sorted(self._parts):
            if inner <= indent:
                continue
            parts = self._parts.pop(inner)
            for first, second in _CONTINUED_BY:
                if parts.get(first) and parts.get(second):
                    *before, last = parts.pop(first)
                    following, *after = parts[second]
                    parts[second] = [*before, last + following, *after]
            for found in parts.values():
                yield from found

    def _value(self, text: str, indent: int, *, sequence: bool, part: bool) -> Commands:
        """The commands of a value that begins with this text on the line before the next one."""
        line = self._number
        if text[:1] in ("!", "&") and (properties := _PROPERTIES.match(text)):
            text = text[properties.end() :]
        if sequence and (not text or text.startswith("#")):
            if self._opens_below():
                text, line = self._until_closed(""), line + 1
                return [items] if (items := list_items(text, line)) else []
            text, line = self._text_below(indent), self._number
            if not text:
                items = self._sequence(indent)
                return [items] if items else []
        if text.startswith("{") and not text.startswith(("{{", "{%")):
            return list(quoted_commands(self._until_closed(text, "{}"), line))
        if text.startswith("["):
            return [items] if (items := list_items(self._until_closed(text), line)) else []
        if _BLOCK.match(text):
            text, line = self._block(text[0], indent), line + 1
        else:
            text = self._scalar(text, indent)
        # Most of a file is about other things, and cheap to pass over; not so the arguments of a container.
        return simple_commands(text, line) if part or "celery" in text.lower() else []

    def _sequence(self, indent: int) -> list[Word]:
        """The texts of a list below a key; nothing, and nothing consumed, if it holds anything else."""
        start = self._number
        items: list[Word] = []
        decisions: list[int] = []
        while self._number < len(self._lines):
            line = self._lines[self._number]
            content = line.strip()
            if not content or content.startswith("#"):
                self._number += 1
                continue
            if content.startswith("{{"):  # a template decides about what follows
                self._number += 1
                if _DECISION.fullmatch(content):
                    decisions.append(len(items))
                items.append(Word(content, self._number))
                continue
            dash = len(line) - len(line.lstrip())
            item = _ITEM.match(line)
            if dash < indent or not item:
                break
            if _key(line) or line[item.end() :].startswith("["):
                self._number = start
                return []
            self._number += 1
            number = self._number
            text = line[item.end() :]
            if _BLOCK.match(text):
                number += 1
                text = self._block(text[0], dash)
            else:
                text = _unquoted(self._scalar(text, dash))
            items.append(Word(text, number))
        if decisions and not any(option in word.text for word in items for option in _POOL_OPTIONS):
            # Whatever the template decides, each of its branches stands here, and none names a pool.
            return [word for index, word in enumerate(items) if index not in decisions]
        return items

    def _block(self, style: str, indent: int) -> str:
        """The lines of a block text (``|`` or ``>``) below a key or dash of this indentation."""
        lines = self._indented(indent)
        # A folded line break is a blank; written with a backslash so that lines can still be counted.
        return ("\n" if style == "|" else " \\\n").join(lines)

    def _scalar(self, text: str, indent: int) -> str:
        """A plain or quoted text that may go on in the next lines."""
        quote = text[:1]
        if quote in ("'", '"'):
            if quote not in text[1:]:
                return self._until(text, quote)
            return text
        text = re.split(r"\s#", text, maxsplit=1)[0]
        following = [line for line in self._indented(indent) if not line.lstrip().startswith("#")]
        while following and not following[-1].strip():  # what follows is not part of the text
            following.pop()
        return " \\\n".join([text, *following])

    def _until(self, text: str, mark: str) -> str:
        parts = [text]
        while self._number < len(self._lines):
            line = self._lines[self._number]
            self._number += 1
            parts[-1] = parts[-1].removesuffix("\\")
            parts.append(line)
            if mark in line:
                break
        return " \\\n".join(parts)

    def _opens_below(self) -> bool:
        """Whether the next line that says anything begins a list in brackets."""
        while self._number < len(self._lines):
            line = self._lines[self._number].lstrip()
            if line:
                return line.startswith("[")
            self._number += 1
        return False

    def _text_below(self, indent: int) -> str:
        """The first line of a text that begins below its key; nothing if a list or a mapping stands there."""
        line = self._lines[self._number] if self._number < len(self._lines) else ""
        text = line.lstrip()
        if len(line) - len(text) <= indent or _key(line) or text.startswith(("-", "#", "{{", "{%", "?")):
            return ""
        self._number += 1
        return text

    def _until_closed(self, text: str, brackets: str = "[]") -> str:
        """A list or mapping in brackets with all its lines; it begins on the next one if there is no text."""
        opening, closing = brackets[0], brackets[1]
        parts = [text] if text else []
        depth = text.count(opening) - text.count(closing)
        while (depth > 0 or not parts) and self._number < len(self._lines):
            line = self._lines[self._number]
            self._number += 1
            depth += line.count(opening) - line.count(closing)
            parts.append(line)
        return "\n".join(parts)

    def _indented(self, indent: int) -> list[str]:
        """The next lines, as far as they are empty or indented more than this."""
        lines: list[str] = []
        while self._number < len(self._lines):
            line = self._lines[self._number]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            lines.append(line)
            self._number += 1
        return lines


def _key(line: str) -> _Key | None:
    """The key that a line begins with; read by hand, because what stands before it may look like it."""
    at = len(line) - len(line.lstrip(" "))
    while line.startswith("- ", at):
        at += 1
        while line.startswith(" ", at):
            at += 1
    quote = line[at : at + 1]
    if quote in ("'", '"') and quote:
        start = at + 1
        end = line.find(quote, start)
        colon = end + 1
        while line[colon : colon + 1].isspace():
            colon += 1
        if end < 0 or line[colon : colon + 1] != ":":
            return None
        name = line[start:end]
    else:
        colon = line.find(":", at)
        name = line[at:colon].rstrip() if colon >= 0 else ""
    value = colon + 1
    if not _NAME.fullmatch(name) or not (value == len(line) or line[value].isspace()):
        return None
    while line[value : value + 1].isspace():
        value += 1
    return _Key(line[:at], name, value)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text

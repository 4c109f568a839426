"""What code starts by a shell, a task runner, in a list of words: the queues of its workers, and beat."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from celery_lint.model.commands import ANY_QUEUE

_OPTIONS = ("-Q", "--queues")
# `-Q:1-3` is an option of some nodes of `celery multi`; `2024-Q3` and `f"{year}-Q{quarter}"` are none at all.
_OPTION = re.compile(r"(?<![^\s\"'`=(])(?:-Q|--queues(?![\w-]))(?::[^\s\"'=]+)?(?:\s+|=)?[\"']?([^\s\"']*)")
_ALONE = re.compile(r"(?:-Q|--queues)(?::[^\s=]+)?")
# The option as a text can have it, at the beginning of one or behind a space: `SOME-QUEUE` has none.
_SAID = re.compile(r"(?:[\s\"'`=(]|\\[nrtvf])(?:-Q|--queues)")
_PROGRAMS = ("worker", "multi")
_NAMES = re.compile(r"[\w.,:@-]+")
# What a line has in it that starts beat: a search for this costs a tenth of one for the ways to write it.
_SUSPECT = re.compile(r"[Bb]eat|EmbeddedService|-[A-Za-z]{0,4}B")
# Each is on one line. Written in lower case and with its options, or alone in quotes: prose says "Celery
# Beat", and "celery beat sends this".
_STARTS = re.compile(
    r"""["']beat["']"""
    r"""|["'](?:[^"'\n]{0,200}[ /])?celery[ \t]+beat["'\s]*(?:["'\\]|$)"""
    r"""|\bbeat[ \t]+-{1,2}[A-Za-z]"""
    r"""|\bcelery(?:[.\d-]*)[ \t]+-[^\n"']{0,200}[ \t]beat\b"""
    r"""|--beat\b|["']-[A-Za-z]{0,4}B[A-Za-z]{0,4}["']"""
    r"""|\bworker\b[^\n]{0,200}[ \t]-[A-Za-z]{0,4}B[A-Za-z]{0,4}(?![\w-])"""
    r"""|\bcelery\.(?:apps\.|bin\.)?beat\b|\.Beat\b|\bimport[ \t]+Beat\b"""
    r"""|(?<![_-])\bcelery[-_]?beat(?:\.\w+)?["'\s]*(?:["'`]|$)"""
    r"""|\bEmbeddedService\b""",
    re.MULTILINE,
)


def told_queues(text: str, tree: ast.Module) -> tuple[str, ...]:
    """The queues in the worker commands of a module, ``*`` for those that only the run knows.

    Which program is started is not looked at, nor when: who writes a queue behind this option means a worker.
    Documentation starts none.
    """
    if not any(program in text for program in _PROGRAMS) or not any(option in text for option in _OPTIONS):
        return ()
    if not _SAID.search(text):
        return ()
    found: dict[str, None] = {}
    for node in _nodes(tree):
        for names in _told(node):
            known = _NAMES.fullmatch(names) is not None
            found.update(dict.fromkeys(names.split(",") if known else (ANY_QUEUE,)))
    return tuple(name for name in found if name)


def _nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those of texts that stand alone."""
    line: list[ast.AST] = [tree]
    for node in line:  # which grows meanwhile
        yield node
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.Expr) and isinstance(child.value, (ast.Constant, ast.JoinedStr))):
                line.append(child)


def _told(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.List, ast.Tuple)):
        yield from _in_words(node.elts)
    elif isinstance(node, ast.Call):
        yield from _in_words(node.args)
    elif isinstance(node, ast.JoinedStr):
        yield from _in_text("".join(_text(part) or "{}" for part in node.values))
    else:
        text = _text(node)
        if text is not None and any(program in text for program in _PROGRAMS):
            yield from _in_text(text)


def _in_words(words: Sequence[ast.expr]) -> Iterator[str]:
    """What follows the option in a list of words, or stands in one with it."""
    for index, word in enumerate(words):
        text = _text(word)
        if text is not None and _ALONE.fullmatch(text):
            yield (_text(words[index + 1]) if index + 1 < len(words) else None) or "{}"
        elif text is not None and text.startswith(_OPTIONS) and " " not in text:
            yield from _in_text(text)


def _in_text(text: str) -> Iterator[str]:
    for found in _OPTION.finditer(text):
        yield found[1] or "{}"


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def starts_beat(text: str) -> bool:
    """Whether a text of Python holds what starts beat, comments and documentation included."""
    if not any(word in text for word in ("beat", "Beat", "worker", "EmbeddedService")):
        return False
    return any(map(_STARTS.search, _lines(text, _SUSPECT)))


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """The lines that a pattern is found in."""
    found = pattern.search(text)
    while found is not None:
        end = text.find("\n", found.start())
        end = len(text) if end < 0 else end
        yield text[text.rfind("\n", 0, found.start()) + 1 : end]
        found = pattern.search(text, end)

"""Edits of comments that silence rules: a word for another, and away with what silences nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.fixes.text import Edit, Text, Words

_LINE_END = re.compile(r"\r\n|\r|\n|\Z")
# What stands beside a word if the list goes on there. In brackets all is the list; behind a code for flake8
# may be prose, and prose alone would silence everything.
_BEFORE = re.compile(r"[\w-]+[ \t,]+\Z", re.ASCII)
_BEHIND = re.compile(r"[ \t,]+(?=[A-Z]+[0-9])", re.ASCII)
_BEHIND_IN_BRACKETS = re.compile(r"[ \t,]+(?=[\w-])", re.ASCII)


def reworded(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """The word that was meant."""
    yield Edit(*text.stretch(span), words[0])


def removed(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """A list without a word, or nothing in place of a comment whose list holds no other one."""
    start, end = text.stretch(span)
    opening = max(text.text.rfind("\n", 0, start), text.text.rfind("\r", 0, start)) + 1
    found = _LINE_END.search(text.text, end)
    closing = found.start() if found else end
    sharp = text.text.rfind("#", opening, start)
    if sharp < 0:
        return
    next_sharp = text.text.find("#", end, closing)
    bracket = text.text.rfind("[", sharp, start) + 1
    behind = (_BEHIND_IN_BRACKETS if bracket else _BEHIND).match(text.text, end)
    before = _BEFORE.search(text.text[bracket or text.text.rfind(":", sharp, start) + 1 : start])
    if behind:
        yield Edit(start, behind.end(), "")
    elif before:
        separator = start - len(text.text[:start].rstrip(" \t,"))
        yield Edit(start - separator, end, "")
    elif next_sharp >= 0:
        yield Edit(sharp, next_sharp, "")
    else:
        code = text.text[opening:sharp].rstrip(" \t")
        if code:
            yield Edit(opening + len(code), closing, "")
        else:
            yield Edit(opening, found.end() if found else closing, "")

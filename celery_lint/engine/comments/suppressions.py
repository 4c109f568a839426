"""What the comments of a file silence: ``# celery-lint: ignore[CEL110] -- reason`` and flake8's ``# noqa``.

Ours list codes, prefixes and names of rules in any case, hold for the file as ``ignore-file[...]``, and are
obeyed whoever asks. A ``# noqa`` is obeyed by the command alone: flake8 has its own reading of it, and pylint
other comments. Words that name no rule, and words that silence nothing, are told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from celery_lint.configuration import closest
from celery_lint.diagnostics import Diagnostic, Span
from celery_lint.engine.comments.noqa import listed, rule_names, suppressed
from celery_lint.model.comments import OWN, Comment
from celery_lint.selection import normal_form

_FORMS = ("ignore-file", "ignore")


class Word(NamedTuple):
    """A word that should name rules. ``selector`` is its normal form, ``""`` if it names none."""

    text: str
    span: Span
    selector: str
    comment: Comment

    def means(self, code: str, name: str) -> bool:
        """Whether it names this rule."""
        return bool(self.selector) and (code.startswith(self.selector) or name == self.selector)


class Unknown(NamedTuple):
    """What names no rule and so silences nothing: the word, the variant of the message, what was meant."""

    word: Word
    variant: str
    meant: str


class Suppressions:
    """The comments of one file, and which of their words have silenced something."""

    def __init__(self, comments: Iterable[Comment]) -> None:
        self._words: dict[int, list[Word]] = {}  # of ours, by the first line that they hold for; 0: for all
        self._noqa: dict[int, list[Comment]] = {}
        self._last: dict[int, int] = {}
        self._listed: dict[int, list[Word]] = {}  # of those for flake8
        for comment in comments:
            self._last[comment.first] = comment.last
            if comment.own:
                self._words.setdefault(comment.first, []).extend(words_of(comment))
            else:
                self._noqa.setdefault(comment.first, []).append(comment)
                self._listed.setdefault(comment.first, []).extend(_words_of_noqa(comment))
        self._firsts = sorted(self._last)
        self._used: set[Span] = set()

    def own(self, found: Diagnostic) -> bool:
        """Whether a comment of ours silences a diagnostic."""
        words = [word for key in (0, self._key(found.line)) for word in self._words.get(key, ())]
        silencing = {word.span for word in words if word.means(found.code, found.name)}
        self._used |= silencing
        return bool(silencing)

    def noqa(self, found: Diagnostic) -> bool:
        """Whether a comment for flake8 silences a diagnostic."""
        key = self._key(found.line)
        comments = self._noqa.get(key, ()) if key else ()
        words = self._listed.get(key, ())
        self._used.update(word.span for word in words if word.means(found.code, found.name))
        # Of several on joined lines flake8 reads the first alone.
        read = [comment for comment in comments if listed(comment.text) is not None][:1]
        return 0 in self._noqa or any(suppressed(c.text, found.code, found.name) for c in read)

    def for_the_file(self, found: Diagnostic) -> bool:
        """Whether a comment for the whole file silences a diagnostic, ours or one for flake8."""
        return 0 in self._noqa or any(word.means(found.code, found.name) for word in self._words.get(0, ()))

    def _key(self, line: int) -> int:
        """The first of the lines that this line is joined with, where a comment holds for them."""
        at = bisect_right(self._firsts, line) - 1
        first = self._firsts[at] if at >= 0 else 0
        return first if first and line <= self._last[first] else 0

    def unknown(self) -> Iterator[Unknown]:
        """What names no rule."""
        for word in self._all():
            if not word.text:
                yield Unknown(word, "form", "")
            elif not word.selector and not word.comment.own and normal_form(word.text) is not None:
                yield Unknown(word, "case", word.text.upper())
            elif not word.selector:
                # Codes are all alike: only a name tells what was meant.
                meant = closest(word.text, rule_names())
                yield Unknown(word, "near" if meant else "", meant)

    def unused(self) -> Iterator[Word]:
        """The words that name rules and have silenced nothing of what was asked before."""
        for word in self._all():
            if word.selector and word.span not in self._used:
                yield word

    def _all(self) -> list[Word]:
        words = [word for group in (self._words, self._listed) for words in group.values() for word in words]
        return sorted(words, key=lambda word: word.span)


def words_of(comment: Comment) -> list[Word]:
    """The words in the brackets of a comment of ours; one without text where there is nothing to read.

    Words after ``celery-lint:`` that begin like prose, with neither brackets nor one of our forms, are prose.
    """
    text = comment.text
    start = text.index(OWN) + len(OWN)
    at = start + len(text[start:]) - len(text[start:].lstrip())
    form = next((form for form in _FORMS if text.startswith(form, at)), "")
    after = at + len(form)
    while after < len(text) and text[after] in " \t":
        after += 1
    end = text.find("]", after)
    found = []
    if form and text[after : after + 1] == "[" and end >= 0:
        after += 1
        for part in text[after:end].replace(",", " ").split(" "):
            stripped = part.strip()
            if stripped:
                span = _span(comment, after + part.index(stripped), len(stripped))
                found.append(Word(stripped, span, normal_form(stripped) or "", comment))
            after += len(part) + 1
    if not found and (form or _looks_like_a_form(text[at:])):
        return [Word("", _span(comment, at, len(text[at:].rstrip()) or 1), "", comment)]
    return found


def _looks_like_a_form(text: str) -> bool:
    """``disable=CEL110``, ``ignroe[CEL110]``: one word with brackets or an equals sign."""
    word = text.partition("[")[0].partition("=")[0]
    return len(word) < len(text) and word.replace("-", "").isalpha()


def _words_of_noqa(comment: Comment) -> Iterator[Word]:
    """The words behind a ``# noqa`` that speak of our rules."""
    for at, text in listed(comment.text) or ():
        span = _span(comment, at, len(text))
        if "-" in text:
            if text.lower() in rule_names():
                yield Word(text, span, text.lower(), comment)
        elif text[:3].upper() == "CEL" and text[3:].isdecimal():
            known = text.isupper() and normal_form(text) is not None
            yield Word(text, span, text if known else "", comment)


def _span(comment: Comment, at: int, length: int) -> Span:
    column = comment.column + at
    return Span(comment.line, column, comment.line, column + length)

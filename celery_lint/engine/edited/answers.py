"""What the texts of Python files were asked, and whether one that has changed answers the same.

A run asks for words and by searches, also in files whose facts nobody reads, and the cache keeps what they
answered. Where another text says the same in the same order, nobody has noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from itertools import pairwise
from typing import Any

from celery_lint.model.commands import Deployment, Written, lines_with

WRITTEN = "written"
"""Under this name stands what was asked of a text, beside what was searched for in its functions."""

Row = dict[str, Any]
"""What was asked of one file, or of all, as the cache keeps it."""


def answered(written: Written) -> dict[str, Row]:
    """What Python files have answered, by path, and under ``""`` what all of them were asked."""
    asked = written.asked()
    words = {word: last for word, (_, last) in asked.words.items()}
    searches = {**{_named(search): first for search, first in asked.first.items()}}
    searches.update({_named(search): "" for search in asked.found})
    found: dict[str, Row] = {"": {"words": words, "searches": searches, "whole": written.is_read_whole}}

    def row(path: str) -> Row:
        return found.setdefault(path, {"holds": [], "lines": {}, "found": {}, "answers": []})

    for word, (paths, _) in asked.words.items():
        for path in _of_python(paths):
            row(path)["holds"].append(word)
    for (path, word), lines in asked.lines.items():
        if path.endswith(".py"):
            row(path)["lines"][word] = lines
    for search, answers in asked.found.items():
        for path, answer in answers.items():
            row(path)["found"][_named(search)] = _told(answer)
    for (path, question, given), answer in asked.answers.items():
        if path.endswith(".py"):
            row(path)["answers"].append([_named(question), given, _told(answer)])
    for path in written.read_whole:
        row(path)["whole"] = True
    return found


def same_answers(
    path: str, text: bytes, own: Row, everywhere: Row, files: Iterable[str], moved: Mapping[int, int]
) -> Row | None:
    """What a Python file answers with another text, where that is what it has answered; ``None`` if not.

    ``files`` are all Python files in the order in which they are searched, ``moved`` tells where the lines of
    what is known of this one stand now.
    """
    if everywhere.get("whole", True) or own.get("whole"):
        return None
    order = {each: number for number, each in enumerate(files)}

    def was_asked(last: str) -> bool:
        return not last or order[path] <= order.get(last, -1)

    holds, found = frozenset(own.get("holds", ())), own.get("found", {})
    for word, last in everywhere["words"].items():
        if was_asked(last) and (word.encode() in text) != (word in holds):
            return None
    for name, first in everywhere["searches"].items():
        if was_asked(first):
            answer = _question(name)(text)
            if bool(answer) != (path == first) if first else _told(answer or "") != found.get(name, "''"):
                return None
    if any(_told(_question(name)(text, *given)) != told for name, given, told in own.get("answers", ())):
        return None
    lines = {word: lines_with(word, text) for word in own.get("lines", {})}
    return {**own, "lines": lines} if _moved_along(own.get("lines", {}), lines, moved) else None


def _moved_along(
    before: Mapping[str, list[int]], after: Mapping[str, list[int]], moved: Mapping[int, int]
) -> bool:
    """Whether words stand where they stood, among what has moved."""
    if any(len(lines) != len(after[word]) for word, lines in before.items()):
        return False
    pairs = set(moved.items())
    for word, lines in before.items():
        pairs.update(zip(lines, after[word], strict=True))
    return all(was < other and now < another for (was, now), (other, another) in pairwise(sorted(pairs)))


def _of_python(paths: Iterable[str]) -> Iterable[str]:
    return (path for path in paths if path.endswith(".py"))


def _named(question: Callable[..., Any]) -> str:
    return f"{question.__module__}:{question.__qualname__}"


def _question(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    question: Callable[..., Any] = getattr(import_module(module), attribute)
    return question


def started(deployment: Deployment) -> str:
    """How a workspace is started, as a text: some of it follows from what Python files say."""
    return _told([each for each in deployment if not isinstance(each, Written)])


def _told(answer: Any) -> str:
    """An answer as a text: equal ones have the same."""
    if isinstance(answer, Mapping):
        answer = frozenset(answer.items())
    if isinstance(answer, (set, frozenset)):
        return f"{{{', '.join(sorted(map(_told, answer)))}}}"
    if isinstance(answer, (tuple, list)):
        return f"({', '.join(map(_told, answer))})"
    return repr(answer)

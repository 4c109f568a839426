"""Edits that give something its right name: a task, a setting, a key, an option, a field of a crontab."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from celery_lint.diagnostics import Span
from celery_lint.fixes.text import Edit, Text, Words


def keyword(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """Another name for a keyword; the span is the keyword, or its value."""
    for node in text.at(span):
        found = node if isinstance(node, ast.keyword) else text.parent(node)
        if isinstance(found, ast.keyword) and found.arg and node in (found, found.value):
            yield text.keyword(found, words[0])
            return


def key(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """Another key for a value of a dictionary, or another keyword. A variable stays: others may read it."""
    (name,) = words
    for node in text.at(span):
        holder = text.parent(node)
        if isinstance(holder, ast.Dict) and node in holder.values:
            given = holder.keys[holder.values.index(node)]
            edit = _literal(text, given, name) if isinstance(given, ast.Constant) else None
            if edit is not None:
                yield edit
                return
    yield from keyword(text, span, words)


def literal(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """Another text in place of one that is the span, or the one argument of the call that the span is."""
    old, new = words
    for node in text.at(span):
        found = [node] if isinstance(node, ast.Constant) else []
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            found = [each for each in given if isinstance(each, ast.Constant) and each.value == old]
        edits = [_literal(text, each, new) for each in found if each.value == old]
        if len(edits) == 1 and edits[0] is not None:
            yield edits[0]
            return


def _literal(text: Text, node: ast.Constant, new: str) -> Edit | None:
    """Another text between the quotes; none where they are not plain ones."""
    written = text.text[text.start(node) : text.end(node)]
    if len(written) < 2 or written[0] not in "'\"" or written[1:-1] != node.value:
        return None
    return text.replaced(node, f"{written[0]}{new}{written[-1]}")


def key_or_keyword(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """Another key; the span is the key itself, or what has it."""
    edits = list(literal(text, span, words))
    yield from edits or key(text, span, words[1:])


def setting(text: Text, span: Span, words: Words) -> Iterator[Edit]:
    """Another name for what is set to the value that the span is, wherever settings are given."""
    old, new = words
    node = text.expression(span)
    holder = text.parent(node) if node is not None else None
    if not isinstance(holder, ast.Assign) or holder.value is not node or len(holder.targets) != 1:
        yield from key(text, span, (new,))
        return
    (target,) = holder.targets
    if isinstance(target, ast.Attribute) and target.attr == old:
        yield text.attribute(target, new)
    elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        edit = _literal(text, target.slice, new)
        if edit is not None and target.slice.value == old:
            yield edit
    elif isinstance(target, ast.Name) and target.id == old and new.isupper() == old.isupper():
        used = [each for each in text.all(ast.Name) if each.id == old]
        if used == [target]:
            yield text.replaced(target, new)


_FIELDS = {
    "minutes": "minute",
    "hours": "hour",
    "weekday": "day_of_week",
    "days_of_week": "day_of_week",
    "dow": "day_of_week",
    "months": "month_of_year",
    "month": "month_of_year",
}


def crontab(text: Text, span: Span, _: Words) -> Iterator[Edit]:
    """``crontab("0 2 * * *")`` as ``crontab.from_string("0 2 * * *")``; the right name of a field."""
    for node in text.at(span):
        holder = text.parent(node)
        if isinstance(holder, ast.Call) and holder.args == [node] and not holder.keywords:
            yield text.after(holder.func, ".from_string")
            return
        if isinstance(holder, ast.keyword) and holder.arg in _FIELDS:
            yield text.keyword(holder, _FIELDS[holder.arg])
            return

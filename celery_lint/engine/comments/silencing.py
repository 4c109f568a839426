"""The comment that silences a rule at one place."""

from __future__ import annotations

from celery_lint.diagnostics import Span
from celery_lint.fixes.suggestions import Replacement
from celery_lint.model.comments import OWN
from celery_lint.model.reading.comments import joined_lines
from celery_lint.source import Source

REASON = "reason"
"""What stands for the reason until somebody writes it."""


def silencing(source: Source, line: int, name: str) -> Replacement | None:
    """A comment above a line that silences the rule of this name there; ``None`` where none can stand.

    Above the first of the lines that a backslash or a text joins: between them there are no comments.
    """
    joined = [
        first for first, last, has_code, _ in joined_lines(source) if has_code and first <= line <= last
    ]
    if not joined:
        return None
    first = joined[0]
    text = source.line(first)
    indent = text[: len(text) - len(text.lstrip(" \t\f"))]
    end = "\r\n" if "\r\n" in source.text else "\n"
    comment = f"{indent}# {OWN} ignore[{name}] -- {REASON}{end}"
    return Replacement(Span(first, 1, first, 1), comment)

"""``# noqa`` comments, with the meaning that flake8 gives them.

``# noqa`` silences every rule on its line, ``# noqa: CEL110,CEL2`` the codes and prefixes it lists.
Beyond flake8, a list may also hold rule names: ``# noqa: asyncio-run-in-task``. Words that name no rule
are prose, and prose after the colon leaves the comment a blanket one, as in flake8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

_comment: re.Pattern[str] | None = None


def suppressed(line: str, code: str, name: str) -> bool:
    """Whether the text of a diagnostic's own line silences this rule."""
    # Nearly every line ends here, so that `re` is only imported where a comment asks for it.
    if "noqa" not in line.lower():
        return False
    found = _pattern().search(line)
    if found is None:
        return False
    listed = found.group("listed")
    if listed is None:
        return True
    items = listed.replace(",", " ").split()
    codes = tuple(item.upper() for item in items if item[-1].isdigit() and "-" not in item)
    names = [item.lower() for item in items if "-" in item]
    if code.startswith(codes) or name in names:
        return True
    if codes:
        return False
    return not any(item in _rule_names() for item in names)


def _pattern() -> re.Pattern[str]:
    global _comment
    if _comment is None:
        import re

        # flake8's own expression, with rule names beside the codes.
        code, rule_name = r"[A-Z]+[0-9]+", r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+"
        _comment = re.compile(
            rf"# noqa(?::\s?(?P<listed>(?:(?:{rule_name}|{code})(?:[,\s]+)?)+))?", re.IGNORECASE
        )
    return _comment


def _rule_names() -> frozenset[str]:
    # Only reached for a comment that lists words: the rules themselves are costly to import.
    from celery_lint.rules import all_rules

    return frozenset(rule.name for rule in all_rules())

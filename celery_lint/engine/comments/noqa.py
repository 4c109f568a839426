"""What a ``# noqa`` comment silences, with the meaning that flake8 gives it.

``# noqa`` silences every rule on its line, ``# noqa: CEL110,CEL2`` the codes and prefixes it lists, written
as the codes are. Beyond flake8, a list may also hold rule names: ``# noqa: asyncio-run-in-task``. Words that
name no rule are prose, and prose after the colon leaves the comment a blanket one, as in flake8.
"""

from __future__ import annotations

from collections.abc import Iterator

_SEPARATORS = ", \t\n\r\f\v"


def suppressed(line: str, code: str, name: str) -> bool:
    """Whether the text of a diagnostic's own line silences this rule."""
    found = listed(line)
    if found is None:
        return False
    items = [item for _, item in found]
    codes = tuple(item for item in items if "-" not in item)
    names = [item.lower() for item in items if "-" in item]
    if not items or code.startswith(codes) or name in names:
        return True
    return not codes and not any(item in rule_names() for item in names)


def listed(line: str) -> Iterator[tuple[int, str]] | None:
    """The codes and names behind the first ``# noqa``, each with its index; None if there is none.

    Read by hand and not by flake8's regular expression, which with names in it takes hours for some lines.
    """
    at = line.find("# ")
    while at >= 0:
        if line[at + 2 : at + 6].lower() == "noqa":
            return _items(line, at + 6)
        at = line.find("# ", at + 2)
    return None


def _items(line: str, at: int) -> Iterator[tuple[int, str]]:
    if line[at : at + 1] != ":":
        return
    at += 1
    if line[at : at + 1].isspace():  # one blank, not more
        at += 1
    while at < len(line):
        end = _end_of_word(line, at)
        whole = _end_of_name(line, at, end)
        if whole:
            yield at, line[at:whole]
            at = whole
        else:
            code = _end_of_codes(line, at, end)
            if code == at:
                return
            yield at, line[at:code]
            at = code
        if at < end:  # an item ends where something else begins
            return
        while at < len(line) and line[at] in _SEPARATORS:
            at += 1


def _end_of_word(line: str, at: int) -> int:
    while at < len(line) and line[at].isascii() and (line[at].isalnum() or line[at] == "-"):
        at += 1
    return at


def _end_of_name(line: str, at: int, end: int) -> int:
    """Where a name with hyphens ends that begins here; 0 if none does."""
    parts = line[at:end].split("-")
    if not parts[0] or parts[0][0].isdigit() or len(parts) < 2 or not parts[1]:
        return 0
    for number, part in enumerate(parts):
        if not part:
            parts = parts[:number]
            break
    return at + len("-".join(parts))


def _end_of_codes(line: str, at: int, end: int) -> int:
    """Where the codes end that begin here, letters and digits, several without a separator too."""
    found = at
    while at < end and line[at].isalpha():
        while at < end and line[at].isalpha():
            at += 1
        if at == end or not line[at].isdigit():
            break
        while at < end and line[at].isdigit():
            at += 1
        found = at
    return found


def rule_names() -> frozenset[str]:
    """The names of all rules."""
    # Only reached for a comment that lists words: the rules themselves are costly to import.
    from celery_lint.rules import all_rules

    return frozenset(rule.name for rule in all_rules())

"""Names that are the same but for a letter or two."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_LETTERS = 2
_SHORTEST = 6  # shorter names are too often like another by chance
_LONGEST = 200


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that is meant by a misspelt one: two letters differ at most, and not only in digits."""
    if not _SHORTEST <= len(name) <= _LONGEST:
        return ""
    found = []
    for guess in names:
        if abs(len(guess) - len(name)) <= _MOST_LETTERS and _may_be_near(name, guess):
            letters = _letters(name, guess)
            if letters <= _MOST_LETTERS and _without_digits(name) != _without_digits(guess):
                found.append((letters, guess))
    return min(found)[1] if found else ""


def _may_be_near(left: str, right: str) -> bool:
    """Whether their letters allow it, which is far cheaper to see: one change touches two of them at most."""
    return len(set(left).symmetric_difference(right)) <= 2 * _MOST_LETTERS


def _without_digits(name: str) -> str:
    return "".join(character for character in name if not character.isdigit())


def _letters(left: str, right: str) -> int:
    """How many letters must be put in, taken out, replaced or swapped to make one text of the other."""
    before, row = list(range(len(right) + 1)), list(range(len(right) + 1))
    earlier = before
    for at, character in enumerate(left, 1):
        earlier, before, row = before, row, [at]
        for to, other in enumerate(right, 1):
            cost = min(before[to] + 1, row[-1] + 1, before[to - 1] + (character != other))
            if at > 1 and to > 1 and character == right[to - 2] and left[at - 2] == other:
                cost = min(cost, earlier[to - 2] + 1)
            row.append(cost)
    return row[-1]

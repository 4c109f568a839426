"""Lines keep their numbers while others come and go, and what is said has the real ones."""

from __future__ import annotations

import random

import pytest

from celery_lint.diagnostics import Diagnostic, Related
from celery_lint.engine.numbering import Numbering
from celery_lint.engine.verdict import Verdict


def numbers(numbering: Numbering, lines: list[str]) -> list[int]:
    numbering.take(lines)
    return [numbering.number(line) for line in range(1, len(lines) + 1)]


@pytest.mark.parametrize("seed", range(20))
def test_lines_around_a_change_keep_their_numbers_and_all_stay_in_order(seed: int) -> None:
    rng = random.Random(seed)
    numbering, lines = Numbering(), [str(number) for number in range(30)]
    before = numbers(numbering, lines)
    for step in range(200):
        at = rng.randrange(len(lines) + 1)
        gone, come = rng.randrange(4), rng.randrange(5)
        new = [*lines[:at], *(f"new {step} {number}" for number in range(come)), *lines[at + gone :]]
        now = numbers(numbering, new)
        assert now == sorted(set(now))
        if now[: at or None] != before[:at] and at:
            assert min(now) > 1 << 32  # all were numbered anew, for want of gaps
        elif lines[at + gone :]:
            assert now[at + come :] == before[at + gone :] or now[0] != before[0]
        lines, before = new or ["x"], now if new else numbers(numbering, ["x"])


def test_a_line_that_comes_moves_none_below_it() -> None:
    numbering = Numbering()
    first = numbers(numbering, ["a", "b", "c"])
    assert numbers(numbering, ["a", "", "b", "c"])[2:] == first[1:]
    assert numbers(numbering, ["a", "b", "c"]) == first
    assert numbers(numbering, ["a", "changed", "c"]) == first


def test_where_no_gap_is_left_all_get_new_numbers() -> None:
    numbering = Numbering()
    lines = ["a", "b"]
    for number in range(40):
        lines.insert(1, str(number))
        now = numbers(numbering, lines)
        assert now == sorted(set(now))


def test_what_is_said_has_the_real_lines() -> None:
    numbering = Numbering()
    one, two = numbers(numbering, ["a", "b"])
    related = Related("app.py", two, 1, f"bound on line {two}"), Related("other.py", 7, 1, "there")
    found = Diagnostic(
        "app.py",
        one,
        1,
        two,
        2,
        "CEL427",
        "name",
        f"line {two}",
        f"see {one} and 1234567890123",
        "error",
        related,
    )
    ours, theirs = numbering.told(
        Verdict([found, found._replace(path="other.py", line=3, end_line=3)], frozenset(), [], {}, {}),
        "app.py",
    ).diagnostics
    assert (ours.line, ours.end_line, ours.message) == (1, 2, "line 2")
    assert ours.help == "see 1 and 1234567890123"
    assert ours.related == (Related("app.py", 2, 1, "bound on line 2"), Related("other.py", 7, 1, "there"))
    assert (theirs.line, theirs.end_line, theirs.message) == (3, 3, "line 2")

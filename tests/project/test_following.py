"""What of a function may still run after one of its statements."""

from __future__ import annotations

import re
from textwrap import indent

import pytest

from celery_lint.inventory.code.ways.following import following, goes_on
from celery_lint.model.reading.reader import read_module
from celery_lint.project.functions import Flow
from celery_lint.source import Source

# The statement is `mark()`. What may follow, and of that what does not belong to its branch or handler.
CASES = {
    "one after the other": ("mark()\nafter()", ["after"], ["after"]),
    "a branch": ("if a:\n    mark()\n    own()\nelse:\n    other()\nafter()", ["own", "after"], ["after"]),
    "a branch that returns": ("if a:\n    mark()\n    return own()\nafter()", ["own"], []),
    "a branch in a branch": (
        "if a:\n    if b:\n        mark()\n    outer()\nafter()",
        ["outer", "after"],
        ["outer", "after"],
    ),
    "a handler": (
        (
            "try:\n    tried()\nexcept E:\n    mark()\n    own()\nexcept F:\n    other()\n"
            "else:\n    well()\nafter()"
        ),
        ["own", "after"],
        ["after"],
    ),
    "a branch in a handler": (
        "try:\n    tried()\nexcept E:\n    if a:\n        mark()\n    own()\nafter()",
        ["own", "after"],
        ["after"],
    ),
    "what is tried": (
        (
            "try:\n    mark()\n    more()\nexcept E:\n    other()\n"
            "else:\n    well()\nfinally:\n    last()\nafter()"
        ),
        ["more", "well", "last", "after"],
        ["more", "well", "last", "after"],
    ),
    "a return that is tried": (
        "try:\n    mark()\n    return\nexcept E:\n    other()\nfinally:\n    last()\nafter()",
        ["last"],
        ["last"],
    ),
    "a round": (
        "for a in b:\n    first()\n    if a:\n        mark()\n    more()\nafter()",
        ["more", "after"],
        ["more", "after", "first", "mark"],
    ),
    "the next round": (
        "for a in b:\n    if a:\n        mark()\n        continue\n    more()\n",
        [],
        ["more", "mark"],
    ),
    "the last round": (
        "for a in b:\n    if a:\n        mark()\n        break\n    more()\nelse:\n    other()\nafter()",
        ["after"],
        ["after"],
    ),
    "a round that returns": ("while a:\n    mark()\n    return\nafter()", [], []),
    "an end in two ways": (
        "mark()\nif a:\n    return one()\nelse:\n    raise two()\nafter()",
        ["one", "two"],
        ["one", "two"],
    ),
    "a case": (
        "match a:\n    case 1:\n        mark()\n    case 2:\n        other()\nafter()",
        ["after"],
        ["after"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_follows(name: str) -> None:
    text, all_of_it, further = CASES[name]
    body = indent(re.sub(r"(\w+)\(\)", r"work.\1()", text), "    ")
    module = read_module("shop.py", Source("shop.py", f"import work\n\n\ndef f(a, b):\n{body}\n"))
    function = module.functions["f"]
    flow, calls = Flow(function), function.calls()
    step = flow.step_of(next(call for call in calls if call.leaf() == "mark"))
    assert step is not None
    for found, expected in ((following(flow, step), all_of_it), (goes_on(flow, step), further)):
        names = {calls[number].leaf() for each in found for number in each.calls}
        assert names == set(expected)

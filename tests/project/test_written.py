"""What the files of a workspace say: looked for while somebody asks on, and kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from celery_lint.model.commands import Written, lines_with

TEXTS = {
    "README.md": b"Start the shop.\n",
    "a.py": b"import shop\n\nshop.sell()\n",
    "b.py": b"workshop = 1\n",
    "c.py": b"import json\n",
    "d.py": b"from shop import sell\n",
}


class Reader:
    """Counts how often everything is read."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Iterator[tuple[str, bytes]]:
        self.count += 1
        yield from TEXTS.items()


def test_who_asks_on_is_told_more() -> None:
    written = Written(Reader())
    first, second = written.holding("shop"), written.holding("shop")
    assert [next(first), next(second), next(second)] == ["README.md", "README.md", "a.py"]
    assert [*first] == ["a.py", "b.py", "d.py"]
    assert [*second] == ["b.py", "d.py"]
    assert [*written.holding("shop")] == ["README.md", "a.py", "b.py", "d.py"]
    assert written.lines("shop") == {"README.md": [1], "a.py": [1, 3], "b.py": [], "d.py": [1]}


def test_what_is_known_is_read_once() -> None:
    reader = Reader()
    written = Written(reader)
    assert not written.held()
    assert written.lines("sell") == {"a.py": [3], "d.py": [1]}
    assert written.held() == TEXTS
    next(written.holding("shop"))
    written.let_go()
    assert not written.held()
    assert [*written.holding("sell")] == ["a.py", "d.py"]
    assert written.lines_in("a.py", "sell") == [3]
    assert next(written.holding("shop")) == "README.md"
    assert reader.count == 1
    assert [*written.holding("shop")] == ["README.md", "a.py", "b.py", "d.py"]
    assert reader.count == 2


def test_whether_anything_is_found_is_asked_of_python_files() -> None:
    written = Written(Reader())

    def starting(text: bytes) -> bool:
        return b"Start" in text

    def importing(text: bytes) -> bool:
        return b"import" in text

    assert not written.finds(starting)
    assert written.finds(importing)
    assert written.found(importing) == {"a.py": True, "c.py": True, "d.py": True}
    assert written.finds(importing)


@pytest.mark.parametrize(
    "text", [b"", b"on", b"on on", b"one\non", b"_on\non_\n", b"on.on\n\n\xe9on-on", b"oonon on"]
)
@pytest.mark.parametrize("word", ["on", "o", "o.o", "n on", "\u00e9"])
def test_a_word_is_no_part_of_a_longer_one(word: str, text: bytes) -> None:
    whole = re.compile(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)")
    expected = [text.count(b"\n", 0, found.start()) + 1 for found in whole.finditer(text)]
    assert lines_with(word, text) == expected

"""Words that select rules, and what they mean; which rules are on is a table in ``test_configuration.py``."""

from __future__ import annotations

import pytest

from celery_lint import selection
from celery_lint.options import Configuration
from celery_lint.rule import Rule
from celery_lint.selection import Selection, normal_form
from tests import examples


class CeleryName(Rule):
    """A rule whose name begins as codes do."""

    code = "CEL810"
    name = "cel-bound"
    severity = "error"
    preset = "all"
    message = "never said"
    help = "none"


class OneWord(Rule):
    """A rule whose name is one word."""

    code = "CEL811"
    name = "pickle"
    severity = "error"
    preset = "all"
    message = "never said"
    help = "none"


RULES = [examples.AsyncioRunInTask, examples.EngineNotDisposed, CeleryName, OneWord]
WORDS = [
    ("CEL110", "CEL110"),
    ("cel110", "CEL110"),
    ("Cel2", "CEL2"),
    ("CEL", "CEL"),
    ("asyncio-run-in-task", "asyncio-run-in-task"),
    ("Asyncio-RUN-in-task", "asyncio-run-in-task"),
    ("CEL-bound", "cel-bound"),
    ("Pickle", "pickle"),
    ("CEL9", None),
    ("CEL1100", None),
    ("CE", None),
    ("asyncio-run", None),
]


@pytest.mark.parametrize("by_files", [True, False])
@pytest.mark.parametrize("word, expected", WORDS)
def test_words(word: str, expected: str | None, by_files: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answer from the names of the rules' files as from the rules, where there are no files."""
    names = [(rule.code, rule.name) for rule in RULES]
    monkeypatch.setattr(selection, "names_by_file", lambda: names if by_files else [])
    monkeypatch.setattr(selection, "all_rules", lambda: [] if by_files else RULES)
    assert normal_form(word) == expected


def test_the_valid_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "all_rules", lambda: RULES[:2])
    assert selection.valid_selectors() == [
        "CEL110", "asyncio-run-in-task", "CEL210", "async-engine-not-disposed",
    ]  # fmt: skip


def test_each_rule_has_its_own_answer() -> None:
    chosen = Selection(Configuration(select=("CEL110",)), "/srv/shop")
    for _ in range(2):  # asked, and remembered
        assert chosen.enabled("CEL110", "asyncio-run-in-task", "recommended")
        assert not chosen.enabled("CEL210", "async-engine-not-disposed", "recommended")


SELECTORS = [
    # select, ignore, whether CEL210 is on
    (("CEL2",), ("CEL21",), False),
    (("CEL2", "CEL210"), ("CEL21",), True),
    (("CEL210", "CEL2"), ("CEL21",), True),
    (("CEL210",), ("CEL2", "CEL210"), False),
    (("CEL210",), ("async-engine-not-disposed",), False),
    (("async-engine-not-disposed",), ("CEL21", "CEL1"), True),
    (("CEL1",), (), False),
]


@pytest.mark.parametrize("select, ignore, expected", SELECTORS)
def test_the_longest_selector_wins(select: tuple[str, ...], ignore: tuple[str, ...], expected: bool) -> None:
    configuration = Configuration(select=select, ignore=ignore)
    name = examples.EngineNotDisposed.name
    assert selection.enabled(configuration, "CEL210", name, "house") is expected
    extended = Configuration(extend_select=select, ignore=ignore)
    assert selection.enabled(extended, "CEL210", name, "house") is expected


FILES = [
    # pattern, selectors, path, whether CEL210 is silenced there
    ("tests/*", ("CEL2",), "tests/a.py", True),
    ("tests/*", ("CEL1", "CEL2"), "tests/a.py", True),
    ("tests/*", ("CEL1",), "tests/a.py", False),
    ("tests/*", ("CEL2",), "app/a.py", False),
    ("tests/*", ("async-engine-not-disposed",), "tests/a.py", True),
]


@pytest.mark.parametrize("pattern, selectors, path, expected", FILES)
def test_rules_are_ignored_by_path(
    pattern: str, selectors: tuple[str, ...], path: str, expected: bool
) -> None:
    others = ("docs/*", ("CEL5",))
    chosen = Selection(Configuration(per_file_ignores=(others, (pattern, selectors))), "/srv/shop")
    assert bool(chosen.ignored(path, "CEL210", "async-engine-not-disposed")) is expected
    assert not chosen.ignored(path, "CEL999", "internal-error")

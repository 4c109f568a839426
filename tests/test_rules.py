"""Every fixture through the engine: what its comments ask for is found."""

from __future__ import annotations

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.files.git import checkout_around
from celery_lint.rules import all_rules
from tests import fixture_listing
from tests.fixture_corpus import DEFAULT, Case, cases, lines
from tests.fixture_reports import LONG, Place, asked_of, below, differences, report, said

RULES = {rule.code: rule for rule in all_rules()}
TYPED = [case for case in cases() if LONG or case.variant != DEFAULT]
"""Cases that are asked about as an editor asks: the others are asked of flake8's plugin, a sample of them."""
LONGEST_MESSAGE = 88


@pytest.mark.parametrize("folder", sorted({case.rule for case in cases()}))
def test_engine(folder: str) -> None:
    """All its cases under all their configurations.

    Each message of a rule is said somewhere, and is short there: most names are such as projects have.
    """
    own = cases(folder)
    wrong = []
    for case in own:
        assert not report(case).unparsed, case.label
        found = [(below(d.path), (d.code, d.line, d.column)) for d in report(case).diagnostics]
        wrong += [f"{case.label}: {each}" for each in differences(found, asked_of(case, suppressed=False))]
    assert wrong == []
    if folder in RULES:
        for (message, _), real in said(RULES[folder], own).items():
            assert real, message
            assert min(map(len, real)) <= LONGEST_MESSAGE, real


@pytest.mark.parametrize("case", TYPED, ids=[case.label for case in TYPED])
def test_texts(case: Case) -> None:
    """One file after the other, whatever the comments for flake8 and others say."""
    configuration = load(str(case.folder), case.options)
    found: list[tuple[str, Place]] = []
    for file in case.files:
        path = case.folder / file
        answer = engine.check_text(str(path), path.read_bytes(), configuration, suppress=False)
        assert not answer.unparsed
        found.extend((f"{case.name}/{file}", (d.code, d.line, d.column)) for d in answer.diagnostics)
    assert differences(found, asked_of(case)) == []


@pytest.mark.parametrize("case", cases("tasks"), ids=lambda case: case.label)
def test_tasks(case: Case) -> None:
    expected = {
        (file, number)
        for file in case.files
        for number, line in enumerate(lines(case.folder / file), 1)
        if line.endswith("# task")
    }
    described = engine.describe(str(case.folder), load(str(case.folder), case.options))
    found = {(below(task.path).removeprefix(f"{case.name}/"), task.line) for task in described.tasks}
    assert found == expected


def test_git_says_of_a_fixture_what_it_says_of_all_of_them() -> None:
    *_, case = sorted(cases(variants=False), key=lambda case: len(case.files))
    checkout = checkout_around(str(case.folder))
    if checkout is None:
        pytest.skip("not a checkout")
    with checkout:
        assert checkout.files() == fixture_listing.asked(checkout) - {""}
        assert {*case.files, "pyproject.toml"} <= fixture_listing.asked(checkout)

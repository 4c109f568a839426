"""Every fixture through the engine: what its comments ask for is found."""

from __future__ import annotations

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.rules import all_rules
from tests.fixture_corpus import Case, cases, lines
from tests.fixture_reports import Place, asked_of, below, differences, report, said, wanted

VARIANTS = cases()
"""All fixtures under all their configurations."""
CASES = cases(variants=False)
"""All fixtures as a front end finds them in their folders."""
LONGEST_MESSAGE = 88


# ------------------------------------------------------------------------------------ engine


@pytest.mark.parametrize("case", VARIANTS, ids=[case.label for case in VARIANTS])
def test_engine(case: Case) -> None:
    configuration = load(str(case.folder), case.options)
    found: list[tuple[str, Place]] = []
    for file in case.files:
        path = case.folder / file
        report = engine.check_text(str(path), path.read_bytes(), configuration, suppress=False)
        assert not report.unparsed
        found.extend((f"{case.name}/{file}", (d.code, d.line, d.column)) for d in report.diagnostics)
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


@pytest.mark.parametrize("folder", sorted({case.rule for case in CASES}))
def test_paths_suppression_and_messages(folder: str) -> None:
    """Each message of a rule is said somewhere, and is short there: most names are such as projects have."""
    own = cases(folder)
    for case in own:
        found = [(below(d.path), (d.code, d.line, d.column)) for d in report(case).diagnostics]
        assert differences(found, wanted([case], suppressed=False)) == []
    for rule in all_rules():
        if rule.code == folder:
            for (message, _), real in said(rule, own).items():
                assert real, message
                assert min(map(len, real)) <= LONGEST_MESSAGE, real

"""What ``scripts/mutate.py`` needs to find; to run it takes half an hour and is done by hand."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import mutate

REPOSITORY = Path(__file__).parent.parent


def test_every_file_that_is_mutated_is_there() -> None:
    found = mutate.modules(REPOSITORY)
    assert len(found) >= 11
    assert [name for name in found if not (REPOSITORY / f"{name.replace('.', '/')}.py").is_file()] == []


def test_every_test_that_mutants_meet_is_there() -> None:
    table = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.mutmut]")[2]
    listed = table.partition("pytest_add_cli_args_test_selection = [")[2].partition("]")[0]
    paths = re.findall(r'"(.+)"', listed)
    assert len(paths) > 5
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_the_outcome_of_a_mutant_is_read() -> None:
    lines = {
        "    celery_lint.files.cache.xǁCacheǁload__mutmut_3: survived": (
            "celery_lint.files.cache",
            "survived",
        ),
        "    celery_lint.selection.x_enabled__mutmut_12: killed": ("celery_lint.selection", "killed"),
        "    celery_lint.selection.x__specificity__mutmut_1: no tests": ("celery_lint.selection", "no tests"),
    }
    for line, (module, outcome) in lines.items():
        match = mutate.RESULT.fullmatch(line)
        assert match is not None
        assert (match["module"], match["outcome"]) == (module, outcome)
    assert mutate.RESULT.fullmatch("To apply a mutant on disk:") is None

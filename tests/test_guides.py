"""The guides: good code is clean, bad code fires the rule that is named, figures are measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.frontends.cli import main
from celery_lint.rule import Rule
from celery_lint.rules import all_rules
from scripts.guides.parts import REPOSITORY
from tests.proofs.pages import PATTERNS, POOLS
from tests.proofs.registry import results

SKILL = REPOSITORY / "celery_lint/frontends/cli/explaining/skill.md"
TEMPLATES = sorted((REPOSITORY / "scripts/guides").rglob("*.md"))
GUIDES = [SKILL, *sorted((REPOSITORY / "docs/guides").glob("*.md"))]
RULES = {rule.code: rule for rule in all_rules()}
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
NOT = re.compile(r"# not: (CEL\d{3})\n")
#: What could only be a measurement: it must come from one.
FIGURE = re.compile(r"\d+ of \d+|\d+(\.\d+)? x\b|\d+ tasks per second|\d+ %")


class Block(NamedTuple):
    """A block of Python, and the rule that it breaks on purpose."""

    page: Path
    line: int
    code: str
    breaks: str


def blocks() -> list[Block]:
    """All blocks of all guides."""
    found = []
    for page in GUIDES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            wrong = NOT.match(match["code"])
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match["code"], wrong[1] if wrong else ""))
    return found


BLOCKS = blocks()


def codes_in(folder: Path, code: str, rule: type[Rule] | None) -> list[str]:
    """The codes that a block gets as the only file of a project, or its parts as several: ``# web.py``."""
    preset = rule.preset if rule is not None else "recommended"
    (folder / "pyproject.toml").write_text(f'[tool.celery-lint]\nroot = true\npreset = "{preset}"\n')
    first, *parts = re.split(r"^# ([\w/]+\.py)\n", code, flags=re.MULTILINE)
    for name, part in [("tasks.py", first), *zip(parts[::2], parts[1::2], strict=True)]:
        if part.strip():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(part, encoding="utf-8")
    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False}))
    assert not report.unparsed
    return sorted({diagnostic.code for diagnostic in report.diagnostics})


@pytest.mark.parametrize("block", BLOCKS, ids=[f"{block.page.name}:{block.line}" for block in BLOCKS])
def test_code(block: Block, tmp_path: Path) -> None:
    rule = RULES[block.breaks] if block.breaks else None
    assert codes_in(tmp_path, block.code, rule) == [block.breaks] * bool(block.breaks)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_rules_exist(page: Path) -> None:
    named = set(re.findall(r"CEL\d{3}", page.read_text(encoding="utf-8")))
    assert named
    assert named <= RULES.keys()


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: page.stem)
def test_no_figure_is_written_by_hand(page: Path) -> None:
    assert [found[0] for found in FIGURE.finditer(page.read_text(encoding="utf-8"))] == []


def test_the_table_of_ways_is_what_was_measured() -> None:
    seen = {(o["task"], o["pool"]): o for o in results()["outcomes"] if o["test"] == PATTERNS}
    bodies = {
        "no database": "sleep",
        "an engine of the module": "pooled",
        "the same, disposed of": "disposed",
    }
    rows = re.findall(
        r"^\| `([\w.]+)` \| ([\w ,]+) \| ([\d |]+) \|$", SKILL.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) == 12
    for way, body, cells in rows:
        outcomes = [seen[f"run({way!r}, {bodies[body]!r})", pool] for pool in POOLS]
        assert [int(cell) for cell in cells.split("|")] == [outcome["succeeded"] for outcome in outcomes]
        assert {outcome["sent"] for outcome in outcomes} == {20}


def test_the_skill_is_short_and_can_be_found() -> None:
    text = SKILL.read_text(encoding="utf-8")
    assert len(text.encode()) <= 12_000
    head = re.match(r"---\nname: [a-z-]+\ndescription: [^\n]{50,1000}\n---\n\n# ", text)
    assert head is not None
    assert {block.breaks for block in BLOCKS if block.page == SKILL} >= {"", "CEL110", "CEL111", "CEL427"}


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SKILL.read_text(encoding="utf-8")
    assert main(["skill"]) == 0
    assert capsys.readouterr() == (text, "")
    folder = tmp_path / "skills" / "celery"
    assert main(["skill", "--write", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("SKILL.md\n")
    assert (folder / "SKILL.md").read_text(encoding="utf-8") == text


def test_a_folder_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["skill", "--write", str(tmp_path / "file" / "below")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("celery-lint: error: cannot write ")
    assert main(["skill", "somewhere"]) == 2

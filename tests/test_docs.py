"""The documentation is what the code says, and its links lead somewhere."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from celery_lint.configuration import load
from celery_lint.options import ADDING, OPTIONS
from celery_lint.rule import FAMILIES
from celery_lint.rules import all_rules
from scripts import generate
from tests.fixture_corpus import cases
from tests.tables import in_one

REPOSITORY = Path(__file__).parent.parent
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


def test_generated_files_are_up_to_date() -> None:
    outdated = [path.relative_to(REPOSITORY).as_posix() for path in generate.outdated()]
    assert outdated == [], "run: python scripts/generate.py"


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual hosts of repositories make them."""
    titles = [match["title"].lower() for match in HEADING.finditer(text)]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@in_one("page", PAGES)
def test_links(page: Path) -> None:
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        path, _, anchor = match["target"].partition("#")
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), match["target"]
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), match["target"]


ROW = re.compile(
    r"^\|.*\| \[(?P<code>CEL\d{3})\]\(rules/CEL\d{3}\.md\) \| (?P<preset>\w+) \| "
    r"\[(?P<name>\w+)\]\(\.\./fixtures/(?P<case>[\w/]+)\) \|",
    re.MULTILINE,
)


def test_the_checklist_is_shown_by_fixtures() -> None:
    text = (REPOSITORY / "docs" / "checklist.md").read_text(encoding="utf-8")
    presets = {rule.code: rule.preset for rule in all_rules()}
    fired = {(case.name, expectation.code): case for case in cases() for expectation in case.expectations}
    rows = list(ROW.finditer(text))
    assert len(rows) == len(re.findall(r"^\|.*\[CEL", text, re.MULTILINE))
    for row in rows:
        assert presets[row["code"]] == row["preset"], row[0]
        assert row["case"].rpartition("/")[2] == row["name"]
        assert (row["case"], row["code"]) in fired, row[0]


SMALLEST = {
    "switch": True,
    "choice": None,
    "choices": None,
    "formats": None,
    "text": "x",
    "version": "5.3",
    "list": ["x"],
    "rules": ["CEL110", "CEL2", "async-def-task"],
    "rules-by-path": {"tests/*": ["CEL110"]},
}
SCHEMA = json.loads((REPOSITORY / "celery_lint/configuration.schema.json").read_text(encoding="utf-8"))
TABLES = jsonschema.Draft7Validator(SCHEMA)


def test_schema_and_options_agree(tmp_path: Path) -> None:
    """What the schema allows for each key is what the configuration takes."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert list(SCHEMA["properties"]) == [*(option.key for option in OPTIONS), *ADDING]
    for key, option in [*((option.key, option) for option in OPTIONS), *ADDING.items()]:
        value = SMALLEST[option.kind] or option.choices[0]
        TABLES.validate({key: value})
        written = json.dumps(value).replace('": ', '" = ')
        (tmp_path / "pyproject.toml").write_text(f"[tool.celery-lint]\n{key} = {written}\n")
        (tmp_path / "x").write_text("[celery-lint]\n")  # which may be extended
        load(str(tmp_path))
        if "default" in SCHEMA["properties"][key]:
            TABLES.validate({key: SCHEMA["properties"][key]["default"]})
        with pytest.raises(jsonschema.ValidationError):
            TABLES.validate({key: 3})


@pytest.mark.parametrize(
    "table, valid",
    [
        ({"selct": []}, False),
        ({"select": ["asyncio-run"]}, False),
        ({"select": ["CEL110", "asyncio-run-in-task", "ALL", "cel5"]}, True),
        ({"ignore": "CEL110, CEL5"}, True),
        ({"pool": "gevent"}, True),
        ({"pool": ["geven"]}, False),
        ({"output-format": ["full", "sarif:report.sarif"]}, True),
        ({"output-format": "xml"}, False),
        ({"target-celery": 5.3}, False),
        ({"per-file-ignores": {"tests/*": ["CEL5"]}}, True),
        ({"per-file-ignores": {"tests/*": ["X5"]}}, False),
    ],
)
def test_the_schema_tells_mistakes(table: dict[str, object], valid: bool) -> None:
    assert TABLES.is_valid(table) is valid


def test_readme_names_every_preset_and_exit_code() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for preset in ("recommended", "house", "strict", "all"):
        assert f"| `{preset}` |" in readme
    for code in (0, 1, 2):
        assert f"\n| {code} |" in readme


def test_readme_configuration_can_be_used(tmp_path: Path) -> None:
    """Every TOML block of the README is valid, and ours is taken."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    assert any("[tool.celery-lint]" in block for block in blocks)
    for block in blocks:
        (tmp_path / "pyproject.toml").write_text(block)
        load(str(tmp_path))


def test_readme_and_continuous_integration_run_the_same_tests() -> None:
    command = "python -m pytest -n auto"
    assert f"\n{command}\n" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "-m pytest -n auto" in (REPOSITORY / ".ci/run").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
def test_the_page_names_every_family_to_pylint() -> None:
    (enabled,) = re.findall(
        r"--disable=all --enable=(\S+) PATH", (REPOSITORY / "docs/hosts.md").read_text(encoding="utf-8")
    )
    assert sorted(enabled.split(",")) == sorted(FAMILIES)


def test_readme_tells_ruff_about_the_codes() -> None:
    import tomllib

    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)]
    tables = [block["tool"]["ruff"] for block in blocks if "ruff" in block.get("tool", {})]
    assert [table["lint"]["external"] for table in tables] == [["CEL"]]


def test_readme_quotes_what_was_seen() -> None:
    """The errors that people search for stand on the page of the rule that tells them."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| \[(CEL\d{3})\]\(docs/rules/", readme, re.MULTILINE)
    assert len(rows) == 6
    for said, code in rows:
        page = (REPOSITORY / f"docs/rules/{code}.md").read_text(encoding="utf-8")
        for text in re.findall(r"`([^`]+)`", said):
            for part in text.split("…"):
                assert part.strip() in page, (code, part)


def test_readme_is_one_page() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    told = int(re.search(r"and (\d+) others: \[all rules\]", readme)[1])  # type: ignore[index]
    assert told <= len(all_rules()) - 6 < told + 30

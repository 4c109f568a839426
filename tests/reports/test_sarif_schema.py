"""What `--output-format sarif` writes is held against the schema of the standard."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sarif_schema import validator

REPOSITORY = Path(__file__).parent.parent.parent

SHOP = """\
import requests
from celery import shared_task


@shared_task(bind=True, max_retries=3)
def fetch(self, url):
    try:
        requests.get(url)
    except OSError:
        self.retry()
    requests.put(url)  # noqa: CEL526
    fetch.apply_async((url,), count_down=3)
"""


def run_of(*words: str) -> dict[str, Any]:
    """What the command writes, which is valid."""
    program = [sys.executable, "-m", "celery_lint", "check", "--no-cache", "--preset", "all", *words]
    done = subprocess.run([*program, "--output-format", "sarif"], capture_output=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert [error.message for error in validator().iter_errors(document)] == []
    [run] = document["runs"]
    return run


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with all that the form has a place for: see the test."""
    shutil.copytree(REPOSITORY / "fixtures/patterns/never_disposed", tmp_path / "engine's")
    (tmp_path / "tâsks.py").write_text(SHOP, encoding="utf-8")
    (tmp_path / "broken.py").write_text("from celery import (\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_what_the_schema_says(shop: Path) -> None:
    run = run_of(".")
    results = {result["ruleId"]: result for result in run["results"]}
    related = results["CEL210"]
    assert related["relatedLocations"]
    assert related["codeFlows"]
    fixes = {code: result["fixes"][0] for code, result in results.items() if "fixes" in result}
    assert {fix["properties"]["applicability"] for fix in fixes.values()} == {"safe", "unsafe"}
    assert (
        len([result for result in run["results"] if result["ruleId"] == "CEL526"]) == 1
    )  # one is suppressed
    assert run["invocations"][0]["toolExecutionNotifications"]
    assert len(run["tool"]["driver"]["rules"]) > 150
    uri = results["CEL614"]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "t%C3%A2sks.py"


def test_a_run_with_a_baseline_and_one_without_results(shop: Path) -> None:
    subprocess.run([sys.executable, "-m", "celery_lint", "check", "--write-baseline", "b.json"], check=True)
    assert {result["ruleId"] for result in run_of("--baseline", "b.json")["results"]}  # those of --preset all
    assert run_of("--select", "CEL826")["results"] == []


def test_the_schema_refuses_what_is_wrong(shop: Path) -> None:
    run = run_of(".")
    for part, key in (
        (run["results"][0], "rule"),
        (run["results"][0]["locations"][0], "region"),
        (run, "rules"),
    ):
        part[key] = 1
        assert not validator().is_valid({"version": "2.1.0", "runs": [run]})
        del part[key]
    assert validator().is_valid({"version": "2.1.0", "runs": [run]})

"""The forms that services read: SARIF, GitHub's and GitLab's, JUnit's."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from celery_lint.diagnostics import Report, Unparsed
from celery_lint.reports import github, gitlab, grouped, junit, sarif
from tests import examples

pytestmark = pytest.mark.usefixtures("example_rules")


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    return examples.report(tmp_path)


EMPTY = Report([], [], 1, 0)


def written(write: Any, report: Report) -> str:
    stream = io.StringIO()
    write(report, stream)
    return stream.getvalue()


def nasty(report: Report) -> Report:
    """Names and texts that mean something to whoever reads the form."""
    found = report.diagnostics[0]._replace(
        path=str(Path.cwd() / "a,b:c%<&\"'\n\x1b\udcff é.py"),
        message='100% <b> & "x" ]]> ##vso[x]\n::error::',
    )
    return report._replace(diagnostics=[found], unparsed=[Unparsed(found.path, 2, "a\nb\0")])


def test_grouped(report: Report) -> None:
    assert written(grouped.write, report) == (
        "tasks.py:\n"
        "  5:2 CEL110 `asyncio.run()` in task `sync` breaks under gevent\n"
        "  7:1 CEL111 async task `mail` never runs its body\n\n"
    )
    assert written(grouped.write, EMPTY) == ""


def test_github(report: Report) -> None:
    first, second, unread = written(github.write, report).splitlines()
    assert first == (
        "::warning title=celery-lint (CEL110),file=tasks.py,line=5,col=2,endLine=5,endColumn=28::"
        "tasks.py:5:2: CEL110 `asyncio.run()` in task `sync` breaks under gevent (asyncio-run-in-task); "
        "help: keep one loop per process"
    )
    assert second.startswith("::error title=celery-lint (CEL111),file=tasks.py,line=7,col=1,endLine=10::")
    assert unread == "::warning title=celery-lint,file=broken.py,line=3::not checked: invalid syntax"


def test_github_obeys_nothing_that_is_quoted(report: Report) -> None:
    lines = written(github.write, nasty(report)).splitlines()
    assert len(lines) == 2
    assert "file=a%2Cb%3Ac%25<&\"'\\n\\x1b\\udcff é.py,line=5" in lines[0]
    assert all(line.startswith("::warning title=") for line in lines)
    assert "100%25 <b>" in lines[0]


def test_gitlab(report: Report) -> None:
    first, second = json.loads(written(gitlab.write, report))
    assert first == {
        "description": "CEL110 `asyncio.run()` in task `sync` breaks under gevent",
        "check_name": "asyncio-run-in-task",
        "fingerprint": first["fingerprint"],
        "severity": "major",
        "location": {
            "path": "tasks.py",
            "positions": {"begin": {"line": 5, "column": 2}, "end": {"line": 5, "column": 28}},
        },
    }
    assert second["severity"] == "critical"
    assert written(gitlab.write, EMPTY) == "[]\n"


def test_fingerprints_tell_diagnostics_apart_and_do_not_move(report: Report) -> None:
    found = report.diagnostics[0]
    moved = found._replace(line=50, end_line=50)
    prints = [
        row["fingerprint"]
        for row in json.loads(written(gitlab.write, report._replace(diagnostics=[found, moved])))
    ]
    assert len(set(prints)) == 2
    [again] = json.loads(written(gitlab.write, report._replace(diagnostics=[moved])))
    assert again["fingerprint"] == prints[0]


def test_junit(report: Report) -> None:
    top = ElementTree.fromstring(written(junit.write, report).encode())
    assert top.attrib == {"name": "celery-lint", "tests": "3", "failures": "2", "errors": "1"}
    tasks, broken = top
    assert (tasks.attrib["name"], [case.attrib["line"] for case in tasks]) == ("tasks.py", ["5", "7"])
    failure = tasks[0][0]
    assert (failure.tag, failure.attrib["type"]) == ("failure", "warning")
    said = "`asyncio.run()` in task `sync` breaks under gevent; help: keep one loop per process"
    assert failure.text == f"line 5, column 2: {said}"
    assert broken[0][0].attrib == {"message": "invalid syntax"}
    [passed] = ElementTree.fromstring(written(junit.write, EMPTY).encode())
    assert (passed.attrib["tests"], len(passed[0])) == ("1", 0)


def test_junit_holds_any_text(report: Report) -> None:
    tasks, broken = ElementTree.fromstring(written(junit.write, nasty(report)).encode())
    assert tasks.attrib["name"] == "a,b:c%<&\"'\\n\\x1b\\udcff é.py"
    assert tasks[0][0].attrib["message"].startswith('100% <b> & "x" ]]> ')
    assert broken[0][0].attrib["message"] == "a\\nb\\x00"


def test_sarif(report: Report, tmp_path: Path) -> None:
    text = written(sarif.write, report)
    [run] = json.loads(text)["runs"]
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": f"{tmp_path.as_uri()}/"}}
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == ["CEL110", "CEL111", "CEL210", "CEL510"]
    assert driver["rules"][0]["defaultConfiguration"] == {"level": "warning"}
    assert "## Why it matters" in driver["rules"][0]["help"]["markdown"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("CEL110", 0, "warning")
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "tasks.py", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 5, "startColumn": 2, "endLine": 5, "endColumn": 28},
    }
    assert [entry["message"]["text"] for entry in first["relatedLocations"]] == [
        "the task", "the worker pool is read here",
    ]  # fmt: skip
    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["physicalLocation"]["region"]["startLine"] for step in steps] == [3, 2, 5]
    assert (second["level"], "relatedLocations" in second) == ("error", False)
    assert run["invocations"] == [
        {
            "executionSuccessful": True,
            "toolExecutionNotifications": [
                {
                    "level": "warning",
                    "message": {"text": "not checked: invalid syntax"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "broken.py", "uriBaseId": "SRCROOT"},
                                "region": {"startLine": 3},
                            }
                        }
                    ],
                }
            ],
        }
    ]


def test_sarif_of_names_and_failures(report: Report) -> None:
    found = nasty(report).diagnostics[0]
    failure = found._replace(code="CEL999", name="internal-error", path="/elsewhere/a b.py", severity="error")
    text = written(sarif.write, report._replace(diagnostics=[found, failure]))
    [run] = json.loads(text)["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["tool"]["driver"]["rules"][run["results"][1]["ruleIndex"]]["id"] == "CEL999"
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%2Cb%3Ac%25%3C%26%22%27%0A%1B%FF%20%C3%A9.py"
    assert json.loads(written(sarif.write, EMPTY))["runs"][0]["results"] == []

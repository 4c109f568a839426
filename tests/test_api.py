"""What programs ask: a small surface that stays, and a document that its schema describes."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from celery_lint import api
from celery_lint.reports import json as json_report
from tests import samples
from tests.processes import run

REPOSITORY = Path(__file__).parent.parent
CODES = [("app/loops.py", "CEL110"), ("app/mail.py", "CEL111")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(samples.write(tmp_path / "project"))
    return tmp_path / "project"


def said(report: api.Report) -> list[tuple[str, str]]:
    found = {(os.path.relpath(each.path), each.code) for each in report.diagnostics}
    return sorted(found & set(CODES))


def test_check(project: Path) -> None:
    assert said(api.check()) == CODES
    assert said(api.check(project / "app")) == CODES
    assert said(api.check(["app/mail.py", project / "app" / "loops.py"])) == CODES
    assert said(api.check("app/mail.py")) == CODES[1:]
    assert said(api.check(options={"ignore": ["CEL110"]})) == CODES[1:]
    assert not api.check([]).diagnostics


def test_check_text_sees_the_disk_as_it_is_now(project: Path) -> None:
    text = (project / "app/loops.py").read_text()
    assert said(api.check_text(text, "app/loops.py")) == CODES[:1]
    assert said(api.check_text(text.replace("asyncio.run", "print"), project / "app/loops.py")) == []
    (project / "Procfile").write_text("worker: celery -A app worker -P prefork\n")
    assert said(api.check_text(text, "app/loops.py")) == []


def test_a_text_without_a_path_is_a_project_of_its_own(project: Path) -> None:
    text = "from celery import shared_task\n\n\n@shared_task\nasync def never(): ...\n"
    for given in (text, text.encode()):
        assert ("<stdin>", "CEL111") in {
            (found.path, found.code) for found in api.check_text(given).diagnostics
        }


def test_what_is_raised(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.py"):
        api.check(["app", "nowhere.py"])
    with pytest.raises(api.ConfigurationError, match="pool"):
        api.check(options={"pool": ["forks"]})


def test_names() -> None:
    """A name that is gone breaks the programs of others: this list only grows."""
    assert api.__all__ == [
        "ConfigurationError",
        "Diagnostic",
        "Related",
        "Report",
        "Severity",
        "Unparsed",
        "check",
        "check_text",
        "document",
        "schema",
    ]
    assert (REPOSITORY / "celery_lint/py.typed").exists()


def test_the_example_of_the_documentation(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPOSITORY / "docs/formats.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(from celery_lint import api\n.*?)```", page, re.DOTALL)
    exec(block.replace('"shop"', '"app"'), {})
    assert "CEL110" in capsys.readouterr().out


# ------------------------------------------------------------------------------------ the schema


def test_what_is_written_is_what_the_schema_says(project: Path) -> None:
    (project / "app/broken.py").write_text("from celery import shared_task\ndef (\n")
    report = api.check()
    assert report.unparsed
    assert any(found.related for found in report.diagnostics)
    jsonschema.Draft202012Validator.check_schema(api.schema())
    stream = io.StringIO()
    json_report.write(report, stream, statistics=True)
    for document in (json.loads(stream.getvalue()), api.document(report), api.document(api.check_text(""))):
        jsonschema.validate(document, api.schema(), jsonschema.Draft202012Validator)


def test_the_command_writes_it_too(project: Path) -> None:
    done = run([sys.executable, "-m", "celery_lint", "check", "--output-format", "json"], cwd=project)
    document = json.loads(done.out)
    assert document["diagnostics"]
    jsonschema.validate(document, api.schema(), jsonschema.Draft202012Validator)


def test_the_schema_names_every_field(project: Path) -> None:
    """A field that is new in the document has to be described, too."""
    schema = api.schema()
    document = api.document(api.check())
    diagnostic = next(found for found in document["diagnostics"] if found["related"])
    parts = schema["$defs"]
    assert [*document, "statistics"] == list(schema["properties"])
    assert list(diagnostic) == list(parts["diagnostic"]["properties"]) == parts["diagnostic"]["required"]
    assert list(diagnostic["related"][0]) == list(parts["related"]["properties"])


@pytest.mark.parametrize(
    "path, value",
    [
        (("version",), 2),
        (("diagnostics", 0, "line"), 0),
        (("diagnostics", 0, "severity"), "fatal"),
        (("diagnostics", 0, "related", 0, "path"), None),
        (("files",), "3"),
    ],
)
def test_the_schema_refuses_what_is_wrong(project: Path, path: tuple[str | int, ...], value: object) -> None:
    document = api.document(api.check("app/loops.py"))
    place: object = document
    for key in path[:-1]:
        place = place[key]  # type: ignore[index]
    place[path[-1]] = value  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, api.schema(), jsonschema.Draft202012Validator)

"""The labels of first sight are whole, and their figures count noise as wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import first_sight
from benchmarks.first_sight import Label, Miss, Place, Project
from celery_lint.rules import all_rules
from tests.tables import in_one

REPOSITORY = Path(__file__).parent.parent
BATCHES = first_sight.batches()
PROJECTS = [(batch.number, project) for batch in BATCHES for project in batch.projects]
NAMES = {rule.code: rule.name for rule in all_rules()}

TASK = """
import requests
from celery import shared_task


@shared_task(soft_time_limit=500, time_limit=600)
def fetch(address):
    return requests.get(address).text


@shared_task(soft_time_limit=500, time_limit=600, ignore_results=True)
def count(numbers):
    return len(numbers)
"""


def document(
    *labels: tuple[str, str, int, str], missed: list[dict[str, object]] | None = None
) -> dict[str, Any]:
    """A file of one batch with one project."""
    rows = [
        {"code": code, "path": path, "line": line, "verdict": verdict, "why": "it was read"}
        for code, path, line, verdict in labels
    ]
    project = {"repository": "depot/parcels", "commit": "0" * 40, "files": 3, "tasks": 2, "labels": rows}
    if missed is not None:
        project["missed"] = missed
    batch = {"batch": 1, "linter": "1" * 40, "judged": "2000-01-01", "note": "Small.", "projects": [project]}
    return {"batches": [batch]}


def read(folder: Path, content: dict[str, Any]) -> list[first_sight.Batch]:
    path = folder / "labels.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return first_sight.batches(path)


# ------------------------------------------------------------------------------------ the labels


@in_one("number, project", PROJECTS)
def test_labels_are_whole(number: int, project: Project) -> None:
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", project.repository)
    assert re.fullmatch(r"[0-9a-f]{40}", project.commit)
    hits, misses = [label.place for label in project.labels], [miss.place for miss in project.missed]
    for code, path, line in hits + misses:
        assert code in NAMES
        assert line > 0
        assert path == Path(path).as_posix()
        assert not path.startswith(("/", "."))
    assert not set(hits) & set(misses)


def test_batches_are_of_projects_that_nobody_knew() -> None:
    """No project is in two batches, and none is among those that the rules were made with."""
    labels = json.loads((REPOSITORY / "benchmarks/labels.json").read_text(encoding="utf-8"))
    made_with = {row["project"].lower() for group in labels.values() for row in group}
    names = [project.repository.lower() for _, project in PROJECTS]
    assert len(names) == len(set(names))
    assert not made_with & set(names)
    assert [batch.number for batch in BATCHES] == list(range(1, len(BATCHES) + 1))


@pytest.mark.parametrize(
    "change, message",
    [({"verdict": "perhaps"}, "no such verdict: perhaps"), ({"why": " "}, "the reason is missing")],
)
def test_what_is_no_label(tmp_path: Path, change: dict[str, str], message: str) -> None:
    content = document(("CEL526", "a.py", 8, "true"))
    content["batches"][0]["projects"][0]["labels"][0].update(change)
    with pytest.raises(ValueError, match=f"depot/parcels.*{message}"):
        read(tmp_path, content)


# ------------------------------------------------------------------------------------ the figures


def test_noise_counts_as_wrong(tmp_path: Path) -> None:
    [batch] = read(
        tmp_path,
        document(
            *(("CEL526", "a.py", line, "true") for line in range(1, 4)),
            ("CEL526", "a.py", 4, "defensible"),
            ("CEL526", "a.py", 5, "noise"),
            ("CEL444", "a.py", 6, "false"),
        ),
    )
    one, every = first_sight.figure(batch.projects, "CEL526"), first_sight.figure(batch.projects)
    assert one.cells() == "5 | 1 | 3 | 1 | 1 | 0 | 80 %"
    assert every.cells() == "6 | 1 | 3 | 1 | 1 | 1 | 67 %"


def test_rules_with_few_hits_are_not_held_to_their_share(tmp_path: Path) -> None:
    [batch] = read(
        tmp_path,
        document(
            *(("CEL526", "a.py", line, "true") for line in range(1, 5)),
            ("CEL526", "a.py", 5, "noise"),
            *(("CEL444", "a.py", line, "false") for line in range(6, 10)),
            *(("CEL110", "a.py", line, "true") for line in range(10, 19)),
            ("CEL110", "a.py", 19, "false"),
        ),
    )
    assert first_sight.below(batch.projects) == ["CEL526"]


def test_the_page_tells_the_newest_batch_first(tmp_path: Path) -> None:
    content = document(("CEL526", "a.py", 8, "noise"), missed=[])
    older, newer = content["batches"][0], json.loads(json.dumps(content["batches"][0]))
    newer["batch"] = 2
    page = first_sight.section(read(tmp_path, {"batches": [older, newer]}), NAMES)
    assert page.index("### Batch 2") < page.index("### Batch 1")
    assert "| [CEL526](rules/CEL526.md) `missing-io-timeout` | 1 | 1 | 0 | 0 | 1 | 0 | 0 % |" in page
    assert "1 projects whose tasks were read, 0 bugs were missed" in " ".join(page.split())


# ------------------------------------------------------------------------------------ then and now


def place(line: int) -> Place:
    return Place("CEL526", "a.py", line)


def test_a_label_is_lost_or_still_wrong() -> None:
    labels = [
        Label(place(1), "true", "r"),
        Label(place(2), "defensible", "r"),
        Label(place(3), "noise", "r"),
        Label(place(4), "false", "r"),
        Label(place(5), "true", "r"),
        Label(place(5), "noise", "r"),
    ]
    missed = [Miss(place(6), "r"), Miss(place(7), "r")]
    project = Project("depot/parcels", "0" * 40, 1, 1, labels, True, missed)
    change = first_sight.changes(project, [place(2), place(4), place(5), place(6), place(8), place(8)])
    assert change.lost == [labels[0]]
    assert change.wrong == [labels[3]]
    assert change.found == [missed[0]]
    assert change.new == [place(8), place(8)]


def test_projects_are_checked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real run: one right hit is there still, one hit is new, and a project that is not there is named."""
    folder = tmp_path / "projects"
    (folder / "depot__parcels").mkdir(parents=True)
    (folder / "depot__parcels" / "jobs.py").write_text(TASK, encoding="utf-8")
    known = read(tmp_path, document(("CEL526", "jobs.py", 8, "true")))
    assert not first_sight.compare(folder, known)
    assert capsys.readouterr().out == "depot/parcels: new: CEL310 jobs.py:11\n"

    known = read(tmp_path, document(("CEL526", "jobs.py", 8, "true"), ("CEL310", "jobs.py", 11, "noise")))
    assert first_sight.compare(folder, known)
    assert capsys.readouterr().out == "depot/parcels: still noise: CEL310 jobs.py:11  it was read\n"

    assert not first_sight.compare(tmp_path, known)
    assert capsys.readouterr().out == "depot/parcels: not there\n"

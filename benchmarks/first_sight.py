"""How often is a rule right on projects that nobody looked at before?

    python benchmarks/first_sight.py            prints the figures of each batch
    python benchmarks/first_sight.py FOLDER     prints what the linter of today says about these projects:
                                                right hits that are lost, wrong ones that it still gives,
                                                known misses that it finds now, and hits without a label
                                                (rules that have left the default preset are not asked);
                                                exits with 1 if a right hit is lost or a hit has no label

``first_sight.json`` beside this file holds the batches. A batch names the commit of the linter that was run,
and each of its projects has the commit that was checked, every hit of the default preset, judged, and what
was found missing where somebody read the tasks for it. A verdict is ``true`` (the code fails or loses
something as the rule says), ``defensible`` (the message is true and a maintainer would take the edit, but
nothing breaks today), ``noise`` (true, but nobody would act on it, or another hit says the same) or
``false``. A batch is judged before a rule is changed for it, by somebody who did not write the rule.

FOLDER holds one folder a project, named ``owner__repository``, at the commit of the batch.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
DATA = HERE / "first_sight.json"

VERDICTS = ("true", "defensible", "noise", "false")
RIGHT = VERDICTS[:2]
ENOUGH = 5
"""A rule with fewer hits in a batch is not held to its share."""
WANTED = 0.9


class Place(NamedTuple):
    """Where a rule speaks."""

    code: str
    path: str
    line: int


class Label(NamedTuple):
    """One judged hit."""

    place: Place
    verdict: str
    why: str


class Miss(NamedTuple):
    """A bug that a rule is about and did not report, and why, as far as it is known."""

    place: Place
    why: str


class Project(NamedTuple):
    """One project of a batch; ``read`` tells whether its tasks were read for what is missed."""

    repository: str
    commit: str
    files: int
    tasks: int
    labels: list[Label]
    read: bool
    missed: list[Miss]

    def folder(self) -> str:
        """The name of its folder."""
        return self.repository.replace("/", "__", 1)


class Batch(NamedTuple):
    """Projects that were judged together, with one version of the linter."""

    number: int
    linter: str
    judged: str
    note: str
    projects: list[Project]


class Figure(NamedTuple):
    """How the hits of a rule, or of all rules, were judged."""

    hits: int
    projects: int
    verdicts: Counter[str]

    def share(self) -> float:
        """The part that is right, from 0 to 1; noise counts as wrong."""
        return sum(self.verdicts[verdict] for verdict in RIGHT) / self.hits

    def cells(self) -> str:
        """The figures as cells of a table."""
        counts = [self.verdicts[verdict] for verdict in VERDICTS]
        return " | ".join(map(str, [self.hits, self.projects, *counts, f"{100 * self.share():.0f} %"]))


def batches(path: Path = DATA) -> list[Batch]:
    """All batches of a file. Raises ValueError for a verdict that is none and for a missing reason."""
    found = []
    for row in json.loads(path.read_text(encoding="utf-8"))["batches"]:
        projects = [_project(each) for each in row["projects"]]
        found.append(Batch(row["batch"], row["linter"], row["judged"], row["note"], projects))
    return found


def _project(row: dict[str, object]) -> Project:
    labels = [Label(_place(each), each["verdict"], each["why"]) for each in _rows(row["labels"])]
    missed = [Miss(_place(each), each["why"]) for each in _rows(row.get("missed"))]
    repository = str(row["repository"])
    for label in labels:
        if label.verdict not in VERDICTS:
            raise ValueError(f"{repository}: {label.place}: no such verdict: {label.verdict}")
    for place, why in [*((label.place, label.why) for label in labels), *missed]:
        if not why.strip():
            raise ValueError(f"{repository}: {place}: the reason is missing")
    files, tasks = row["files"], row["tasks"]
    assert isinstance(files, int)
    assert isinstance(tasks, int)
    return Project(repository, str(row["commit"]), files, tasks, labels, "missed" in row, missed)


def _rows(value: object) -> list[dict[str, str]]:
    return value if isinstance(value, list) else []


def _place(row: dict[str, str]) -> Place:
    return Place(row["code"], row["path"], int(row["line"]))


# ---------------------------------------------------------------------------------- figures


def figure(projects: Iterable[Project], code: str = "") -> Figure:
    """The figure of one rule, or of all of them."""
    mine = [
        (project.repository, label.verdict)
        for project in projects
        for label in project.labels
        if code in ("", label.place.code)
    ]
    return Figure(len(mine), len({name for name, _ in mine}), Counter(verdict for _, verdict in mine))


def codes(projects: Iterable[Project]) -> list[str]:
    """The rules that have hits."""
    return sorted({label.place.code for project in projects for label in project.labels})


def below(projects: list[Project]) -> list[str]:
    """The rules that are right too seldom, among those with enough hits to say so."""
    figures = {code: figure(projects, code) for code in codes(projects)}
    return [code for code, mine in figures.items() if mine.hits >= ENOUGH and mine.share() < WANTED]


# ---------------------------------------------------------------------------------- the page

SECTION = """## First sight

A batch is a set of public projects that nobody had looked at while the rules were made, chosen before the
linter saw them. Every hit of the default preset was read in its source, with what calls it, the settings and
the launch files, by somebody who did not write the rule, and the verdict was written down before any rule was
changed for it: *true* (the code fails or loses something as the rule says), *defensible* (the message is true
and a maintainer would take the edit, but nothing breaks today), *noise* (true, but nobody would act on it, or
another hit says the same) or *false*. Right are the first two; noise counts as wrong. A project of a batch is
known afterwards, so each batch counts once, and the newest says most about the linter of today.

Where the tasks of a project were read for bugs that the rules are about, those that were not reported are
counted as missed. That is no full recall: nobody knows what the reader missed.

The labels are in [`benchmarks/first_sight.json`](../benchmarks/first_sight.json): repository, commit, place,
verdict and reason. `python benchmarks/first_sight.py FOLDER` tells what has become of them."""

HEADER = """| rule | hits | projects | true | defensible | noise | false | right |
|---|--:|--:|--:|--:|--:|--:|--:|"""


def section(known: list[Batch], names: dict[str, str]) -> str:
    """The part of docs/precision.md about first sight, the newest batch first; ``names`` are the rules'."""
    return "\n\n".join([SECTION, *(_batch(each, names) for each in reversed(known))])


def _batch(batch: Batch, names: dict[str, str]) -> str:
    total = figure(batch.projects)
    read = [project for project in batch.projects if project.read]
    missed = sum(len(project.missed) for project in read)
    looked = f"In the {len(read)} projects whose tasks were read, {missed} bugs were missed. " if read else ""
    files = sum(each.files for each in batch.projects)
    tasks = sum(each.tasks for each in batch.projects)
    facts = (
        f"{len(batch.projects)} projects, {files:,} files, {tasks:,} tasks; {total.hits} hits in "
        f"{total.projects} of the projects, **{100 * total.share():.0f} %** right. Judged {batch.judged}, "
        f"linter at commit `{batch.linter[:7]}`. {looked}{batch.note}"
    )
    said = sorted(codes(batch.projects), key=lambda code: -figure(batch.projects, code).hits)
    lines = [f"| {_rule(code, names)} | {figure(batch.projects, code).cells()} |" for code in said]
    low = ", ".join(f"[{code}](rules/{code}.md)" for code in below(batch.projects)) or "none"
    return "\n\n".join(
        [
            f"### Batch {batch.number}",
            textwrap.fill(facts, 110, break_long_words=False, break_on_hyphens=False),
            "\n".join([HEADER, *lines, f"| **all** | {total.cells()} |"]),
            f"Under {100 * WANTED:.0f} % with {ENOUGH} hits or more: {low}.",
        ]
    )


def _rule(code: str, names: dict[str, str]) -> str:
    return f"[{code}](rules/{code}.md) `{names[code]}`" if code in names else code


# ---------------------------------------------------------------------------------- then and now


class Change(NamedTuple):
    """What has become of the labels of a project."""

    lost: list[Label]
    wrong: list[Label]
    found: list[Miss]
    new: list[Place]


def changes(project: Project, said: Iterable[Place]) -> Change:
    """Compare the labels of a project with what the linter says now, as often as it says it."""
    left = Counter(said)
    lost, wrong = [], []
    for label in project.labels:
        if left[label.place]:
            left[label.place] -= 1
            if label.verdict not in RIGHT:
                wrong.append(label)
        elif label.verdict in RIGHT:
            lost.append(label)
    found = []
    for miss in project.missed:
        if left[miss.place]:
            left[miss.place] -= 1
            found.append(miss)
    return Change(lost, wrong, found, sorted(left.elements()))


def said_about(folder: Path) -> list[Place]:
    """The hits of the default preset in a project."""
    from celery_lint import engine
    from celery_lint.configuration import load

    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False}))
    top = folder.resolve()
    return [
        Place(each.code, Path(each.path).resolve().relative_to(top).as_posix(), each.line)
        for each in report.diagnostics
    ]


def compare(folder: Path, known: list[Batch]) -> bool:
    """Print what has become of the labels; False without projects, with a lost right hit or a new one."""
    from celery_lint.rules import all_rules

    default = {rule.code for rule in all_rules() if rule.preset == "recommended"}
    good, there = True, False
    for project in (project for batch in known for project in batch.projects):
        if not (folder / project.folder()).is_dir():
            print(f"{project.repository}: not there")
            continue
        there = True
        asked = project._replace(labels=[each for each in project.labels if each.place.code in default])
        change = changes(asked, said_about(folder / project.folder()))
        rows = [("lost", label.place, label.why) for label in change.lost]
        rows += [(f"still {label.verdict}", label.place, label.why) for label in change.wrong]
        rows += [("found", miss.place, miss.why) for miss in change.found]
        rows += [("new", place, "") for place in change.new]
        for what, place, why in rows:
            print(f"{project.repository}: {what}: {place.code} {place.path}:{place.line}  {why}".rstrip())
        good = good and not change.lost and not change.new
    return good and there


def main(arguments: list[str]) -> int:
    """Print the figures, or compare."""
    known = batches()
    if arguments:
        return 0 if compare(Path(arguments[0]), known) else 1
    for batch in known:
        print(f"batch {batch.number}: {len(batch.projects)} projects, linter {batch.linter[:7]}")
        for code in codes(batch.projects):
            print(f"{code} | {figure(batch.projects, code).cells()}")
        print(f"all    | {figure(batch.projects).cells()}")
        print(f"below  | {', '.join(below(batch.projects)) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How often is a rule right on the projects that it was made with? Compares hits with labels given by hand.

    python benchmarks/precision.py FOLDER            prints hits, labels and precision; exits with 1 if a hit
                                                     has no label or a label no hit
    python benchmarks/precision.py FOLDER --write    writes docs/precision.md from the same figures

FOLDER holds one folder a project, named ``owner__repository``, at the commit that the labels were given for.
``labels.json`` beside this file holds the labels: for each rule a list of project, path, line, verdict and
reason. A verdict is ``true`` (the code fails or loses something as the rule says), ``defensible`` (the
message is true and a maintainer would take the edit, but nothing breaks today) or ``false``. A rule with more
than SAMPLE hits need only have labels for SAMPLE of them.

These projects are a regression test. What the rules do on projects that nobody looked at before is counted by
``first_sight.py``.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import first_sight

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.rules import all_rules

HERE = Path(__file__).resolve().parent
SAMPLE = 10
PAGE = HERE.parent / "docs" / "precision.md"

HEAD = """# Precision

How often a rule is right on real code, counted in two ways that say different things. First sight is the
figure: what the rules do on projects that they were not made with. The projects that they were made with are
a regression test.

<!-- first-sight -->
{first_sight}
<!-- /first-sight -->

## The projects that the rules were made with

{projects} public projects, {files} files, {tasks} tasks, with
every preset on. A hit was read in its source, with what calls it and what it calls, and labelled by hand:
*true* (the code fails or loses something as the rule says), *defensible* (the message is true and a
maintainer would take the edit, but nothing breaks today) or *false*. Precision is the share of the first two.
Where there are more than {sample} hits, a sample of at least {sample} was read. Where a verdict follows from
the line alone (CEL120, 412, 417, 512, 513, 521, 532), not every hit was followed further. A rule below 90 %
is not recommended.

This part is written by `python benchmarks/precision.py FOLDER --write`; the labels are in
[`benchmarks/labels.json`](../benchmarks/labels.json). The rules were improved with these projects at hand, so
the figures are a fit to them and no forecast for others. A rule without hits here is held by its fixtures and
[proofs](proofs.md) alone.

| rule | preset | hits | projects | read | true | defensible | false | precision |
|---|---|--:|--:|--:|--:|--:|--:|--:|
"""


class Hit(NamedTuple):
    """One diagnostic in one project."""

    code: str
    project: str
    path: str
    line: int


def hits_of(folder: Path) -> tuple[list[Hit], int, int]:
    """The diagnostics of a project with all rules on, and how many files and tasks it has."""
    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False, "preset": "all"}))
    project = folder.name.replace("__", "/", 1)
    found = []
    for diagnostic in report.diagnostics:
        path = Path(diagnostic.path).resolve().relative_to(folder.resolve()).as_posix()
        found.append(Hit(diagnostic.code, project, path, diagnostic.line))
    return found, report.files, report.tasks


def labels() -> dict[Hit, tuple[str, str]]:
    """Verdict and reason of every labelled hit."""
    rows = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
    return {
        Hit(code, row["project"], row["path"], row["line"]): (row["verdict"], row["reason"])
        for code, group in rows.items()
        for row in group
    }


def main(arguments: list[str]) -> int:
    """Count, compare, print."""
    write = "--write" in arguments
    folders = sorted(path for path in Path(next(a for a in arguments if a != "--write")).iterdir())
    known = labels()
    hits: list[Hit] = []
    files = tasks = 0
    for folder in folders:
        found, some_files, some_tasks = hits_of(folder)
        hits += found
        files += some_files
        tasks += some_tasks
    lines, problems = [], []
    for rule in all_rules():
        mine = [hit for hit in hits if hit.code == rule.code]
        read = [hit for hit in mine if hit in known]
        verdicts = Counter(known[hit][0] for hit in read)
        good = verdicts["true"] + verdicts["defensible"]
        share = f"{100 * good / len(read):.0f} %" if read else "-"
        row = [f"[{rule.code}](rules/{rule.code}.md) `{rule.name}`", rule.preset, len(mine)]
        row += [len({hit.project for hit in mine}), len(read)]
        row += [verdicts["true"], verdicts["defensible"], verdicts["false"], share]
        lines.append("| " + " | ".join(map(str, row)) + " |")
        if len(read) < min(len(mine), SAMPLE):
            problems += [f"no label: {hit}" for hit in mine if hit not in known]
        if read and good / len(read) < 0.9 and rule.preset == "recommended":
            problems.append(f"{rule.code} is recommended with a precision of {share}")
    problems += [f"no such hit any more: {hit}" for hit in known if hit not in set(hits)]
    print("\n".join(lines))
    print("\n".join(problems), file=sys.stderr)
    if write:
        names = {rule.code: rule.name for rule in all_rules()}
        head = HEAD.format(
            first_sight=first_sight.section(first_sight.batches(), names),
            projects=len(folders),
            files=f"{files:,}",
            tasks=f"{tasks:,}",
            sample=SAMPLE,
        )
        PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

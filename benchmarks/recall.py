"""How many real bugs are found? Fixes in the histories of public projects, and what was said before them.

    python benchmarks/recall.py            prints the figures
    python benchmarks/recall.py FOLDER     prints what the linter of today says about these projects:
                                           bugs that it no longer finds, and those that it finds now;
                                           exits with 1 if one is lost

``recall.json`` beside this file holds the fixes, in batches that were looked at together. Each is a commit
that mends a bug of a kind that one of the rules is about, whatever its message says: the diff was read. The
linter was run, with every preset, on the commit before it. ``before`` is the diagnostic that told the bug, or
the same cause at another place, when the fix was first looked at; ``now`` is that of the linter of today;
``why`` tells what kept it from being found. A fix is known once it was looked at: what is mended for it is
counted in ``now`` alone.

Run it under Python 3.13: some of the projects are written in a syntax that older ones do not parse.

FOLDER holds one folder a fix, named ``owner__repository@`` and the first twelve digits of the fix, with the
commit before it.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
DATA = HERE / "recall.json"


class Told(NamedTuple):
    """The diagnostic that tells a bug."""

    code: str
    path: str
    line: int


class Fix(NamedTuple):
    """A commit that mends a bug, the rule that it is a matter of, and how the bug was told before it."""

    repository: str
    commit: str
    parent: str
    subject: str
    rule: str
    before: Told | None
    now: Told | None
    why: str

    def folder(self) -> str:
        """The name of the folder with the commit before it."""
        return f"{self.repository.replace('/', '__', 1)}@{self.commit[:12]}"


class Batch(NamedTuple):
    """Fixes that were looked at together, and the linter that was run before anything was mended for them."""

    number: int
    linter: str
    judged: str
    note: str
    fixes: list[Fix]


def batches(path: Path = DATA) -> list[Batch]:
    """What a file holds. Raises ValueError for one that is missed, or no longer found, without a reason."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [
        Batch(row["batch"], row["linter"], row["judged"], row["note"], _fixes(row["fixes"]))
        for row in content["batches"]
    ]


def all_fixes(known: Iterable[Batch]) -> list[Fix]:
    """Those of all batches."""
    return [fix for batch in known for fix in batch.fixes]


def _fixes(rows: Iterable[Mapping[str, Any]]) -> list[Fix]:
    fixes = [
        Fix(
            row["repository"],
            row["fix"],
            row["parent"],
            row["subject"],
            row["rule"],
            _told(row["before"]),
            _told(row["now"]),
            row["why"],
        )
        for row in rows
    ]
    for fix in fixes:
        if None in (fix.before, fix.now) and not fix.why:
            raise ValueError(f"{fix.repository} {fix.commit[:12]}: the reason is missing")
    return fixes


def _told(row: Mapping[str, object] | None) -> Told | None:
    return Told(str(row["code"]), str(row["path"]), int(str(row["line"]))) if row is not None else None


# ---------------------------------------------------------------------------------- the page

TOP = """# Recall

How many of the bugs that there are does the linter find? Nobody knows all bugs of a project. What is known
are those that were mended: the histories of public projects were searched for commits that mend a bug which
one of the rules is about, each diff was read, and the linter was run on the commit before it, with every
preset, under Python 3.13, which parses all of their files.

{batches}

A bug counts as found where the diagnostic names its place, or the same cause at another one. A fix is known
once it was looked at, so the first column is the measure, and the second tells what has become of it since
then. The data is in [`benchmarks/recall.json`](../benchmarks/recall.json): repository, commit, diagnostic and
what kept it from being found. How often a rule is right when it speaks is told by
[precision](precision.md).

| subject | fixes | found then | found now |
|---|--:|--:|--:|"""

MISSED = """## What is still missed

| fix | rule | why |
|---|---|---|"""


def page(known: list[Batch], families: Mapping[str, str], names: Mapping[str, str]) -> str:
    """docs/recall.md; ``families`` has the title of each rule's family, ``names`` those of the rules."""
    fixes = all_fixes(known)
    titles = sorted({families[fix.rule] for fix in fixes}, key=list(families.values()).index)
    rows = [_row(title, [fix for fix in fixes if families[fix.rule] == title]) for title in titles]
    missed = [
        f"| [{fix.repository}](https://github.com/{fix.repository}/commit/{fix.commit}) | "
        f"[{fix.rule}](rules/{fix.rule}.md) `{names[fix.rule]}` | {fix.why} |"
        for fix in fixes
        if fix.now is None
    ]
    text = TOP.format(batches="\n".join(_facts(batch) for batch in reversed(known)))
    return "\n".join([text, *rows, _row("**all**", fixes), "", MISSED, *missed, ""])


def _facts(batch: Batch) -> str:
    """What there is to say about one batch, as an entry of a list."""
    projects = len({fix.repository for fix in batch.fixes})
    facts = (
        f"* Batch {batch.number}, {batch.judged}: {len(batch.fixes)} fixes of {projects} projects; "
        f"**{_share(batch.fixes, 'before')}** were found by the linter at commit `{batch.linter[:7]}`, which "
        f"had not been changed for any of them, and {_share(batch.fixes, 'now')} are found now. {batch.note}"
    )
    wrapped = textwrap.fill(
        facts, 110, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return wrapped.rstrip()


def _row(title: str, fixes: list[Fix]) -> str:
    return f"| {title} | {len(fixes)} | {_count(fixes, 'before')} | {_count(fixes, 'now')} |"


def _count(fixes: Iterable[Fix], when: str) -> int:
    return sum(getattr(fix, when) is not None for fix in fixes)


def _share(fixes: list[Fix], when: str) -> str:
    return f"{100 * _count(fixes, when) / len(fixes):.0f} %"


# ---------------------------------------------------------------------------------- then and now


def compare(folder: Path, known: Iterable[Fix]) -> bool:
    """Print what is lost and what is found anew; False without projects and with one that is lost."""
    good, there = True, False
    for fix in known:
        if not (folder / fix.folder()).is_dir():
            continue
        there = True
        said = _said_about(folder / fix.folder())
        if fix.now is not None and fix.now not in said:
            good = False
            print(f"{fix.repository} {fix.commit[:12]}: lost: {fix.now.code} {fix.now.path}:{fix.now.line}")
        for told in sorted(said) if fix.now is None else ():
            if told.code == fix.rule:
                print(f"{fix.repository} {fix.commit[:12]}: said now: {told.code} {told.path}:{told.line}")
    return good and there


def _said_about(folder: Path) -> set[Told]:
    from celery_lint import engine
    from celery_lint.configuration import load

    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False, "preset": "all"}))
    top = folder.resolve()
    return {
        Told(each.code, Path(each.path).resolve().relative_to(top).as_posix(), each.line)
        for each in report.diagnostics
    }


def main(arguments: list[str]) -> int:
    """Print the figures, or compare."""
    known = batches()
    fixes = all_fixes(known)
    if arguments:
        return 0 if compare(Path(arguments[0]), fixes) else 1
    for rule in sorted({fix.rule for fix in fixes}):
        mine = [fix for fix in fixes if fix.rule == rule]
        print(f"{rule} | {len(mine)} | {_count(mine, 'before')} | {_count(mine, 'now')}")
    for batch in known:
        shares = f"{_share(batch.fixes, 'before')} | {_share(batch.fixes, 'now')}"
        print(f"batch {batch.number}: {len(batch.fixes)} | {shares}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

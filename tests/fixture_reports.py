"""What fixtures ask for, what the linter says of them, and the sample that goes through the front ends.

Every fixture is asked of the engine. A host (the command, flake8, pylint) hands a text over and shows what it
gets: for that a sample is enough. The long form asks all of them everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.comments.noqa import suppressed as silenced
from celery_lint.rule import Rule
from celery_lint.rules import all_rules
from tests.fixture_corpus import FOLDER, Case, cases, lines, silent_cases
from tests.sharing import found_once

LONG = bool(os.environ.get("CELERY_LINT_FIXTURES_LONG"))
"""Whether every fixture goes through every front end."""


NAMES = {rule.code: rule.name for rule in all_rules()}
REPOSITORY = FOLDER.parent

Place = tuple[str, int, int]
"""Code, line and column from 1 (0: any)."""
Places = Mapping[str, set[Place]]
"""The places of each file, by its path below the fixtures."""


def wanted(among: Iterable[Case], suppressed: bool = True) -> dict[str, set[Place]]:
    """What the comments of fixtures ask for; without the lines that ``# noqa`` silences if told so."""
    found: dict[str, set[Place]] = {}
    for case in among:
        found.update(asked_of(case, suppressed))
    return found


def asked_of(case: Case, suppressed: bool = True) -> dict[str, set[Place]]:
    """What the comments of one fixture ask for, likewise."""
    found: dict[str, set[Place]] = {}
    for code, path, line, column in case.expectations:
        text = lines(case.folder / path)[line - 1]
        if suppressed or not silenced(text[text.find("#") :], code, NAMES[code]):
            found.setdefault(f"{case.name}/{path}", set()).add((code, line, column))
    return found


def differences(found: Iterable[tuple[str, Place]], expected: Places) -> list[str]:
    """What is there and should not be, and what should be there and is not, one line each."""
    missing = {(path, place) for path, places in expected.items() for place in places}
    extra = []
    for path, (code, line, column) in sorted(found):
        match = next((p for p in ((code, line, column), (code, line, 0)) if (path, p) in missing), None)
        if match is None:
            extra.append(f"{path}:{line}:{column}: {code} is not asked for")
        else:
            missing.discard((path, match))
    gone = [f"{path}:{line}:{column}: {code} is missing" for path, (code, line, column) in sorted(missing)]
    return extra + gone


def below(path: str) -> str:
    """A path as the fixtures name it."""
    return (REPOSITORY / path).resolve().relative_to(FOLDER.resolve()).as_posix()


def texts(rule: type[Rule]) -> list[tuple[str, str]]:
    """All messages of a rule with their help."""
    return [(rule.message, rule.help), *rule.variants.values()]


@cache
def report(case: Case) -> Report:
    """What is said of the folder of a case; found once in each test run."""

    def find() -> Report:
        return engine.check_paths([str(case.folder)], load(str(case.folder), case.options))

    return found_once(case.label, find)


@cache
def report_of_all_rules(folder: Path) -> Report:
    """What all rules say of the folder of a case as it is; found once in each test run."""

    def find() -> Report:
        return engine.check_paths([str(folder)], None, overrides={"preset": "all", "cache": False})

    return found_once(f"all rules {folder.parent.name}/{folder.name}", find)


def said(rule: type[Rule], among: Iterable[Case]) -> dict[tuple[str, str], list[str]]:
    """For each text of a rule its messages in the reports of some cases."""
    found = {(d.message, d.help) for case in among for d in report(case).diagnostics if d.code == rule.code}
    real: dict[tuple[str, str], list[str]] = {}
    for message, help_text in texts(rule):
        plain = re.sub(r"\\\{\w+\\\}", ".+", re.escape(f"{message}\n{help_text}"))
        pattern = re.compile(plain.replace(r"\{\{", r"\{").replace(r"\}\}", r"\}"))
        real[message, help_text] = [own for own, remedy in found if pattern.fullmatch(f"{own}\n{remedy}")]
    return real


@cache
def sample() -> list[Case]:
    """The cases that go through each front end, by name: with their own configuration, so no variants.

    For each rule as few as say all its texts; for each family one in which a rule is silent; all whose bytes
    are not plain ASCII lines, because each host reads files in its own way; all that belong to no rule.
    """
    everything = cases(variants=False)
    if LONG:
        return everything
    chosen = found_once("sample", _chosen)
    return [case for case in everything if case.name in chosen]


def _chosen() -> set[str]:
    """The names of the cases of the sample."""
    everything = cases(variants=False)
    chosen = {case.name for case in everything if not case.rule.startswith("CEL") or not _is_plain(case)}
    silence: dict[str, list[str]] = {}
    for rule in all_rules():
        loud = [case for case in cases(rule.code, variants=False) if _fires(case)]
        if rule.variants:
            says = {case: {text for text, real in said(rule, [case]).items() if real} for case in loud}
        else:  # there is one text to say
            says = {case: {(rule.message, rule.help)} for case in loud}
        missing = set().union(*says.values())
        while missing:
            best = max(loud, key=lambda case: (len(says[case] & missing), -len(case.files)))
            chosen.add(best.name)
            missing -= says[best]
        # What a host adds of its own it adds whatever the rule: one silence for each family shows that.
        silence.setdefault(rule.code[:4], [case.name for case in silent_cases(rule.code)[:1]])
    chosen.update(name for names in silence.values() for name in names)
    return chosen


def _fires(case: Case) -> bool:
    return any(entry.code == case.rule for entry in case.expectations)


def _is_plain(case: Case) -> bool:
    contents = [(case.folder / file).read_bytes() for file in case.files]
    return all(content.isascii() and b"\r" not in content for content in contents)

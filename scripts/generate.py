"""Write everything that is made from the rules, the options and the fixtures.

    python scripts/generate.py            writes
    python scripts/generate.py --check    writes nothing, exits with 1 if anything is out of date

Made are the rules' pages (``docs/rules/CEL110.md``), their table (``docs/rules.md``), the tables and the
example in ``README.md``, the known misses in ``docs/limitations.md``, the figures of first sight in
``docs/precision.md``, those of recall (``docs/recall.md``), the proofs and their figures
(``docs/proofs.md``), the reference of the runtime (``docs/runtime.md``), the guides (``docs/guides``,
``celery-lint skill``) and the schema of the configuration (``celery_lint/configuration.schema.json``).
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks import first_sight, recall  # noqa: E402
from celery_lint import engine  # noqa: E402
from celery_lint.engine.graph.elements import EDGES  # noqa: E402
from celery_lint.options import OPTIONS, Option  # noqa: E402
from celery_lint.reports import full  # noqa: E402
from celery_lint.rule import FAMILIES, Rule  # noqa: E402
from celery_lint.rules import all_rules  # noqa: E402
from scripts import options_schema, runtime_reference  # noqa: E402
from scripts.guides import skill  # noqa: E402
from tests import fixture_corpus  # noqa: E402
from tests.proofs import pages  # noqa: E402

SKILL = REPOSITORY / "celery_lint/frontends/cli/explaining/skill.md"
SEVERITIES = {
    "error": "fails or loses work for certain",
    "warning": "very likely a bug",
    "advice": "a convention",
}
FAMILY_TITLES = {
    "suppressions": "Comments that silence rules",
    "event_loop": "Coroutines, event loops and worker pools",
    "resources": "Engines, sessions and clients",
    "definition": "Definitions of tasks",
    "flow": "Retries, exceptions and results",
    "limits": "Time limits and acknowledgement",
    "calls": "Call sites",
    "canvas": "Signatures and canvases",
    "results": "Results of tasks and answers of workers",
    "transactions": "Tasks that are sent within a transaction",
    "wiring": "Names, registration and the bridge to a scheduler",
    "schedules": "Schedules",
    "application": "Applications and settings",
}


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    readme = REPOSITORY / "README.md"
    configuration = REPOSITORY / "docs/configuration.md"
    project = REPOSITORY / "docs/project.md"
    limitations = REPOSITORY / "docs/limitations.md"
    precision = REPOSITORY / "docs/precision.md"
    runtime = REPOSITORY / "docs/runtime.md"
    names = {rule.code: rule.name for rule in all_rules()}
    titles = {
        rule.code: FAMILY_TITLES[family]
        for family in FAMILIES
        for rule in all_rules()
        if rule.family() == family
    }
    made = {
        REPOSITORY / "docs/rules.md": rules_index(),
        REPOSITORY / "docs/recall.md": recall.page(recall.batches(), titles, names),
        REPOSITORY / "docs/proofs.md": pages.overview([rule.code for rule in all_rules()]),
        SKILL: skill.skill(),
        options_schema.FILE: options_schema.text(),
        readme: counted(filled(readme.read_text(encoding="utf-8"), {"example": example()})),
        configuration: filled(configuration.read_text(encoding="utf-8"), {"options": options_table()}),
        project: filled(project.read_text(encoding="utf-8"), {"edges": edge_kinds()}),
        limitations: filled(limitations.read_text(encoding="utf-8"), {"misses": known_misses()}),
        precision: filled(
            precision.read_text(encoding="utf-8"),
            {"first-sight": first_sight.section(first_sight.batches(), names)},
        ),
        runtime: filled(
            runtime.read_text(encoding="utf-8"),
            {"under-fire": runtime_reference.under_fire(), "reference": runtime_reference.reference()},
        ),
    }
    for name, text in skill.pages().items():
        made[REPOSITORY / "docs/guides" / name] = text
    for rule in all_rules():
        made[REPOSITORY / f"docs/rules/{rule.code}.md"] = page(rule)
    return made


def counted(text: str) -> str:
    """The text with the number of the rules that it does not show, down to the next ten."""
    shown = len(set(re.findall(r"\(docs/rules/(CEL\d+)\.md\)", text)))
    return re.sub(r"\band \d+ others\b", f"and {(len(all_rules()) - shown) // 10 * 10} others", text)


def filled(text: str, parts: dict[str, str]) -> str:
    """The text with each part between its markers ``<!-- name -->`` and ``<!-- /name -->``."""
    for name, part in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found_start, rest = text.partition(start)
        _, found_end, after = rest.partition(end)
        if not (found_start and found_end):
            raise SystemExit(f"the markers {start} and {end} are missing")
        text = f"{before}{start}\n{part.rstrip()}\n{end}{after}"
    return text


# ------------------------------------------------------------------------------------ rules


def page(rule: type[Rule]) -> str:
    """The page of one rule."""
    facts = [
        f"Severity: {rule.severity} ({SEVERITIES[rule.severity]})",
        f"Preset: `{rule.preset}`",
        f"pylint: `{rule.pylint_id()}` (`{rule.name}`)",
    ]
    if rule.fixable:
        facts.append(f"Fix: `{'--fix' if rule.fixable == 'safe' else '--fix --unsafe-fixes'}`")
    said = "\n".join(f"* {message}\n  * help: {help_text}" for message, help_text in rule.says())
    return (
        f"# {rule.code}: {rule.name}\n\n"
        f"{'; '.join(facts)}.\n\n"
        f"{cleandoc(rule.__doc__ or '')}\n\n"
        f"{pages.section(rule.code, rule.proof, '../../')}"
        f"{silent_where(rule.code)}"
        f"## Messages\n\n{said}\n\n"
        f"[All rules](../rules.md)\n"
    )


def silent_where(code: str) -> str:
    """The section about where a rule says nothing, from the ``# silent:`` comments of its fixtures."""
    rows = []
    for case in fixture_corpus.cases(code, variants=False):
        reasons = list(dict.fromkeys(reason.why for reason in case.silences if reason.code == code))
        if reasons:
            title = case.name.partition("/")[2].replace("_", " ")
            rows.append(f"* [{title}](../../fixtures/{case.name}): {'; '.join(reasons)}")
    return "## Silent where\n\n" + "\n".join(rows) + "\n\n" if rows else ""


def rules_index() -> str:
    """All rules by family."""
    parts = [
        "# Rules\n",
        "*Preset* is the first one that holds the rule: `recommended` is on by default, `house` holds it and",
        "more, `strict` holds that and more, `all` everything. How often each is right on real code:",
        "[precision](precision.md).\n",
    ]
    for family in FAMILIES:
        rows = [
            f"| [{rule.code}](rules/{rule.code}.md) | `{rule.name}` | `{rule.pylint_id()}` | {rule.severity} "
            f"| `{rule.preset}` | {rule.summary()} |"
            for rule in all_rules()
            if rule.family() == family
        ]
        if rows:
            head = "| code | name | pylint | severity | preset | what it says |\n|---|---|---|---|---|---|"
            parts.append("\n".join([f"## {FAMILY_TITLES[family]}\n", head, *rows, ""]))
    return "\n".join(parts)


# ------------------------------------------------------------------------------------ options


def options_table() -> str:
    """One line for each option."""
    rows = ["| option | value | default | flake8, pylint | meaning |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        tick = "✓" if option.linters else ""
        rows.append(f"| `{option.key}` | {value(option)} | {default(option)} | {tick} | {option.help} |")
    return "\n".join(rows)


def value(option: Option) -> str:
    """What an option can be set to."""
    choices = ", ".join(f"`{choice}`" for choice in option.choices)
    return {
        "switch": "`true` or `false`",
        "choice": choices,
        "choices": f"list of {choices}",
        "formats": f"{choices}, or a list with `FORMAT:FILE`",
        "text": "text",
        "version": "version",
        "list": "list of texts",
        "rules": "list of codes, prefixes or names",
        "rules-by-path": "table of lists",
    }[option.kind]


def default(option: Option) -> str:
    """The default as one would write it in TOML; nothing where it is empty."""
    if isinstance(option.default, tuple):
        return f"`{json.dumps(list(option.default))}`" if option.default else ""
    return f"`{json.dumps(option.default)}`" if option.default not in ("", ()) else ""


def edge_kinds() -> str:
    """What the edges of a graph say."""
    return "\n".join(f"* `{kind}`: {said}" for kind, said in EDGES.items())


# ------------------------------------------------------------------------------------ examples, misses


def example() -> str:
    """What the command says about the project in ``docs/example``."""
    folder = REPOSITORY / "docs/example"
    before = os.getcwd()
    os.chdir(folder)
    try:
        report = engine.check_paths([str(folder)], None, overrides={"cache": False})
        stream = io.StringIO()
        full.write(report, stream, colours=False)
    finally:
        os.chdir(before)
    return f"```text\n{stream.getvalue().strip()}\n```"


def known_misses() -> str:
    """The known misses, by rule, from the ``# todo:`` comments of the fixtures."""
    names = {rule.code: rule.name for rule in all_rules()}
    missed: dict[str, set[str]] = {}
    for case in fixture_corpus.cases():
        for todo in case.todos:
            missed.setdefault(todo.code, set()).add(todo.why)
    return "\n".join(
        f"* [{code}](rules/{code}.md) `{names[code]}`: {'; '.join(sorted(missed[code]))}"
        for code in sorted(missed)
    )


# ------------------------------------------------------------------------------------ command


def outdated() -> Iterator[Path]:
    """The files whose text is not what it should be, and pages of rules that are gone."""
    made = files()
    for path, text in made.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield path
    for path in sorted([*REPOSITORY.glob("docs/rules/*.md"), *REPOSITORY.glob("docs/guides/*.md")]):
        if path not in made:
            yield path


def main(arguments: list[str]) -> int:
    """Write, or check with ``--check``."""
    paths = list(outdated())
    for path in paths:
        print(path.relative_to(REPOSITORY))
    if "--check" in arguments:
        return 1 if paths else 0
    made = files()
    for path in paths:
        if path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[path], encoding="utf-8", newline="\n")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

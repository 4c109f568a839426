"""``celery-lint rule``: what a rule means and what to do about it."""

from __future__ import annotations

import json
import sys
from typing import Any

from celery_lint.configuration import did_you_mean
from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.reports.colours import Paint, wanted
from celery_lint.rule import Rule
from celery_lint.rules import all_rules


def run(arguments: Arguments) -> int:
    """Print the pages of rules, or a table of those that a prefix names, or of all."""
    as_json = arguments.flags.get("--output-format") == "json"
    if "--all" in arguments.flags:
        if arguments.positional:
            raise UsageError(f"--all and {arguments.positional[0]!r} exclude each other")
        rules = all_rules()
        _print(json.dumps([_document(rule) for rule in rules], indent=2) if as_json else _table(rules))
        return 0
    if not arguments.positional:
        raise UsageError("which rule? celery-lint rule CODE|NAME, or celery-lint rule --all")
    chosen = [_find(word) for word in arguments.positional]
    if len(chosen) == 1 and len(chosen[0]) == 1:
        rule = chosen[0][0]
        _print(json.dumps(_document(rule), indent=2) if as_json else _page(rule, Paint(wanted(sys.stdout))))
        return 0
    several = list(dict.fromkeys(rule for rules in chosen for rule in rules))
    if as_json:
        _print(json.dumps([_document(rule) for rule in several], indent=2))
    elif all(len(rules) == 1 for rules in chosen):
        _print("\n\n".join(_page(rule, Paint(wanted(sys.stdout))) for rule in several))
    else:
        _print(_table(several))
    return 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n" if text else "")


def _find(word: str) -> list[type[Rule]]:
    """The rule of this code or name, or those whose codes begin with it."""
    for rule in all_rules():
        if word.upper() in (rule.code, rule.pylint_id()) or word.lower() == rule.name:
            return [rule]
    family = [rule for rule in all_rules() if len(word) > 2 and rule.code.startswith(word.upper())]
    if family:
        return family
    valid = [word for rule in all_rules() for word in (rule.code, rule.name)]
    close = did_you_mean(word, valid, "'") or " (celery-lint rule --all lists them)"
    raise UsageError(f"no rule {word!r}{close}")


def _document(rule: type[Rule]) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "family": rule.family(),
        "severity": rule.severity,
        "preset": rule.preset,
        "pylint": rule.pylint_id(),
        "fixable": rule.fixable or None,
        "message": rule.message,
        "variants": {
            name: dict(zip(("message", "help"), texts, strict=True)) for name, texts in rule.variants.items()
        },
        "help": rule.help,
        "summary": rule.summary(),
        "documentation": rule.documentation(),
    }


def _table(rules: list[type[Rule]]) -> str:
    width = max((len(rule.name) for rule in rules), default=0)
    return "\n".join(
        f"{rule.code}  {rule.severity:7}  {rule.preset:11}  {rule.name:{width}}  {rule.summary()}"
        for rule in rules
    )


def _page(rule: type[Rule], paint: Paint) -> str:
    body = "\n".join(
        paint.strong(line) if line.startswith("## ") else line for line in rule.documentation().splitlines()
    )
    facts = f"preset {rule.preset}, family {rule.family().replace('_', ' ')}, pylint {rule.pylint_id()}"
    if rule.fixable:
        facts += f", mended by {'--fix' if rule.fixable == 'safe' else '--fix --unsafe-fixes'}"
    said = "\n".join(
        f"{paint.strong('says')}: {message}\n{paint.strong('help')}: {help_text}"
        for message, help_text in rule.says()
    )
    return (
        f"{paint.strong(f'{rule.code} {rule.name}')}\n"
        f"{paint.severity(rule.severity, rule.severity)}, {facts}\n\n"
        f"{body}\n\n"
        f"{said}"
    )

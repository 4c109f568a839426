"""``celery-lint rule``: what a rule means and what to do about it."""

from __future__ import annotations

import json
import sys
from typing import Any

from celery_lint.configuration import nearest
from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.reports.colours import Paint, wanted
from celery_lint.rule import Rule
from celery_lint.rules import all_rules


def run(arguments: Arguments) -> int:
    """Print one rule or all of them."""
    as_json = arguments.flags.get("--output-format") == "json"
    if "--all" in arguments.flags:
        if arguments.positional:
            raise UsageError(f"--all and {arguments.positional[0]!r} exclude each other")
        rules = all_rules()
        _print(json.dumps([_document(rule) for rule in rules], indent=2) if as_json else _table(rules))
        return 0
    if not arguments.positional:
        raise UsageError("which rule? celery-lint rule CODE|NAME, or celery-lint rule --all")
    rule = _find(arguments.positional[0])
    _print(json.dumps(_document(rule), indent=2) if as_json else _page(rule, Paint(wanted(sys.stdout))))
    return 0


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n" if text else "")


def _find(word: str) -> type[Rule]:
    for rule in all_rules():
        if word.upper() in (rule.code, rule.pylint_id()) or word.lower() == rule.name:
            return rule
    valid = [word for rule in all_rules() for word in (rule.code, rule.name)]
    raise UsageError(f"no rule {word!r}, did you mean {nearest(word, valid)!r}?")


def _document(rule: type[Rule]) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "family": rule.family(),
        "severity": rule.severity,
        "preset": rule.preset,
        "pylint": rule.pylint_id(),
        "message": rule.message,
        "variants": {
            name: dict(zip(("message", "help"), texts, strict=True)) for name, texts in rule.variants.items()
        },
        "help": rule.help,
        "summary": rule.summary(),
        "documentation": _documentation(rule),
    }


def _documentation(rule: type[Rule]) -> str:
    from inspect import cleandoc

    return cleandoc(rule.__doc__ or "")


def _table(rules: list[type[Rule]]) -> str:
    width = max((len(rule.name) for rule in rules), default=0)
    return "\n".join(
        f"{rule.code}  {rule.severity:7}  {rule.preset:11}  {rule.name:{width}}  {rule.summary()}"
        for rule in rules
    )


def _page(rule: type[Rule], paint: Paint) -> str:
    body = "\n".join(
        paint.strong(line) if line.startswith("## ") else line for line in _documentation(rule).splitlines()
    )
    facts = f"preset {rule.preset}, family {rule.family().replace('_', ' ')}, pylint {rule.pylint_id()}"
    return (
        f"{paint.strong(f'{rule.code} {rule.name}')}\n"
        f"{paint.severity(rule.severity, rule.severity)}, {facts}\n\n"
        f"{body}\n\n"
        f"{paint.strong('help')}: {rule.help}"
    )

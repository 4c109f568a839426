"""The JSON schema of the table ``[tool.celery-lint]``, as SchemaStore takes it.

SchemaStore wants draft 7, an ``$id`` of its own, a ``type`` beside each list of values, and no key that the
table does not have. Editors that know the schema of ``pyproject.toml`` complete and check our table by it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from celery_lint.options import ADDING, OPTIONS, Option
from celery_lint.rule import FAMILIES
from celery_lint.rules import all_rules

FILE = Path(__file__).resolve().parent.parent / "celery_lint/configuration.schema.json"
_STRING = {"type": "string"}
_RULES = {"allOf": [{"$ref": "#/definitions/rules"}]}  # draft 7 reads nothing that stands beside a reference


def text() -> str:
    """What stands in the file."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> dict[str, Any]:
    """The schema."""
    properties = {option.key: _property(option) for option in OPTIONS}
    for key, option in ADDING.items():
        described = {"description": f"Adds to `{option.key}` of the file that this one extends"}
        properties[key] = {**described, **_value(option)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://json.schemastore.org/partial-celery-lint.json",
        "title": "celery-lint, a linter for the way a project uses Celery",
        "description": "The table [tool.celery-lint] in pyproject.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": {"rule": _rule(), "rules": _one_or_many({"$ref": "#/definitions/rule"})},
    }


def _property(option: Option) -> dict[str, Any]:
    made = {"description": option.help[0].upper() + option.help[1:], **_value(option)}
    if option.default not in ("", ()):
        given = option.default
        made["default"] = list(given) if isinstance(given, tuple) else given
    return made


def _value(option: Option) -> dict[str, Any]:
    choices = {"type": "string", "enum": list(option.choices)}
    formats = {"type": "string", "pattern": f"^({'|'.join(option.choices)})(:.+)?$"}
    kinds: dict[str, dict[str, Any]] = {
        "switch": {"type": "boolean"},
        "choice": choices,
        "choices": _one_or_many(choices),
        "formats": _one_or_many(formats),
        "text": _STRING,
        "version": {"type": "string", "pattern": r"^\d+(\.\d+)*$"},
        "list": _one_or_many(_STRING),
        "rules": _RULES,
        "rules-by-path": {"type": "object", "additionalProperties": _RULES},
    }
    return kinds[option.kind]


def _one_or_many(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _rule() -> dict[str, Any]:
    """What may stand for rules: editors offer the codes, the names, and the prefixes of families."""
    prefixes = [f"CEL{digit}" for digit in sorted(set(FAMILIES.values()))]
    known = ["ALL", "CEL", *prefixes]
    for rule in all_rules():
        known += (rule.code, rule.name)
    return {
        "anyOf": [
            {"type": "string", "enum": known},
            {"type": "string", "pattern": r"^([Cc][Ee][Ll]\d{0,3}|[Aa][Ll][Ll]|.*,.*)$"},
        ]
    }

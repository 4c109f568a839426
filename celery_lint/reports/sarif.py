"""SARIF 2.1.0, the form that GitHub's code scanning and many viewers read.

The standard is OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from celery_lint.diagnostics import Diagnostic, Report, Severity, Span
from celery_lint.fixes.suggestions import Replacement, Suggestions
from celery_lint.paths import shown
from celery_lint.reports.fingerprints import fingerprints
from celery_lint.reports.json import text_of
from celery_lint.rules import all_rules

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "advice": "note"}
_BASE = "SRCROOT"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


def write(
    report: Report, stream: TextIO, *, version: str = "", buffers: Mapping[str, bytes | str] = {}
) -> None:
    """Write the report as one SARIF log with one run, of this version of the linter.

    Paths are relative to the working directory. ``buffers`` are texts that are not those on disk.
    """
    document = to_document(report, buffers)
    if version:
        document["runs"][0]["tool"]["driver"]["version"] = version
    stream.write(f"{text_of(document)}\n")


def to_document(report: Report, buffers: Mapping[str, bytes | str] = {}) -> dict[str, Any]:
    """The report as plain dictionaries and lists."""
    rules = [_rule(rule) for rule in all_rules()]
    known = {rule["id"]: index for index, rule in enumerate(rules)}
    for diagnostic in report.diagnostics:
        if diagnostic.code not in known:  # a failure of the linter itself
            known[diagnostic.code] = len(rules)
            rules.append({"id": diagnostic.code, "name": diagnostic.name})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "celery-lint", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": list(_results(report.diagnostics, known, Suggestions(buffers))),
    }
    base = _working_directory()
    if base:
        run["originalUriBaseIds"] = {_BASE: {"uri": base}}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Any) -> dict[str, Any]:
    markdown = rule.page()
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary()},
        "fullDescription": {"text": rule.summary()},
        "help": {"text": markdown, "markdown": markdown},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.family(), rule.preset], "problem.severity": _problem(rule.severity)},
    }


def _problem(severity: Severity) -> str:
    return "recommendation" if severity == "advice" else severity


def _invocation(report: Report) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": not report.failed}
    if report.unparsed:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "warning",
                "message": {"text": f"not checked: {message}"},
                "locations": [{"physicalLocation": _place(path, {"startLine": line})}],
            }
            for path, line, message in report.unparsed
        ]
    return invocation


def _results(
    diagnostics: Iterable[Diagnostic], known: dict[str, int], suggestions: Suggestions
) -> Iterable[dict[str, Any]]:
    for diagnostic, fingerprint in fingerprints(diagnostics):
        text = f"{diagnostic.message}\n\nHelp: {diagnostic.help}" if diagnostic.help else diagnostic.message
        place = {"physicalLocation": _place(diagnostic.path, _region(diagnostic))}
        result: dict[str, Any] = {
            "ruleId": diagnostic.code,
            "ruleIndex": known[diagnostic.code],
            "level": _LEVELS[diagnostic.severity],
            "message": {"text": text},
            "locations": [place],
            "partialFingerprints": {"celeryLint/v1": fingerprint},
        }
        if diagnostic.related:
            related = [
                {
                    "physicalLocation": _place(path, {"startLine": line, "startColumn": column}),
                    "message": {"text": message},
                }
                for path, line, column, message in diagnostic.related
            ]
            result["relatedLocations"] = [{"id": number, **entry} for number, entry in enumerate(related, 1)]
            last = {**place, "message": {"text": diagnostic.message}}
            steps = [{"location": entry} for entry in (*related, last)]
            result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
        replacements = suggestions.of(diagnostic)
        if diagnostic.fix and replacements:
            result["fixes"] = [_fix(diagnostic, diagnostic.fix[0], replacements)]
        yield result


def _fix(diagnostic: Diagnostic, applicability: str, replacements: list[Replacement]) -> dict[str, Any]:
    """A fix; of the properties that the standard leaves to the tool, one tells whether it is safe."""
    return {
        "description": {"text": diagnostic.help or diagnostic.message},
        "artifactChanges": [
            {
                "artifactLocation": _place(diagnostic.path, {})["artifactLocation"],
                "replacements": [
                    {"deletedRegion": _region(span), "insertedContent": {"text": text}}
                    for span, text in replacements
                ],
            }
        ],
        "properties": {"applicability": applicability},
    }


def _region(stretch: Diagnostic | Span) -> dict[str, int]:
    return {
        "startLine": stretch.line,
        "startColumn": stretch.column,
        "endLine": stretch.end_line,
        "endColumn": stretch.end_column,
    }


def _place(path: str, region: dict[str, int]) -> dict[str, Any]:
    name = shown(path)
    if os.path.isabs(name):  # on another drive, say
        return {"artifactLocation": {"uri": Path(name).as_uri()}, "region": region}
    return {"artifactLocation": {"uri": _relative(name), "uriBaseId": _BASE}, "region": region}


def _relative(name: str) -> str:
    """A relative path as a URI reference."""
    data = name.replace(os.sep, "/").encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in data)


def _working_directory() -> str:
    try:
        return f"{Path.cwd().as_uri().rstrip('/')}/"
    except OSError:  # it has been removed
        return ""

"""JUnit's XML: a test suite for each file, a failed test for each diagnostic."""

from __future__ import annotations

from itertools import groupby
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from celery_lint.diagnostics import Diagnostic, Report
from celery_lint.paths import shown
from celery_lint.reports.colours import printable


def write(report: Report, stream: TextIO) -> None:
    """Write the document. A file that was not checked is a test that ended with an error."""
    failed, broken = len(report.diagnostics), len(report.unparsed)
    tests = failed + broken or 1
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n')
    stream.write(f'<testsuites name="celery-lint" tests="{tests}" failures="{failed}" errors="{broken}">\n')
    for path, diagnostics in groupby(report.diagnostics, key=lambda diagnostic: diagnostic.path):
        found = list(diagnostics)
        _suite(path, len(found), 0, [_failure(diagnostic) for diagnostic in found], stream)
    for path, line, message in report.unparsed:
        name = _attribute("not checked")
        error = f"<error message={_attribute(message)}>line {line}</error>"
        case = f"    <testcase name={name} classname={_attribute(shown(path))}>{error}</testcase>\n"
        _suite(path, 0, 1, [case], stream)
    if not failed and not broken:
        case = '    <testcase name="celery-lint" classname="celery-lint"/>\n'
        stream.write(f'  <testsuite name="celery-lint" tests="1" failures="0" errors="0">\n{case}')
        stream.write("  </testsuite>\n")
    stream.write("</testsuites>\n")


def _suite(path: str, failures: int, errors: int, cases: list[str], stream: TextIO) -> None:
    numbers = f'tests="{len(cases)}" failures="{failures}" errors="{errors}"'
    stream.write(f"  <testsuite name={_attribute(shown(path))} {numbers}>\n{''.join(cases)}  </testsuite>\n")


def _failure(diagnostic: Diagnostic) -> str:
    path = shown(diagnostic.path)
    name = _attribute(f"{diagnostic.code} {diagnostic.name} at {diagnostic.line}:{diagnostic.column}")
    text = f"line {diagnostic.line}, column {diagnostic.column}: {diagnostic.message}"
    if diagnostic.help:
        text += f"; help: {diagnostic.help}"
    place = f'classname={_attribute(path)} file={_attribute(path)} line="{diagnostic.line}"'
    return (
        f"    <testcase name={name} {place}>"
        f'<failure type="{diagnostic.severity}" message={_attribute(diagnostic.message)}>'
        f"{escape(printable(text))}</failure></testcase>\n"
    )


def _attribute(text: str) -> str:
    """The text in quotes; what XML cannot hold at all is written as an escape."""
    return quoteattr(printable(text))

"""How often each rule was broken."""

from __future__ import annotations

from typing import NamedTuple, TextIO

from celery_lint.diagnostics import Report, Severity
from celery_lint.reports.colours import Paint


class Count(NamedTuple):
    """The number of diagnostics of one rule."""

    times: int
    code: str
    name: str
    severity: Severity


def counts(report: Report) -> list[Count]:
    """The rules that were broken, the most frequent first."""
    numbers: dict[tuple[str, str, Severity], int] = {}
    for diagnostic in report.diagnostics:
        rule = diagnostic.code, diagnostic.name, diagnostic.severity
        numbers[rule] = numbers.get(rule, 0) + 1
    found = [Count(number, *rule) for rule, number in numbers.items()]
    return sorted(found, key=lambda count: (-count.times, count.code))


def write(report: Report, stream: TextIO, *, colours: bool = False) -> None:
    """Write a table of count, code, severity and name."""
    paint = Paint(colours)
    table = counts(report)
    width = max((len(str(row.times)) for row in table), default=0)
    stream.writelines(
        f"{row.times:{width}}  {paint.severity(row.code, row.severity)}  {row.severity:7}  {row.name}\n"
        for row in table
    )

"""One line about a whole run, and one about each file that was not checked."""

from __future__ import annotations

from celery_lint.diagnostics import Report
from celery_lint.paths import shown
from celery_lint.reports.colours import Paint, opening, printable

_NOUNS = {"error": "error", "warning": "warning", "advice": "piece of advice"}
_PLURALS = {"advice": "pieces of advice"}


def summary(report: Report, paint: Paint) -> str:
    """``Found 3 errors, 1 warning in 120 files (34 tasks)``, or that all checks passed.

    They have not passed where a file could not be checked, or where there was none.
    """
    unchecked = f", {counted(len(report.unparsed), 'file')} not checked" if report.unparsed else ""
    unchecked += f", {report.known} known from the baseline" if report.known else ""
    files, tasks = counted(report.files, "file"), counted(report.tasks, "task")
    if not report.files:
        return "Nothing to check: no Python files"
    if report.unparsed and not report.diagnostics:
        checked = max(report.files - len(report.unparsed), 0)
        return f"Found nothing in {counted(checked, 'file')} ({tasks}){unchecked}"
    if not report.diagnostics:
        return f"{paint.good('All checks passed')}: {files}, {tasks}{unchecked}"
    numbers = dict.fromkeys(_NOUNS, 0)
    for diagnostic in report.diagnostics:
        numbers[diagnostic.severity] += 1
    found = ", ".join(
        counted(number, _NOUNS[severity], _PLURALS.get(severity, ""))
        for severity, number in numbers.items()
        if number
    )
    return f"Found {paint.strong(found)} in {files} ({tasks}){unchecked}{_fixes(report)}"


def _fixes(report: Report) -> str:
    """How many of the diagnostics have an automatic edit."""
    kinds = [diagnostic.fix[0] for diagnostic in report.diagnostics if diagnostic.fix]
    safe, unsafe = kinds.count("safe"), kinds.count("unsafe")
    if not unsafe:
        return f"; --fix may mend {safe} of them" if safe else ""
    if not safe:
        return f"; --fix --unsafe-fixes may mend {unsafe} of them"
    return f"; --fix may mend {safe} of them, --unsafe-fixes {unsafe} more"


def not_checked(report: Report) -> list[str]:
    """A line for each file that was not checked."""
    return [
        f"{opening(shown(path))}:{line}: not checked: {printable(message)}"
        for path, line, message in report.unparsed
    ]


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"

"""Rules and reports that the tests of the front ends and reports share."""

from __future__ import annotations

from pathlib import Path

from celery_lint.diagnostics import Diagnostic, Related, Report, Unparsed
from celery_lint.rule import Rule


class _OfEventLoop(Rule):
    @classmethod
    def family(cls) -> str:
        return "event_loop"


class AsyncioRunInTask(_OfEventLoop):
    """A task runs a coroutine on a loop of its own.

    ## Why it matters

    It breaks under gevent.
    """

    code = "CEL110"
    name = "asyncio-run-in-task"
    severity = "warning"
    preset = "recommended"
    message = "`{call}` in task `{task}` breaks under gevent"
    help = "keep one loop per process"


class AsyncDefTask(_OfEventLoop):
    """A task is a coroutine function, and its body never runs."""

    code = "CEL111"
    name = "async-def-task"
    severity = "error"
    preset = "recommended"
    message = "async task `{task}` never runs its body"
    help = "make the task a plain function"


class EngineNotDisposed(Rule):
    """An engine outlives its loop."""

    code = "CEL210"
    name = "async-engine-not-disposed"
    severity = "warning"
    preset = "house"
    message = "engine `{engine}` outlives the loop"
    help = "dispose the engine in the coroutine"


class MissingTimeLimit(Rule):
    """A task may run for ever."""

    code = "CEL510"
    name = "missing-time-limit"
    severity = "advice"
    preset = "all"
    message = "task `{task}` has no time limit"
    help = "set soft_time_limit and time_limit"


RULES: list[type[Rule]] = [AsyncioRunInTask, AsyncDefTask, EngineNotDisposed, MissingTimeLimit]

TASKS = """\
import asyncio

@shared_task
def sync():
\tasyncio.run(load("日本", 1))  # a tab and wide characters

@shared_task(
    name="mail",
)
async def mail(): ...
"""

PROCFILE = "web: gunicorn\nworker: celery -A app worker -P gevent\n"


def diagnostic(
    rule: type[Rule], path: Path | str, span: tuple[int, int, int, int], message: str, *related: Related
) -> Diagnostic:
    """A diagnostic of a rule at (line, column, end line, end column)."""
    line, column, end_line, end_column = span
    return Diagnostic(
        str(path),
        line,
        column,
        end_line,
        end_column,
        rule.code,
        rule.name,
        message,
        rule.help,
        rule.severity,
        related,
    )


def report(folder: Path) -> Report:
    """A report about files that are written to this folder."""
    tasks, procfile = folder / "tasks.py", folder / "Procfile"
    tasks.write_text(TASKS, encoding="utf-8")
    procfile.write_text(PROCFILE, encoding="utf-8")
    return Report(
        [
            diagnostic(
                AsyncioRunInTask,
                tasks,
                (5, 2, 5, 28),
                "`asyncio.run()` in task `sync` breaks under gevent",
                Related(str(tasks), 3, 1, "the task"),
                Related(str(procfile), 2, 27, "the worker pool is read here"),
            ),
            diagnostic(AsyncDefTask, tasks, (7, 1, 10, 22), "async task `mail` never runs its body"),
        ],
        [Unparsed(str(folder / "broken.py"), 3, "invalid syntax")],
        files=3,
        tasks=2,
    )

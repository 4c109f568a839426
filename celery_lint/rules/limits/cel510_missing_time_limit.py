"""CEL510 missing-time-limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.analysis.limits.limits import AppWithoutLimits, Limits, TaskWithoutLimit
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Place
from celery_lint.rule import Cause, Finding, Rule, on

_SHOWN = 3
_BOTH = "set `{hard}` (seconds) to the longest run plus a margin, and `{soft}` a little below"
_HARD_ONLY = "set `{hard}` (seconds) to the longest run plus a margin (gevent enforces no soft limit)"


class MissingTimeLimit(Rule):
    """Tasks that wait for something outside the process run without any time limit.

    ## Why it matters

    Celery sets no limit by default. A request to a peer that never answers, a lock that is never freed, and
    the worker's slot is gone until somebody restarts it; with as many such calls as slots the worker stands
    still, and says nothing.

    ## Example

    ```python
    import subprocess

    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task
    def convert(path):
        return subprocess.run(["convert", path, "out.pdf"], check=True).returncode
    ```

    ## Use instead

    ```python
    import subprocess

    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def convert(path):
        return subprocess.run(["convert", path, "out.pdf"], check=True).returncode
    ```

    One limit for the whole application is enough; `@app.task(soft_time_limit=..., time_limit=...)` is for the
    tasks that need another.

    ## Limits

    Told once at the application, and once for several that take their settings from one place, with the
    number of its tasks that have no limit and are seen to wait for another machine or program; at the first
    of these tasks where the project shows no application. What has a timeout, given or of its library
    (`httpx`, `aiohttp`, `boto3`, `openai`, `google.cloud`), does not wait forever and does not count, nor do
    mails that all settings of Django print, keep or forget (`console.EmailBackend`), a sleep, a coroutine of
    a library that nobody can see into, and tasks that nothing sends or that are only called. A wait for a
    database alone is no reason either (Django's, SQLAlchemy, Redis, Mongo, a driver): it answers as a rule,
    and has limits of its own for statements and locks. What CEL526 tells at its place is not told again here:
    a timeout is the better end. The option `time-limits` says what counts: `io` (the default), `always`
    (every task), `worker` (the worker gets its limits elsewhere: silent). Silent as well where a worker
    command of a launch file gives a limit, where code starts the worker with options that only the run knows,
    where commands show the workers and none of them runs the application of a task (APScheduler that calls
    its tasks, a launch file out of sight), where the application is configured with a limit of `None` or with
    one that is commented out (`# CELERY_TASK_TIME_LIMIT = 3600`), where the task sets itself an alarm
    (`signal.alarm`), where options are hidden in a `**mapping` or in a base class out of the project, where
    settings for production have `task_always_eager` and no broker, and where all known worker pools (threads,
    solo, eventlet) enforce none. gevent enforces `time_limit` only.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL510"
    name = "missing-time-limit"
    severity = "warning"
    preset = "strict"
    message = "no time limit is set: {count} tasks that do I/O can hang forever"
    help = _BOTH
    variants = {
        "one": ("no time limit is set: task `{task}`, which does I/O, can hang forever", _BOTH),
        "every": ("no time limit is set: {count} tasks can hang forever", _BOTH),
        "every one": ("no time limit is set: task `{task}` can hang forever", _BOTH),
        "gevent one": ("no time limit is set: task `{task}`, which does I/O, can hang forever", _HARD_ONLY),
        "gevent": ("no time limit is set: {count} tasks that do I/O can hang forever", _HARD_ONLY),
        "task": (
            "task `{task}` does I/O without a time limit and can hang forever",
            "give it a `time_limit` above its longest run, and a `soft_time_limit` a little below",
        ),
        "tasks": (
            "task `{task}` and {more} more do I/O without a time limit and can hang forever",
            "give each a `time_limit` above its longest run, and a `soft_time_limit` a little below",
        ),
        "any task": (
            "task `{task}` has no time limit and can hang forever",
            "give it a `time_limit` above its longest run, and a `soft_time_limit` a little below",
        ),
        "gevent task": (
            "task `{task}` does I/O without a time limit and can hang forever",
            "give it a `time_limit` above its longest run, in seconds (gevent enforces no soft limit)",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_without_a_limit_a_silent_peer_keeps_the_process"

    @on(Limits.applications)
    def application(self, fact: AppWithoutLimits) -> Iterator[Finding]:
        """Report an application once."""
        tasks = fact.tasks
        soft, hard = fact.names
        values = {"count": len(tasks), "task": tasks[0].label, "soft": soft, "hard": hard}
        related = (*_related(tasks), *((place, "it waits here") for place in fact.waits[:1]))
        if self.known.project.configuration.time_limits == "always":
            variant = "every"
        else:
            variant = "gevent" if fact.pool is not None else ""
        if len(tasks) == 1:
            variant = f"{variant} one".strip()
        yield Finding(fact.application.place, values, related, variant, cause=Cause(fact.sources))

    @on(Limits.lonely_tasks)
    def task(self, fact: TaskWithoutLimit) -> Iterator[Finding]:
        """Report a task whose application is not in the project."""
        related = [(fact.evidence, "it waits here")] if fact.evidence is not None else []
        related += _related(fact.others)
        variant = "any task" if fact.evidence is None else "gevent task" if fact.pool is not None else "task"
        values = {"task": fact.task.label, "more": len(fact.others)}
        yield Finding(fact.task.place, values, tuple(related), "tasks" if fact.others else variant)


def _related(tasks: Sequence[Task]) -> Iterator[tuple[Place, str]]:
    """The first tasks, the last of them with the number of the others."""
    more = len(tasks) - _SHOWN
    for number, task in enumerate(tasks[:_SHOWN], 1):
        others = f", as {more} more" if more > 0 and number == _SHOWN else ""
        yield task.place, f"task `{task.label}` has no time limit{others}"

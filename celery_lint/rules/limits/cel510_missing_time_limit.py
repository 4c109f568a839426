"""CEL510 missing-time-limit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limits import AppWithoutLimits, Limits, TaskWithoutLimit
from celery_lint.rule import Finding, Rule, on


class MissingTimeLimit(Rule):
    """Tasks that wait for something outside the process run without any time limit.

    ## Why it matters

    Celery sets no limit by default. A request to a peer that never answers, a lock that is never freed, and
    the worker's slot is gone until somebody restarts it; with as many such calls as slots the worker stands
    still, and says nothing.

    ## Example

    ```python
    import requests
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task
    def fetch(url):
        return requests.get(url, timeout=5).status_code
    ```

    ## Use instead

    ```python
    import requests
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")
    app.conf.update(task_soft_time_limit=50, task_time_limit=60)


    @app.task
    def fetch(url):
        return requests.get(url, timeout=5).status_code
    ```

    One limit for the whole application is enough; `@app.task(soft_time_limit=..., time_limit=...)` is for the
    tasks that need another.

    ## Limits

    Told once at the application, with the number of its tasks that have no limit and are seen to do I/O; at
    the first of these tasks where the project shows no application. The option `time-limits` says what
    counts: `io` (the default), `always` (every task), `worker` (the worker gets its limits elsewhere:
    silent). Silent as well where a worker command of a launch file gives a limit, where options are hidden in
    a `**mapping` or in a base class outside the project, and where all known worker pools (threads, solo,
    eventlet) enforce none. gevent enforces `time_limit` only.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL510"
    name = "missing-time-limit"
    severity = "warning"
    preset = "recommended"
    message = "no time limit is set, and {count} of its tasks that do I/O have none of their own"
    help = "set `task_soft_time_limit` and `task_time_limit` in the configuration of the application"
    variants = {
        "one": (
            "no time limit is set, and its task `{task}`, which does I/O, has none of its own",
            "set `task_soft_time_limit` and `task_time_limit` in the configuration of the application",
        ),
        "every": (
            "no time limit is set, and {count} of its tasks have none of their own",
            "set `task_soft_time_limit` and `task_time_limit` in the configuration of the application",
        ),
        "every one": (
            "no time limit is set, and its task `{task}` has none of its own",
            "set `task_soft_time_limit` and `task_time_limit` in the configuration of the application",
        ),
        "gevent one": (
            "no time limit is set, and its task `{task}`, which does I/O, has none of its own",
            "set `task_time_limit` in the application's configuration (gevent enforces no soft limit)",
        ),
        "gevent": (
            "no time limit is set, and {count} of its tasks that do I/O have none of their own",
            "set `task_time_limit` in the application's configuration (gevent enforces no soft limit)",
        ),
        "task": (
            "task `{task}` waits for something outside the process and has no time limit",
            "add `soft_time_limit` and `time_limit` to its decorator, or set them for the application",
        ),
        "tasks": (
            "task `{task}` and {more} more wait for something outside and have no time limit",
            "add `soft_time_limit` and `time_limit` to their decorators, or set them for the application",
        ),
        "any task": (
            "task `{task}` has no time limit",
            "add `soft_time_limit` and `time_limit` to its decorator, or set them for the application",
        ),
        "gevent task": (
            "task `{task}` waits for something outside the process and has no time limit",
            "add `time_limit` to its decorator (the gevent pool enforces no soft limit)",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_without_a_limit_a_silent_peer_keeps_the_process"

    @on(Limits.applications)
    def application(self, fact: AppWithoutLimits) -> Iterator[Finding]:
        """Report an application once."""
        tasks = fact.tasks
        values = {"count": len(tasks), "task": tasks[0].label}
        related = tuple((task.place, f"task `{task.label}` has no time limit") for task in tasks[:3])
        if self.known.project.configuration.time_limits == "always":
            variant = "every"
        else:
            variant = "gevent" if fact.pool is not None else ""
        if len(tasks) == 1:
            variant = f"{variant} one".strip()
        yield Finding(fact.application.place, values, related, variant)

    @on(Limits.lonely_tasks)
    def task(self, fact: TaskWithoutLimit) -> Iterator[Finding]:
        """Report a task whose application is not in the project."""
        related = [(fact.evidence, "it waits here")] if fact.evidence is not None else []
        related += [(task.place, f"task `{task.label}` has no time limit") for task in fact.others[:3]]
        variant = "any task" if fact.evidence is None else "gevent task" if fact.pool is not None else "task"
        values = {"task": fact.task.label, "more": len(fact.others)}
        yield Finding(fact.task.place, values, tuple(related), "tasks" if fact.others else variant)

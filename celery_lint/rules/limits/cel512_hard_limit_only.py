"""CEL512 hard-limit-only."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limit_gaps import LimitGaps, LoneLimit
from celery_lint.rule import Finding, Rule, on


class HardLimitOnly(Rule):
    """A task has a hard time limit and no soft one, so that it has no time to clean up when it is stopped.

    ## Why it matters

    The hard limit ends the process of the worker, with a tenth of a second left for any `finally`: temporary
    files stay, and a row that says *running* says so forever. A soft limit that is somewhat shorter raises
    `SoftTimeLimitExceeded` in the task first.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(time_limit=60)
    def export(order):
        return order
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def export(order):
        return order
    ```

    ## Limits

    Told at the limit: of the task, or of the application that sets it for all. Silent where an application, a
    worker command or `task_annotations` may add a soft limit, where the application is not part of the
    project, and where no known pool enforces a soft limit (gevent, eventlet, threads, solo).

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL512"
    name = "hard-limit-only"
    severity = "advice"
    preset = "all"
    message = "task `{task}` has a hard time limit only: it is killed with no time to clean up"
    help = "add a `soft_time_limit` of about 90 % of it, as `soft_time_limit=540, time_limit=600`"
    variants = {
        "application": (
            "tasks have a hard time limit only: they are killed with no time to clean up",
            "set `task_soft_time_limit` too, to about 90 % of `task_time_limit`",
        ),
    }
    proof = "convention"

    @on(LimitGaps.lone)
    def check(self, fact: LoneLimit) -> Iterator[Finding]:
        """Report a hard limit without a soft one."""
        if fact.name == "time_limit":
            if fact.task is None:
                yield Finding(fact.place, {}, (), "application")
            else:
                yield Finding(fact.place, {"task": fact.task.label})

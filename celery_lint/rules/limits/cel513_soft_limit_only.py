"""CEL513 soft-limit-only."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limit_gaps import LimitGaps, LoneLimit
from celery_lint.rule import Finding, Rule, on


class SoftLimitOnly(Rule):
    """A task has a soft time limit and no hard one, so that nothing stops it for certain.

    ## Why it matters

    The soft limit is an exception, raised once. A task that catches it, or that hangs in C code where no
    exception can be raised, runs on, and its slot in the worker is gone. The hard limit ends it for certain.

    ## Example

    ```python
    from celery import Celery

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=50)
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
    worker command or `task_annotations` may add a hard limit, where the application is not part of the
    project, and where no known pool enforces a soft limit: that is CEL514.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL513"
    name = "soft-limit-only"
    severity = "advice"
    preset = "all"
    message = "task `{task}` has a soft time limit only: nothing stops it if it goes on"
    help = "add a `time_limit` above it, as `soft_time_limit=540, time_limit=600`"
    variants = {
        "application": (
            "tasks have a soft time limit only: nothing stops one that goes on",
            "set `task_time_limit` too, above `task_soft_time_limit`",
        ),
    }
    proof = "convention"

    @on(LimitGaps.lone)
    def check(self, fact: LoneLimit) -> Iterator[Finding]:
        """Report a soft limit without a hard one."""
        if fact.name == "soft_time_limit":
            if fact.task is None:
                yield Finding(fact.place, {}, (), "application")
            else:
                yield Finding(fact.place, {"task": fact.task.label})

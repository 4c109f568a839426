"""CEL533 soft-limit-handler-without-limit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.soft_limits import DeadLimitHandler, SoftLimits
from celery_lint.rule import Finding, Rule, on


class SoftLimitHandlerWithoutLimit(Rule):
    """A task waits for the exception of a soft time limit, and no soft limit is in force.

    ## Why it matters

    Celery sets no limit by default, so `SoftTimeLimitExceeded` never comes: the handler is dead, and the task
    that was meant to be stopped in time is never stopped.

    ## Example

    ```python
    from celery import Celery
    from celery.exceptions import SoftTimeLimitExceeded

    app = Celery("proj", broker="redis://localhost")


    @app.task(time_limit=60)
    def prune(days):
        try:
            print(days)
        except SoftTimeLimitExceeded:
            print("too slow")
    ```

    ## Use instead

    ```python
    from celery import Celery
    from celery.exceptions import SoftTimeLimitExceeded

    app = Celery("proj", broker="redis://localhost")


    @app.task(soft_time_limit=50, time_limit=60)
    def prune(days):
        try:
            print(days)
        except SoftTimeLimitExceeded:
            print("too slow")
    ```

    ## Limits

    Looks for a limit in the decorator, its wrapper, the base class, `task_annotations`, the settings of all
    applications, the calls that send the task and the worker commands of launch files; silent where any of
    them sets one or cannot be read, where the application is not part of the project, where the project
    raises the exception itself or sends `SIGUSR1` to the process of a task (`revoke(task_id, terminate=True,
    signal="SIGUSR1")`, also with a signal that cannot be seen), and with `time-limits = "worker"`. Where all
    known worker pools are threads, solo, gevent or eventlet, none of which raises a soft limit, it speaks as
    well, unless the task or the application sets one: that is told at the limit.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL533"
    name = "soft-limit-handler-without-limit"
    severity = "warning"
    preset = "recommended"
    message = "nothing sets a soft time limit for task `{task}`, so this handler never runs"
    help = "add `soft_time_limit` to the task, or remove the handler"
    variants = {
        "pool": (
            "the {pool} pool raises no soft time limit, so this handler never runs",
            "set timeouts on what the task waits for, such as `requests.get(url, timeout=10)`",
        ),
    }
    proof = "tests/proofs/test_retries.py::test_no_soft_limit_comes_unless_it_is_set"

    @on(SoftLimits.dead)
    def check(self, fact: DeadLimitHandler) -> Iterator[Finding]:
        """Report the handler."""
        body = fact.body
        if fact.pool is None:
            yield Finding(body.place(fact.step), {"task": body.task.label}, body.related())
        else:
            related = (*body.related(), *fact.pool.related())
            yield Finding(body.place(fact.step), {"pool": fact.pool.name}, related, "pool")

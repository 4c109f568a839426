"""CEL534 hard-limit-below-soft-of-application."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.limits import HardBelowSoft, Limits
from celery_lint.rule import Finding, Rule, on


class HardLimitBelowSoftOfApplication(Rule):
    """A task's own hard limit is below the application's soft limit, and prefork never enforces it.

    ## Why it matters

    A task without a soft limit of its own gets the application's. Prefork sets its clock for the soft limit,
    and only when that has struck the one for the hard limit: a task with `time_limit=60` under
    `task_soft_time_limit = 270` runs for 270 seconds. Where Celery sees both when the task is sent, it
    refuses instead from 5.5 on: `ValueError: soft_time_limit must be less than or equal to time_limit`.

    ## Example

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.update(task_soft_time_limit=270, task_time_limit=300)


    @app.task(time_limit=60)
    def rebuild():
        return 1
    ```

    ## Use instead

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.update(task_soft_time_limit=270, task_time_limit=300)


    @app.task(soft_time_limit=50, time_limit=60)
    def rebuild():
        return 1
    ```

    ## Limits

    Compares numbers that can be worked out, in projects with one application whose soft limit is set once.
    Limits that a call gives (`apply_async(time_limit=…)`) are not looked at. Silent where every known worker
    runs another pool than prefork, and where both are equal: then the task is stopped in time.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/workers.html#time-limits>
    """

    code = "CEL534"
    name = "hard-limit-below-soft-of-application"
    severity = "error"
    preset = "recommended"
    message = "`{task}` is not stopped after {hard} s: the application's soft limit is {soft} s"
    help = "give the task a `soft_time_limit` of its own, below its `time_limit`"
    proof = (
        "tests/proofs/test_limits.py::test_a_hard_limit_below_the_soft_one_of_the_application_never_strikes"
    )

    @on(Limits.below_the_application)
    def check(self, fact: HardBelowSoft) -> Iterator[Finding]:
        """Report at the hard limit, pointing at the soft one."""
        values = {"task": fact.task.label, "hard": f"{fact.hard:g}", "soft": f"{fact.soft:g}"}
        yield Finding(
            fact.place, values, ((fact.soft_place, "the soft limit that holds for it is set here"),)
        )

"""CEL815 crontab-step-too-wide."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.schedules.crontab_fields import CrontabFields, WideStep
from celery_lint.rule import Finding, Rule, on


class CrontabStepTooWide(Rule):
    """A step of a crontab is longer than the field that it counts through.

    ## Why it matters

    `*/90` does not mean every 90 minutes. It takes each ninetieth of the sixty minutes of an hour, which is
    the first: the task runs once an hour. Nothing is raised.

    ## Example

    ```python
    from celery.schedules import crontab

    SOMETIMES = crontab(minute="*/90")
    ```

    ## Use instead

    ```python
    from datetime import timedelta

    from celery import schedules

    SOMETIMES = schedules.schedule(timedelta(minutes=90))
    ```

    ## Limits

    A step that is as long as the field, as `*/60`, is taken as meant: it fires once. A step that does not
    divide the field, as `*/25`, fires in unequal distances, and is not told.

    ## References

    * <https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#crontab-schedules>
    """

    code = "CEL815"
    name = "crontab-step-too-wide"
    severity = "warning"
    preset = "recommended"
    message = "`{field}` has {count} values, so `*/{step}` fires at the first of them only"
    help = "write a `timedelta` for such a period: a crontab starts anew each hour, day or year"
    proof = "tests/proofs/test_schedules.py::test_a_step_beyond_the_field"

    @on(CrontabFields.wide_steps)
    def check(self, fact: WideStep) -> Iterator[Finding]:
        """Report the field."""
        yield Finding(fact.place, {"step": fact.step, "count": fact.most, "field": fact.field})
